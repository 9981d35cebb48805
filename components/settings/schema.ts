/** The stack's settings, key by key. Which of them agree with each other is `agreement.ts`. */
import * as v from "valibot";
import { address6, subnet6 } from "../address6";
import { dnsOptions } from "../dns-check";
import { edge } from "../edge";
import { https } from "../https";
import { monitoringAuthorityOptions, monitoringOptions } from "../monitoring-options";
import {
  applicationOptions,
  applicationPlace,
  applications,
  backupOptions,
  databaseOptions,
  firewallOptions,
  hardeningOptions,
  loadBalancerOptions,
  nameServerOptions,
  packagePolicy,
  services,
  webAuthorityOptions,
  webServerOptions,
} from "../options";
import { integer, list, oneOf, record, rule, text } from "../rule";
import {
  address,
  domain,
  hostKey,
  hostName,
  keeper,
  port,
  privateKey,
  publicKey,
  sshAddress,
  userName,
} from "../rules";

export const roles = [
  ...(["load-balancer", "web"] as const),
  // A member of the database: alone, one of a pair, or one of a group, as there are hosts with this role.
  "database",
  // The same for a pair, in which the role says who is the primary.
  ...(["database-primary", "database-replica"] as const),
  "name-server",
  "backup",
  "monitoring",
] as const;
export type Role = (typeof roles)[number];

export const privateKeyRemedy =
  "set it with pulumi config set --secret trilithon:privateKey < KEYFILE";

export const hostEntries = {
  name: hostName,
  address,
  publicAddress: v.exactOptional(address),
  address6: v.exactOptional(address6),
  roles: list("a list of roles", oneOf(...roles), 1),
  port: v.exactOptional(port),
  user: v.exactOptional(userName),
  hostKey: v.exactOptional(hostKey),
  sshAddress: v.exactOptional(sshAddress),
  privateKey: v.exactOptional(privateKey),
  away: v.exactOptional(
    rule("true or false", (value): value is boolean => typeof value === "boolean"),
  ),
};

const host = record("a host with name, address and roles", hostEntries);

/** From /24 to /28, so that the last byte of an address is unique in it. */
export const subnet = text("an IPv4 network from /24 to /28 such as 172.31.64.0/24", (value) => {
  const [base = "", length, ...rest] = value.split("/");
  if (rest.length > 0 || !/^2[4-8]$/.test(length ?? "") || !v.is(address, base)) return false;
  return Number(base.split(".")[3]) % 2 ** (32 - Number(length)) === 0;
});

/** Of this machine. */
export const publishedPorts = {
  /** Where the page of the load balancer is. */
  page: 8080,
  /** A host's SSH is at this plus the last byte of its address: no port moves when a host is added. */
  sshBase: 2200,
};

const containers = record("an object with subnet", {
  subnet,
  subnet6: v.exactOptional(subnet6),
  publish: v.exactOptional(port, publishedPorts.page),
  sshPortBase: v.exactOptional(integer(1024, 65280), publishedPorts.sshBase),
  image: v.exactOptional(
    text("the name of an image", (value) => /^[a-z0-9][A-Za-z0-9._/:@-]*$/.test(value)),
    "trilithon-host:latest",
  ),
  // MySQL takes up to 1000 while it starts, and a laptop has to hold three of them.
  memoryMegabytes: v.exactOptional(integer(256, 1_048_576), 2048),
  keyKeeper: v.exactOptional(keeper),
  cgroupPath: v.exactOptional(text("an absolute path", (value) => /^\/[^\0]*$/.test(value))),
  mtu: v.exactOptional(integer(576, 9000)),
});

const noFirewall = "none";

/** Default: what is declared comes in, and nothing else. */
const firewall = v.lazy(
  (value): v.GenericSchema<unknown, FirewallSettings | typeof noFirewall> =>
    typeof value === "string"
      ? oneOf(noFirewall)
      : record("an object with operators and allow, or none", firewallOptions),
);

type FirewallSettings = v.InferOutput<v.ObjectSchema<typeof firewallOptions, undefined>>;

export const settings = record("settings", {
  domain,
  hosts: list("a list of hosts", host, 1),
  containers: v.exactOptional(containers),
  privateKey: v.exactOptional(privateKey),
  retiredKeys: v.exactOptional(list("a list of public keys", publicKey), []),
  database: v.exactOptional(
    record("an object", {
      ...databaseOptions,
      // Of the hosts with the role `database`, the one that takes writes.
      primary: v.exactOptional(hostName),
      name: v.exactOptional(databaseOptions.name, "guestbook"),
    }),
    {},
  ),
  application: v.exactOptional(
    v.pipe(
      record("an object", {
        ...applicationOptions,
        ...applicationPlace,
        // The sample application, which is made of one bundled file.
        name: v.exactOptional(applicationOptions.name, "guestbook"),
        source: v.exactOptional(applicationOptions.source, "./app"),
      }),
      // So is what runs it.
      v.transform((application) =>
        application.runtime === undefined
          ? { start: ["node", "server.js"], packages: { nodejs: "present" }, ...application }
          : application,
      ),
    ),
    {},
  ),
  applications: v.exactOptional(applications, {}),
  services: v.exactOptional(services, {}),
  packages: v.exactOptional(packagePolicy),
  firewall: v.exactOptional(firewall, {}),
  hardening: v.exactOptional(record("an object with sshd, kernel or time", hardeningOptions)),
  https: v.exactOptional(https),
  edge: v.exactOptional(edge),
  dns: v.exactOptional(record("an object", { ...dnsOptions, ...nameServerOptions }), {}),
  backup: v.exactOptional(record("an object", backupOptions), {}),
  monitoring: v.exactOptional(
    record("an object", { ...monitoringOptions, ...monitoringAuthorityOptions }),
    {},
  ),
  loadBalancer: v.exactOptional(record("an object", loadBalancerOptions), {}),
  web: v.exactOptional(record("an object", { ...webServerOptions, ...webAuthorityOptions }), {}),
});

export type Settings = v.InferOutput<typeof settings>;
export type HostSettings = v.InferOutput<typeof host>;
export type ContainerSettings = v.InferOutput<typeof containers>;
