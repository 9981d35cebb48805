/** The one stack that every tool describes: as this project's own program made it, read from its state. */
import * as v from "valibot";
import type { BenchmarkHost, HostSet } from "./hosts";

export const stackDomain = "www.example.com";

/** As the dev stack has it. */
export const applicationSettings = {
  source: "./app",
  build: { command: "node app/build.mjs", output: "./app/dist" },
  start: ["node", "server.js"],
};

export interface DescribedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: string;
}

export interface DescribedService {
  readonly unit: string;
  readonly files: readonly DescribedFile[];
  /** Paths that must not exist. */
  readonly absent: readonly string[];
}

export interface DescribedHost {
  readonly packages: readonly string[];
  /** By name: `haproxy`, `nginx`, `mysql`, the application, and the `helpers`. */
  readonly services: Readonly<Record<string, DescribedService>>;
  /** Names of the daemons of this project's own beside MySQL and the application, in the order of their start. */
  readonly helpers: readonly string[];
  /** System users of the helpers to their home directories. */
  readonly users: Readonly<Record<string, string>>;
}

export interface DescribedRelease {
  readonly name: string;
  readonly root: string;
  readonly version: string;
}

export interface DescribedDatabase {
  readonly name: string;
  readonly account: { readonly name: string; readonly password: string };
  /** As MySQL grants them. */
  readonly privileges: readonly string[];
  /** System users that log in over the socket, with the tables that they read: `performance_schema.*`. */
  readonly localAccounts: readonly { readonly name: string; readonly reads: string }[];
  readonly replication: { readonly name: string; readonly password: string };
  /** How long a commit waits for the replica, in milliseconds. */
  readonly semiSyncTimeout: number;
}

export interface Description {
  readonly hosts: Readonly<Record<string, DescribedHost>>;
  readonly release: DescribedRelease;
  readonly database: DescribedDatabase;
}

/** Reads what `pulumi stack export --show-secrets` prints. */
export function parseDescription(exported: string): Description {
  const { resources } = v.parse(exportSchema, JSON.parse(exported)).deployment;
  const inputsOf = (type: string) =>
    resources
      .filter((one) => one.type === `trilithon:index:${type}`)
      .map(({ inputs }) => reveal(inputs));
  const releases = inputsOf("Release").map((inputs) => v.parse(releaseSchema, inputs));
  const services = [
    ...inputsOf("Service").map((inputs) => v.parse(serviceSchema, inputs)),
    ...releases,
  ];
  const packages = inputsOf("Packages").map((inputs) => v.parse(packagesSchema, inputs));
  // One without a unit is of static files alone.
  const release = releases.find(({ unit }) => unit !== undefined);
  const [replication] = inputsOf("MysqlReplication").map((inputs) =>
    v.parse(replicationSchema, inputs),
  );
  const [content] = inputsOf("MysqlContent").map((inputs) => v.parse(contentSchema, inputs));
  if (release === undefined || replication === undefined || content === undefined) {
    throw new Error("the stack's state has no release or no replication: was it brought up?");
  }
  return {
    hosts: describeHosts(services, packages, ["haproxy", "nginx", "mysql", release.name]),
    release: { name: release.name, root: release.root, version: release.version },
    database: describeDatabase(replication, content),
  };
}

/** The same stack on other hosts: their addresses, and the server ids that MySQL has from them. */
export function moveTo(description: Description, from: HostSet, to: HostSet): Description {
  const moves = from.hosts.flatMap((host, index) => {
    const other = to.hosts[index];
    return other === undefined ? [] : [[host, other] as const];
  });
  const move = (content: string) =>
    moves.reduce(
      (text, [one, other]) =>
        text
          .replaceAll(one.address, other.address)
          .replaceAll(`server_id = ${asNumber(one)}\n`, `server_id = ${asNumber(other)}\n`),
      content,
    );
  return mapContents(description, move);
}

export function mapContents(
  description: Description,
  change: (content: string) => string,
): Description {
  const changeService = (service: DescribedService): DescribedService => ({
    ...service,
    files: service.files.map((file) => ({ ...file, content: change(file.content) })),
  });
  const hosts = mapValues(description.hosts, (host) => ({
    ...host,
    services: mapValues(host.services, changeService),
  }));
  return { ...description, hosts };
}

export const nothing: DescribedHost = { packages: [], services: {}, helpers: [], users: {} };

export function hostOf({ hosts }: Description, name: string): DescribedHost {
  return hosts[name] ?? nothing;
}

/** What an inventory says of a host: the files' contents lie beside it. */
export function withoutContents({ services, ...rest }: DescribedHost) {
  return {
    ...rest,
    services: mapValues(services, ({ unit, files, absent }) => ({
      unit,
      absent,
      files: files.map(({ path, mode }) => ({ path, mode })),
    })),
  };
}

function describeHosts(
  services: readonly Service[],
  packages: readonly Packages[],
  main: readonly string[],
): Record<string, DescribedHost> {
  const names = [...new Set(services.map(({ host }) => host.name))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const here = services.filter(({ host }) => host.name === name);
      const helpers = here.filter(({ name, unit }) => unit !== undefined && !main.includes(name));
      return [
        name,
        {
          packages: packages
            .filter(({ host }) => host.name === name)
            .flatMap((one) => Object.keys(one.packages))
            .sort(),
          helpers: helpers.map(({ name }) => name),
          users: Object.assign({}, ...helpers.map(({ users }) => users)),
          services: Object.fromEntries(here.flatMap(describeService)),
        },
      ];
    }),
  );
}

function describeService({ name, unit, files, absent }: Service): [string, DescribedService][] {
  if (unit === undefined) return [];
  const described = Object.entries(files).map(([path, { content, mode }]) => ({
    path,
    content,
    mode,
  }));
  return [[name, { unit, files: described, absent }]];
}

function describeDatabase(
  replication: v.InferOutput<typeof replicationSchema>,
  content: v.InferOutput<typeof contentSchema>,
): DescribedDatabase {
  const [name = ""] = content.databases;
  const accounts = Object.entries(content.accounts).map(([account, more]) => ({
    account,
    ...more,
  }));
  const [account] = accounts.flatMap(({ account, password, grants }) =>
    password === undefined ? [] : [{ name: account, password, grants }],
  );
  if (account === undefined) throw new Error("the database has no account");
  const { grants, ...login } = account;
  return {
    name,
    account: login,
    privileges: grants[`${name}.*`] ?? [],
    localAccounts: accounts
      .filter(({ password }) => password === undefined)
      .map(({ account, grants }) => ({ name: account, reads: Object.keys(grants)[0] ?? "" })),
    replication: replication.replicationAccount,
    semiSyncTimeout:
      replication.durability === "wait-for-replica"
        ? forever
        : replication.durability.carryOnAfterSeconds * 1000,
  };
}

function asNumber({ address }: BenchmarkHost): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}

/** Takes the state's wrappers off secrets. */
function reveal(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(reveal);
  if ("plaintext" in value && typeof value.plaintext === "string") {
    return reveal(JSON.parse(value.plaintext));
  }
  return mapValues({ ...value }, reveal);
}

/** The largest that MySQL takes. */
const forever = 4_294_967_295;

const texts = v.array(v.string());
const serviceSchema = v.object({
  host: v.object({ name: v.string() }),
  name: v.string(),
  unit: v.optional(v.string()),
  users: v.optional(v.record(v.string(), v.string()), {}),
  files: v.record(v.string(), v.object({ content: v.string(), mode: v.string() })),
  absent: texts,
});
type Service = v.InferOutput<typeof serviceSchema>;
const packagesSchema = v.object({
  host: v.object({ name: v.string() }),
  packages: v.record(v.string(), v.string()),
});
type Packages = v.InferOutput<typeof packagesSchema>;
const releaseSchema = v.object({ ...serviceSchema.entries, root: v.string(), version: v.string() });
const replicationSchema = v.object({
  durability: v.union([
    v.literal("wait-for-replica"),
    v.object({ carryOnAfterSeconds: v.number() }),
  ]),
  replicationAccount: v.object({ name: v.string(), password: v.string() }),
});
const contentSchema = v.object({
  databases: texts,
  accounts: v.record(
    v.string(),
    v.object({ password: v.optional(v.string()), grants: v.record(v.string(), texts) }),
  ),
});
const exportSchema = v.object({
  deployment: v.object({
    resources: v.array(v.object({ type: v.string(), inputs: v.optional(v.unknown(), {}) })),
  }),
});
