/** The applications of a stack: the one that has all that is no other's, and those beside it. */
import * as v from "valibot";
import { type Fault, unexpected } from "../expectation";
import { checkJobNames, defaultPorts } from "../options";
import { checkPersistent } from "../persistent";
import { checkReleaseCommand } from "../release-command";
import { isRecord } from "../rule";
import { domain, hostName } from "../rules";
import { checkStart } from "../runtime";
import { checkShared } from "../shared-folders";

type Values = Readonly<Record<string, unknown>>;

/** An application as the settings have it, well formed or not. */
export interface GivenApplication {
  /** `application`, or `applications.shop`. */
  readonly path: string;
  readonly name: string;
  readonly values: Values;
  /** Of its own: the first one has the stack's. */
  readonly domains: readonly string[];
  /** `undefined`: all web hosts. */
  readonly hosts: readonly string[] | undefined;
  /** `undefined`: it has none. */
  readonly port: unknown;
  /** Where its shared folders are exchanged, if it has any. */
  readonly sharedPort: unknown;
}

/** The guest book is the first where neither `application` nor one without domains is. */
export function givenApplications({ application, applications }: Values): GivenApplication[] {
  const others = isRecord(applications) ? Object.entries(applications) : [];
  const first = isRecord(application) ? application : {};
  return [
    ...(application !== undefined || others.every(([, one]) => hasSite(one))
      ? [given("application", String(first.name ?? "guestbook"), first)]
      : []),
    ...others.map(([name, values]) => given(`applications.${name}`, name, values)),
  ];
}

/** Of its own, or a part of one. */
function hasSite(application: unknown): boolean {
  if (!isRecord(application)) return false;
  return application.domains !== undefined || application.paths !== undefined;
}

function given(path: string, name: string, value: unknown): GivenApplication {
  const values = isRecord(value) ? value : {};
  const hosts = v.safeParse(v.array(hostName), values.hosts);
  const listed: unknown[] = Array.isArray(values.domains) ? values.domains : [];
  const domains = listed.flatMap((name) => {
    const parsed = v.safeParse(domain, name);
    return parsed.success ? [parsed.output] : [];
  });
  // PHP-FPM listens on a socket of the application's own.
  const port = isPhpFpm(values.runtime) ? undefined : (values.port ?? defaultPorts.application);
  const sharedPort = isRecord(values.shared)
    ? (values.shared.port ?? defaultPorts.shared)
    : undefined;
  return {
    ...{ path, name, values, domains, port, sharedPort },
    hosts: hosts.success ? hosts.output : undefined,
  };
}

function isPhpFpm(runtime: unknown): boolean {
  return runtime === "php-fpm" || (isRecord(runtime) && runtime.name === "php-fpm");
}

/** Whether it runs on a host. */
export function runsOn({ hosts }: GivenApplication, host: string | undefined): boolean {
  return hosts === undefined || (host !== undefined && hosts.includes(host));
}

/** A host with the role `web`, as far as it is well formed. */
interface WebHost {
  readonly path: string;
  readonly name: string | undefined;
  readonly isAway: boolean;
}

export function checkApplications(
  values: Values,
  web: readonly WebHost[],
  { hasDatabase }: { readonly hasDatabase: boolean },
): readonly Fault[] {
  const applications = givenApplications(values);
  return [
    ...applications.flatMap(({ path, values: { processes, jobs, runtime, start, ...own } }) =>
      [
        ...checkJobNames({ processes, jobs }),
        ...checkReleaseCommand(own),
        ...checkPersistent(own),
        ...checkShared(own),
        // The guest book has a command of its own.
        ...(runtime === undefined && path === "application" ? [] : checkStart({ runtime, start })),
      ].map((one) => ({ ...one, path: `${path}.${one.path}` })),
    ),
    ...checkUnits(applications),
    ...checkResources(values, applications, web),
    ...checkDomains(values, applications),
    ...checkPaths(values, applications),
    ...(hasDatabase ? checkDatabases(values, applications) : checkNoDatabase(applications)),
    ...applications.flatMap((application) => checkHosts(application, web)),
    ...checkServed(applications, web),
  ];
}

/** A unit, a user and folders are named after each, on whichever hosts. */
function checkUnits(applications: readonly GivenApplication[]): readonly Fault[] {
  const all = applications.map((application) => ({ application, units: unitsOf(application) }));
  return all.flatMap(({ application: { path }, units }, index) => {
    const before = all.slice(0, index);
    for (const other of before) {
      const unit = units.find((one) => other.units.includes(one));
      if (unit === undefined) continue;
      const remedy = `${other.application.path} has it: give one of them another name`;
      return [fault(path, "units that no other application has", `${unit}.service`, remedy)];
    }
    return [];
  });
}

function unitsOf({ name, values: { processes, jobs } }: GivenApplication): readonly string[] {
  const names = [processes, jobs].flatMap((one) => (isRecord(one) ? Object.keys(one) : []));
  return [name, ...[...names, "release", "dependencies"].map((one) => `${name}-${one}`)];
}

/** Of each on each of its hosts: `shop` on `a-web` would be `shop-a` on `web`. */
function checkResources(
  { application }: Values,
  applications: readonly GivenApplication[],
  web: readonly WebHost[],
): readonly Fault[] {
  const [first] = applications;
  const all = applications.flatMap((one) => {
    const isFirst = application === undefined ? !hasSite(one.values) : one === first;
    const own = isFirst ? "application" : one.name;
    return web
      .filter(({ name }) => name !== undefined && runsOn(one, name))
      .map(({ name }) => ({ path: one.path, host: name, resource: `${own}-${name}` }));
  });
  return all.flatMap(({ path, host, resource }, index) => {
    const other = all
      .slice(0, index)
      .find((one) => one.resource === resource && one.path !== path && one.host !== host);
    if (other === undefined) return [];
    const remedy = `${other.path} on ${other.host} has it: give one of them another name`;
    return [fault(path, `a name that makes resources of its own on ${host}`, resource, remedy)];
  });
}

/** One has the stack's own domain, and what nobody else has. */
function checkDomains(
  { domain, application }: Values,
  applications: readonly GivenApplication[],
): readonly Fault[] {
  const others = applications.filter(({ path }) => path !== "application");
  const without = others.filter(({ values }) => !hasSite(values));
  const [first] = without;
  const faults = without
    .filter((one) => application !== undefined || one !== first)
    .map(({ path }) => {
      const other = application === undefined ? first?.path : "application";
      return fault(`${path}.domains`, "a list of domains", undefined, `${other} has the stack's`);
    });
  const taken = new Map<unknown, string>([[domain, "domain"]]);
  const twice = others.flatMap(({ path, values: { domains } }) =>
    (Array.isArray(domains) ? domains : []).flatMap((one: unknown, index) => {
      const at = `${path}.domains[${index}]`;
      const holder = taken.get(one);
      taken.set(one, at);
      if (holder === undefined) return [];
      return [fault(at, "a domain that nothing else has", one, `${holder} is the same`)];
    }),
  );
  return [...faults, ...twice];
}

/** A site is one application's, but for the paths that others have of it. */
function checkPaths(
  { application }: Values,
  applications: readonly GivenApplication[],
): readonly Fault[] {
  const [first] = applications.filter(({ path, values }) =>
    application === undefined ? !hasSite(values) : path === "application",
  );
  const taken = new Map<string, string>();
  return applications.flatMap(({ path, values: { domains, paths, under, healthPath } }) => {
    if (paths === undefined) {
      if (under === undefined) return [];
      return [fault(`${path}.under`, "nothing, as it has no paths", under)];
    }
    const list: unknown[] = Array.isArray(paths) ? paths : [];
    const names = applications
      .filter(({ values }) => values.domains !== undefined && values.paths === undefined)
      .map(({ name }) => name);
    const isBelow = list.some(
      (one) => healthPath === one || String(healthPath).startsWith(`${one}/`),
    );
    return [
      ...(domains === undefined
        ? []
        : [
            fault(
              `${path}.domains`,
              "nothing, as it has paths",
              domains,
              "under names whose domains they are of",
            ),
          ]),
      ...(under === undefined || names.includes(String(under))
        ? []
        : [
            fault(
              `${path}.under`,
              names.length > 0
                ? `one of ${names.join(", ")}`
                : "nothing, as no other one has domains",
              under,
            ),
          ]),
      ...(healthPath === undefined || isBelow
        ? []
        : [fault(`${path}.healthPath`, `a path below ${list.join(" or ")}`, healthPath)]),
      ...list.flatMap((one, index) => {
        const at = `${path}.paths[${index}]`;
        const key = `${under ?? first?.name} ${one}`;
        const holder = taken.get(key);
        taken.set(key, at);
        return holder === undefined
          ? []
          : [fault(at, "a path that nothing else has", one, `${holder} is the same`)];
      }),
    ];
  });
}

/** An application has its own database, or none. */
function checkDatabases(
  { database, application }: Values,
  applications: readonly GivenApplication[],
): readonly Fault[] {
  const first = isRecord(database) ? (database.name ?? "guestbook") : "guestbook";
  const taken = new Map<unknown, string>([[first, "database.name"]]);
  return applications.flatMap(({ path, name, values }) => {
    if (path === "application") return [];
    if (application === undefined && !hasSite(values)) {
      if (values.database === undefined) return [];
      const remedy = "its database is the stack's, database.name";
      return [fault(`${path}.database`, "nothing", values.database, remedy)];
    }
    if (values.database === false) return [];
    const own = databaseNameOf(name, values.database);
    const holder = taken.get(own);
    taken.set(own, `${path}.database.name`);
    if (holder === undefined) return [];
    const at = `${path}.database.name`;
    return [fault(at, "a database that no other application has", own, `${holder} is the same`)];
  });
}

function checkNoDatabase(applications: readonly GivenApplication[]): readonly Fault[] {
  return applications
    .filter(({ path, values }) => path !== "application" && isRecord(values.database))
    .map(({ path, values }) =>
      fault(`${path}.database`, "nothing, as no host has a database", values.database),
    );
}

/** Named after the application unless it has a name of its own. */
export function databaseNameOf(application: string, database: unknown): string {
  const name = isRecord(database) ? database.name : undefined;
  return typeof name === "string" ? name : application.replaceAll("-", "_");
}

function checkHosts(
  { path, hosts = [] }: GivenApplication,
  web: readonly WebHost[],
): readonly Fault[] {
  const unknown = hosts.flatMap((name, index) => {
    if (web.some((host) => host.name === name)) return [];
    return [fault(`${path}.hosts[${index}]`, "a host with the role web", name)];
  });
  const named = web.filter(({ name }) => name !== undefined && hosts.includes(name));
  const isLost = unknown.length === 0 && named.length > 0 && named.every(({ isAway }) => isAway);
  if (!isLost) return unknown;
  return [{ path: `${path}.hosts`, message: "expected at least one host that is not away" }];
}

function checkServed(
  applications: readonly GivenApplication[],
  web: readonly WebHost[],
): readonly Fault[] {
  return web
    .filter(({ name }) => !applications.some((application) => runsOn(application, name)))
    .map(({ path, name }) => {
      const remedy = "take the role from it, or name it in an application's hosts";
      return fault(`${path}.roles`, "an application on each host with the role web", name, remedy);
    });
}

function fault(path: string, expected: string, value: unknown, remedy?: string): Fault {
  return { path, message: unexpected(expected, value, remedy) };
}
