/** Which settings must agree with each other. Looks at all that is well formed, so that every fault is told at once. */
import * as v from "valibot";
import * as forms from "../../provider/schema/values";
import { checkAliases } from "../aliases";
import { checkEdge } from "../edge";
import { type Fault, unexpected } from "../expectation";
import { checkHttps, defaultHttpsPort } from "../https";
import { carryOnWords, defaultPorts, defaultResponseSeconds } from "../options";
import { checkRedirects } from "../redirects";
import { databaseProxy } from "../render/database-proxy";
import { mysqlPort } from "../render/mysql";
import { roleCheck } from "../render/mysql-role";
import { restore } from "../render/restore";
import { isRecord } from "../rule";
import * as rules from "../rules";
import { checkAddress6 } from "./address6";
import { checkApplications, givenApplications, runsOn } from "./applications";
import { checkBackup, isBackedUp } from "./backup";
import { checkDns } from "./dns";
import { checkFirewall } from "./firewall";
import { checkHardening } from "./hardening";
import { checkMonitoring, monitoringListeners } from "./monitoring";
import { checkRetiredKeys } from "./retired-keys";
import * as schema from "./schema";
import { checkServices, givenServices } from "./services";
import { lastByte, placeIn } from "./subnet";

type Values = Readonly<Record<string, unknown>>;

interface Host {
  readonly path: string;
  readonly values: Values;
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly roles: readonly schema.Role[];
  readonly isAway: boolean;
}

export function checkAgreement(values: Values): readonly Fault[] {
  const hosts = readHosts(values.hosts);
  return [
    ...checkUnique(hosts, "name"),
    ...checkUnique(hosts, "address"),
    ...(values.containers === undefined ? checkReached(hosts) : []),
    ...checkVirtualAddress(values, hosts),
    ...checkAddress6(values, hosts),
    ...checkNames(values),
    ...(hosts.length > 0 ? checkRoles(hosts) : []),
    ...(hosts.length > 0 ? checkDatabase(values.database, hosts) : []),
    ...checkPorts(values, hosts),
    ...checkVersions(values, hosts),
    ...checkResponseTimes(values),
    ...checkApplications(
      values,
      hosts.filter(({ roles }) => roles.includes("web")),
      { hasDatabase: hosts.some(({ roles }) => hasDatabaseRole(roles)) },
    ),
    ...checkServices(values, hosts),
    ...checkFirewall(values, hosts),
    ...checkHardening(values, hosts),
    ...checkRetiredKeys(values, hosts),
    ...checkMonitoring(values, hosts),
    ...checkDns(values, { names: siteNames(values), hosts }),
    ...checkBackup(values, hosts),
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
      isAway: values.away === true,
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

/** One machine with two names: each would take from the other what it has there. */
function checkReached(hosts: readonly Host[]): readonly Fault[] {
  const places = hosts.map(({ address, values: { sshAddress, port = defaultPorts.ssh } }) =>
    address === undefined ? undefined : `${sshAddress ?? address}:${port}`,
  );
  return hosts.flatMap(({ path, address, values: { sshAddress } }, index) => {
    const first = places.indexOf(places[index]);
    // That their addresses are the same is told already.
    if (places[index] === undefined || first === index || hosts[first]?.address === address)
      return [];
    const key = sshAddress === undefined ? "address" : "sshAddress";
    const expected = "a machine that no other host is";
    return [fault(`${path}.${key}`, expected, places[index], `hosts[${first}] is reached there`)];
  });
}

function checkVirtualAddress(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const virtualAddress = virtualAddressOf(values);
  const has = hosts.find(({ address }) => address !== undefined && address === virtualAddress);
  if (has === undefined) return [];
  const expected = "an address that no host has";
  return [fault(virtualAddressPath, expected, virtualAddress, `${has.path} has it`)];
}

const virtualAddressPath = "loadBalancer.virtualAddress";

function virtualAddressOf({ loadBalancer }: Values): string | undefined {
  const given = isRecord(loadBalancer) ? loadBalancer.virtualAddress : undefined;
  return wellFormed(schema.hostEntries.address, given);
}

/** Certificates have all names that are served or lead to one that is. */
function checkNames(values: Values): readonly Fault[] {
  const { aliases, redirects } = loadBalancerOf(values);
  const faults = [
    ...checkAliases(aliases, servedNames({ ...values, loadBalancer: undefined })),
    ...checkRedirects(redirects, servedNames(values)),
  ];
  return [
    ...faults.map(({ path, message }) => ({ path: `loadBalancer.${path}`, message })),
    ...checkHttps(values.https, siteNames(values)),
    ...checkEdge(values.edge),
  ];
}

function servedNames(values: Values): readonly string[] {
  const own = wellFormed(rules.domain, values.domain);
  const { aliases } = loadBalancerOf(values);
  const others = Array.isArray(aliases)
    ? aliases.flatMap((one: unknown) => wellFormed(rules.domain, one) ?? [])
    : [];
  const further = givenApplications(values).flatMap(({ domains }) => domains);
  return own === undefined ? [] : [...new Set([own, ...others, ...further])];
}

function siteNames(values: Values): readonly string[] {
  const { redirects } = loadBalancerOf(values);
  return [...servedNames(values), ...(isRecord(redirects) ? Object.keys(redirects) : [])];
}

function loadBalancerOf({ loadBalancer }: Values): Values {
  return isRecord(loadBalancer) ? loadBalancer : {};
}

function checkRoles(hosts: readonly Host[]): readonly Fault[] {
  const having = (role: schema.Role) => hosts.filter(({ roles }) => roles.includes(role));
  const atLeastOne = (role: schema.Role): readonly Fault[] =>
    having(role).length > 0
      ? checkHere(`the role ${role}`, having(role))
      : [{ path: "hosts", message: `expected at least one host with the role ${role}, got none` }];
  const members = hosts.filter(({ roles }) => hasDatabaseRole(roles));
  return [
    ...atLeastOne("load-balancer"),
    ...atLeastOne("web"),
    ...checkHere("a database role", members),
    ...checkHere("the role name-server", having("name-server")),
    ...checkHere("the role backup", having("backup")),
    ...checkHere("the role monitoring", having("monitoring")),
    ...checkMembers(having("database"), having("database-primary"), having("database-replica")),
    ...hosts.flatMap(checkRolesOfOne),
  ];
}

/** One is alone, two are a pair, three or more are a group: of an even number neither half would be the greater one. */
function checkMembers(
  members: readonly Host[],
  primaries: readonly Host[],
  replicas: readonly Host[],
): readonly Fault[] {
  if (members.length === 0) return checkPrimary(primaries, replicas);
  const named = [...primaries, ...replicas];
  if (named.length > 0) {
    const names = `${named.map(nameOf).join(", ")} as database-primary or database-replica`;
    const remedy = "give all of them the role database, and say database.primary";
    const message = `expected the role database on every member of the database, got ${names}: ${remedy}`;
    return [{ path: "hosts", message }];
  }
  const { length } = members;
  if (length < 3 || (length % 2 === 1 && length <= groupAtMost)) return [];
  const names = members.map(nameOf).join(", ");
  const remedy =
    length > groupAtMost ? "take it from some" : "give it to one more, or take it from one";
  const message = `expected one, two, or an odd number up to ${groupAtMost} of hosts with the role database, got ${length} (${names}): ${remedy}`;
  return [{ path: "hosts", message }];
}

function nameOf({ name, path }: Host): string {
  return name ?? path;
}

/** Somebody has to go on while others are away. */
function checkHere(what: string, hosts: readonly Host[]): readonly Fault[] {
  if (hosts.length === 0 || hosts.some(({ isAway }) => !isAway)) return [];
  const names = hosts.map(nameOf).join(", ");
  const expected = `expected at least one host with ${what} that is not away`;
  return [{ path: "hosts", message: `${expected}: ${names} ${hosts.length > 1 ? "are" : "is"}` }];
}

/** None, where there is no database at all. */
function checkPrimary(primaries: readonly Host[], replicas: readonly Host[]): readonly Fault[] {
  const expected = "expected one host with the role database-primary";
  if (primaries.length > 1) {
    const names = primaries.map(nameOf).join(", ");
    return [{ path: "hosts", message: `${expected}, got ${names}` }];
  }
  if (primaries.length === 1 || replicas.length === 0) return [];
  const names = replicas.map(nameOf).join(", ");
  const remedy = `${names} would follow it`;
  return [{ path: "hosts", message: `${expected}, got none: ${remedy}` }];
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

/** MySQL's limit. */
const groupAtMost = 9;

function checkDatabase(database: unknown, hosts: readonly Host[]): readonly Fault[] {
  const having = (role: schema.Role) => hosts.filter(({ roles }) => roles.includes(role));
  const members = having("database");
  const pair = [...having("database-primary"), ...having("database-replica")];
  if (database !== undefined && members.length + pair.length === 0) {
    const remedy = "give a host the role database, or take these settings out";
    return [fault("database", "nothing, as no host has a database", database, remedy)];
  }
  const { durability, primary } = isRecord(database) ? database : {};
  const hasReplica = members.length > 1 || having("database-replica").length > 0;
  const lacking = fault("database.durability", carryOnWords, durability, "there is no replica");
  return [
    ...(durability === "wait-for-replica" && !hasReplica ? [lacking] : []),
    ...(durability !== undefined && members.length > 2
      ? [fault("database.durability", "nothing", durability, "a group waits for its majority")]
      : []),
    ...checkWish(primary, members),
  ];
}

/** Who is to be the primary can be said of hosts whose roles do not say it. */
function checkWish(primary: unknown, members: readonly Host[]): readonly Fault[] {
  if (primary === undefined || members.some(({ name }) => name === primary)) return [];
  const path = "database.primary";
  if (members.length > 0) return [fault(path, `one of ${members.map(nameOf).join(", ")}`, primary)];
  const remedy = "the role database-primary says it";
  return [fault(path, "nothing, as no host has the role database", primary, remedy)];
}

interface Listener {
  /** The setting that says so, or what it is where none does. */
  readonly path: string;
  readonly port: unknown;
  /** Whether another port can be set. */
  readonly isSetting: boolean;
}

/** What listens on one host, each on all addresses or on one that the others listen on as well. The components publish the same. */
function listenersOf(
  host: Host,
  values: Values,
  { hosts, hasDatabase }: { readonly hosts: readonly Host[]; readonly hasDatabase: boolean },
): readonly Listener[] {
  const setting = (section: string, key: string, otherwise: number): Listener => {
    const options = values[section];
    const port = (isRecord(options) ? options[key] : undefined) ?? otherwise;
    return { path: `${section}.${key}`, port, isSetting: true };
  };
  const fixed = (path: string, port: unknown): Listener => ({ path, port, isSetting: false });
  const { name, roles } = host;
  const isDatabase = hasDatabaseRole(roles);
  const isContainer = values.containers !== undefined;
  const published = publishedSshPort(values, host);
  return [
    fixed("sshd", (isContainer ? undefined : host.values.port) ?? defaultPorts.ssh),
    ...(published === undefined ? [] : [fixed("sshd", published)]),
    ...(isDatabase && isBackedUp(values) ? [fixed("a restored database", restore.port)] : []),
    ...(isDatabase
      ? [fixed("MySQL", mysqlPort), fixed("what tells MySQL's role", roleCheck.port)]
      : []),
    ...(roles.includes("web")
      ? [
          ...(hasDatabase ? [fixed("the proxy to the database", databaseProxy.port)] : []),
          setting("web", "port", defaultPorts.web),
          setting("web", "tlsPort", defaultPorts.webTls),
          ...givenApplications(values)
            .filter((application) => runsOn(application, name))
            .flatMap(({ path, port, sharedPort }) => [
              ...(port === undefined ? [] : [{ path: `${path}.port`, port, isSetting: true }]),
              ...(sharedPort === undefined
                ? []
                : [{ path: `${path}.shared.port`, port: sharedPort, isSetting: true }]),
            ]),
        ]
      : []),
    ...givenServices(values)
      .filter(({ hosts }) => hosts.includes(name))
      .flatMap(({ path, port, tlsPort }) => [
        { path: `${path}.port`, port, isSetting: true },
        ...(tlsPort === undefined
          ? []
          : [{ path: `${path}.tlsPort`, port: tlsPort, isSetting: true }]),
      ]),
    ...(roles.includes("name-server") ? [fixed("the name server", defaultPorts.dns)] : []),
    ...monitoringListeners(host, hosts, values.monitoring).map(({ what, port }) =>
      fixed(what, port),
    ),
    ...(roles.includes("load-balancer")
      ? [
          setting("loadBalancer", "port", defaultPorts.loadBalancer),
          setting("loadBalancer", "statsPort", defaultPorts.statistics),
          ...(values.https === undefined ? [] : [setting("https", "port", defaultHttpsPort)]),
        ]
      : []),
    ...(roles.includes("backup") ? [setting("backup", "port", defaultPorts.backup)] : []),
  ];
}

function hasDatabaseRole(roles: readonly schema.Role[]): boolean {
  return roles.some((role) => role.startsWith("database"));
}

/** Each clash of two settings once, on whichever hosts. */
function checkPorts(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const hasDatabase = hosts.some(({ roles }) => hasDatabaseRole(roles));
  const faults = hosts.flatMap((host) => {
    const listeners = listenersOf(host, values, { hosts, hasDatabase });
    return listeners.flatMap(({ path, port, isSetting }, index) => {
      const other = listeners.slice(0, index).find((one) => one.port === port);
      if (other === undefined || !isSetting) return [];
      const where = host.name ?? host.path;
      const remedy = `${other.path} is the same: ${other.isSetting ? "give one of them" : "give it"} another port`;
      return [fault(path, `a port that nothing else on ${where} uses`, port, remedy)];
    });
  });
  return faults.filter(({ path }, index) => faults.findIndex((one) => one.path === path) === index);
}

/** A host has one version of a package: each `up` would install the one and then the other. */
function checkVersions(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const faults = hosts.flatMap((host) => {
    const wanted = packagesOf(host, values);
    return wanted.flatMap(({ path, name, version }, index) => {
      const before = wanted.slice(0, index);
      const other = before.find((one) => one.name === name && one.version !== version);
      if (other === undefined) return [];
      const expected = `the version of ${name} that is wanted on ${host.name ?? host.path} already`;
      return [fault(path, expected, version, `${other.path} is ${other.version}`)];
    });
  });
  return faults.filter(({ path }, index) => faults.findIndex((one) => one.path === path) === index);
}

/** A load balancer that gives up first answers 504 where the web server would still wait. */
function checkResponseTimes({ web, loadBalancer }: Values): readonly Fault[] {
  const secondsOf = (section: unknown) =>
    isRecord(section) ? section.responseTimeoutSeconds : undefined;
  const seconds = secondsOf(web);
  const least = secondsOf(loadBalancer) ?? defaultResponseSeconds.loadBalancer;
  if (typeof seconds !== "number" || typeof least !== "number" || seconds <= least) return [];
  const expected = `at most loadBalancer.responseTimeoutSeconds (${least})`;
  const remedy = `set that to ${Math.min(seconds + 5, 3600)} as well`;
  return [fault("web.responseTimeoutSeconds", expected, seconds, remedy)];
}

interface WantedPackage {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

/** Those of a certain version, as the settings want them on a host. */
function packagesOf({ name, roles }: Host, values: Values): readonly WantedPackage[] {
  const section = (path: string) => ({ path, values: isRecord(values[path]) ? values[path] : {} });
  const sections = [
    ...(roles.includes("load-balancer") ? [section("loadBalancer")] : []),
    ...(roles.includes("web")
      ? [section("web"), ...givenApplications(values).filter((one) => runsOn(one, name))]
      : []),
    ...(hasDatabaseRole(roles) ? [section("database")] : []),
    ...givenServices(values).filter(({ hosts }) => hosts.includes(name)),
  ];
  return sections.flatMap(({ path, values: { packages } }) =>
    Object.entries(isRecord(packages) ? packages : {}).flatMap(([one, version]) =>
      typeof version === "string" && version !== "present"
        ? [{ path: `${path}.packages.${one}`, name: one, version }]
        : [],
    ),
  );
}

/** In a container its sshd listens there as well. */
function publishedSshPort({ containers }: Values, { address }: Host): number | undefined {
  if (!isRecord(containers) || address === undefined) return undefined;
  return Number(containers.sshPortBase ?? schema.publishedPorts.sshBase) + lastByte(address);
}

const onlyOfMachines = ["port", "user", "hostKey", "sshAddress", "privateKey"] as const;

function checkContainers(values: Values, hosts: readonly Host[]): readonly Fault[] {
  const containers = isRecord(values.containers) ? values.containers : {};
  const subnet = wellFormed(schema.subnet, containers.subnet);
  const generated = "a container's is generated";
  const { publish = schema.publishedPorts.page } = containers;
  const sshPorts = hosts.flatMap((host) => publishedSshPort(values, host) ?? []);
  return [
    ...hosts.flatMap(({ path, values: given }) =>
      onlyOfMachines
        .filter((key) => given[key] !== undefined)
        .map((key) => fault(`${path}.${key}`, "nothing", shown(key, given[key]), generated)),
    ),
    ...(values.privateKey === undefined ? [] : [fault("privateKey", "nothing", hidden, generated)]),
    ...hosts.flatMap(({ path, address }) => checkInSubnet(`${path}.address`, address, subnet)),
    ...checkInSubnet(virtualAddressPath, virtualAddressOf(values), subnet),
    ...checkPublished(publish, sshPorts, hosts),
  ];
}

/** Each load balancer has the port after that of the one before. */
function checkPublished(
  publish: unknown,
  sshPorts: readonly number[],
  hosts: readonly Host[],
): readonly Fault[] {
  if (typeof publish !== "number") return [];
  const count = hosts.filter(({ roles }) => roles.includes("load-balancer")).length;
  const isTaken = sshPorts.some((port) => port >= publish && port < publish + Math.max(1, count));
  if (!isTaken) return [];
  return [fault("containers.publish", "a port that no host's SSH is published at", publish)];
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
      .map(({ path }) =>
        fault(`${path}.hostKey`, forms.hostKey.expected, undefined, forms.hostKey.remedy),
      ),
    ...(values.privateKey === undefined && lacksKey && hosts.length > 0
      ? [fault("privateKey", forms.privateKey.expected, undefined, schema.privateKeyRemedy)]
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
