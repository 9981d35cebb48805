/** Which settings must agree with each other. Looks at all that is well formed, so that every fault is told at once. */
import * as v from "valibot";
import { type Fault, unexpected } from "../expectation";
import { defaultPorts } from "../options";
import { isRecord } from "../rule";
import { hostKeyRemedy, hostKeyWords, privateKeyWords } from "../rules";
import * as schema from "./schema";
import { lastByte, placeIn } from "./subnet";

type Values = Readonly<Record<string, unknown>>;

interface Host {
  readonly path: string;
  readonly values: Values;
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly roles: readonly schema.Role[];
}

export function checkAgreement(values: Values): readonly Fault[] {
  const hosts = readHosts(values.hosts);
  return [
    ...checkUnique(hosts, "name"),
    ...checkUnique(hosts, "address"),
    ...(hosts.length > 0 ? checkRoles(hosts) : []),
    ...checkDurability(values.database, hosts),
    ...checkPorts(values, hosts),
    ...(values.containers === undefined
      ? checkMachines(values, hosts)
      : checkContainers(values, hosts)),
  ];
}

function readHosts(value: unknown): readonly Host[] {
  if (!Array.isArray(value)) return [];
  return value.map((item: unknown, index) => {
    const values = isRecord(item) ? item : {};
    const { name, address, roles } = schema.hostEntries;
    return {
      path: `hosts[${index}]`,
      values,
      name: wellFormed(name, values.name),
      address: wellFormed(address, values.address),
      roles: wellFormed(roles, values.roles) ?? [],
    };
  });
}

function wellFormed<T>(rule: v.GenericSchema<unknown, T>, value: unknown): T | undefined {
  const result = v.safeParse(rule, value);
  return result.success ? result.output : undefined;
}

function checkUnique(hosts: readonly Host[], key: "name" | "address"): readonly Fault[] {
  return hosts.flatMap((host, index) => {
    const first = hosts.findIndex((other) => other[key] === host[key]);
    if (host[key] === undefined || first === index) return [];
    const expected = `${key === "name" ? "a name" : "an address"} that no other host has`;
    return [fault(`${host.path}.${key}`, expected, host[key], `hosts[${first}] has it`)];
  });
}

function checkRoles(hosts: readonly Host[]): readonly Fault[] {
  const having = (role: schema.Role) => hosts.filter(({ roles }) => roles.includes(role));
  const exactlyOne = (role: schema.Role): readonly Fault[] => {
    const found = having(role);
    if (found.length === 1) return [];
    const names =
      found.length === 0 ? "none" : found.map(({ name, path }) => name ?? path).join(", ");
    return [{ path: "hosts", message: `expected one host with the role ${role}, got ${names}` }];
  };
  const noWeb = {
    path: "hosts",
    message: "expected at least one host with the role web, got none",
  };
  return [
    ...exactlyOne("load-balancer"),
    ...(having("web").length === 0 ? [noWeb] : []),
    ...exactlyOne("database-primary"),
    ...hosts.flatMap(checkRolesOfOne),
  ];
}

function checkRolesOfOne({ path, roles }: Host): readonly Fault[] {
  const twice = roles.filter((role, index) => roles.indexOf(role) !== index);
  const isBoth = roles.includes("database-primary") && roles.includes("database-replica");
  return [
    ...twice.map((role) => fault(`${path}.roles`, "each role once", role, "it stands twice")),
    ...(isBoth
      ? [
          {
            path: `${path}.roles`,
            message: "expected database-primary or database-replica, got both",
          },
        ]
      : []),
  ];
}

function checkDurability(database: unknown, hosts: readonly Host[]): readonly Fault[] {
  const durability = isRecord(database) ? database.durability : undefined;
  const hasReplica = hosts.some(({ roles }) => roles.includes("database-replica"));
  if (durability !== "wait-for-replica" || hasReplica) return [];
  const remedy = "no host has the role database-replica";
  return [fault("database.durability", "{ carryOnAfterSeconds: 1 to 3600 }", durability, remedy)];
}

function checkPorts(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const { loadBalancer, web } = values;
  const portOf = (options: unknown, key: string, otherwise: number) =>
    (isRecord(options) ? options[key] : undefined) ?? otherwise;
  const used = portOf(loadBalancer, "port", defaultPorts.loadBalancer);
  const stats = portOf(loadBalancer, "statsPort", defaultPorts.statistics);
  const clash = (path: string, port: unknown) =>
    fault(path, "a port that nothing else on the host uses", port, "web.port is the same");
  return [
    ...(stats === used
      ? [fault("loadBalancer.statsPort", "a port other than loadBalancer.port", stats)]
      : []),
    ...(portOf(values.application, "port", defaultPorts.application) ===
    portOf(web, "port", defaultPorts.web)
      ? [clash("application.port", portOf(web, "port", defaultPorts.web))]
      : []),
    ...(hosts.some(({ roles }) => roles.includes("load-balancer") && roles.includes("web")) &&
    portOf(web, "port", defaultPorts.web) === used
      ? [clash("loadBalancer.port", used)]
      : []),
  ];
}

const onlyOfMachines = ["port", "user", "hostKey", "sshAddress", "privateKey"] as const;

function checkContainers(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const containers = isRecord(values.containers) ? values.containers : {};
  const subnet = wellFormed(schema.subnet, containers.subnet);
  const generated = "a container's is generated";
  const sshPortBase = containers.sshPortBase ?? 2200;
  const publish = containers.publish ?? 8080;
  const sshPorts = hosts.flatMap(({ address }) =>
    address === undefined ? [] : [Number(sshPortBase) + lastByte(address)],
  );
  return [
    ...hosts.flatMap(({ path, values: given }) =>
      onlyOfMachines
        .filter((key) => given[key] !== undefined)
        .map((key) => fault(`${path}.${key}`, "nothing", shown(key, given[key]), generated)),
    ),
    ...(values.privateKey === undefined ? [] : [fault("privateKey", "nothing", hidden, generated)]),
    ...hosts.flatMap(({ path, address }) => checkInSubnet(`${path}.address`, address, subnet)),
    ...(typeof publish === "number" && sshPorts.includes(publish)
      ? [fault("containers.publish", "a port that no host's SSH is published at", publish)]
      : []),
  ];
}

function checkInSubnet(
  path: string,
  address: string | undefined,
  subnet: string | undefined,
): readonly Fault[] {
  if (address === undefined || subnet === undefined) return [];
  switch (placeIn(subnet, address)) {
    case "outside":
      return [fault(path, `an address in ${subnet}`, address)];
    case "taken": {
      const remedy = "the first two and the last belong to the network";
      return [fault(path, `a free address in ${subnet}`, address, remedy)];
    }
    case "free":
      return [];
  }
}

function checkMachines(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const lacksKey = hosts.some(({ values: given }) => given.privateKey === undefined);
  return [
    ...hosts
      .filter(({ values: given }) => given.hostKey === undefined)
      .map(({ path }) => fault(`${path}.hostKey`, hostKeyWords, undefined, hostKeyRemedy)),
    ...(values.privateKey === undefined && lacksKey && hosts.length > 0
      ? [fault("privateKey", privateKeyWords, undefined, schema.privateKeyRemedy)]
      : []),
  ];
}

const hidden = Symbol("something (not shown)");

function shown(key: string, value: unknown): unknown {
  return key === "privateKey" ? hidden : value;
}

function fault(path: string, expected: string, value: unknown, remedy?: string): Fault {
  if (value === hidden) return { path, message: `expected ${expected}, got a value: ${remedy}` };
  return { path, message: unexpected(expected, value, remedy) };
}
