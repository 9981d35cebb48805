/** What the members of a MySQL cluster have in common, whatever they form: mysqld with its configuration, and what they hold. */
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import {
  MysqlContent,
  type MysqlMemberArgs,
  MysqlPasswordRetirement,
} from "../provider/resources/mysql-content";
import { type FileArgs, Service } from "../provider/resources/service";
import type { Known } from "./check-args";
import type { Database } from "./database";
import { clientParts, hostPartsOf, shareCount } from "./database-clients";
import { type DatabasePrivilege, needsTrust, privilegesOf } from "./database-privileges";
import { type Fault, unexpected } from "./expectation";
import { type Host, onHost } from "./host";
import { inTurn } from "./in-turn";
import { declareListens, loopback, type OwnListen } from "./listens";
import { createCertificateFiles } from "./mysql-certificates";
import { createPackages, withDefaults } from "./packages";
import { afterNetwork } from "./render/after-network";
import {
  bufferPoolMegabytes,
  type MysqlConfig,
  mysqlConfigPath,
  mysqlPort,
  renderMysql,
} from "./render/mysql";
import { renderMysqlConfigurationCommand, renderMysqlOverrides } from "./render/mysql-in-effect";
import { renderRestartAlways } from "./render/restart-always";
import { type roleCheckAccount, roleCheckListens } from "./role-check";
import { createSecretPassword } from "./secret-password";

const mysqlUnit = "mysql.service";

/** What every MySQL cluster takes, whatever its members form. */
export interface MysqlArgs {
  /**
   * The database that is created, and the account for it: at most 32 letters, digits and underscores, which is MySQL's
   * limit for accounts.
   */
  readonly name: string;
  /** Of the host's memory, 5 to 80. Default 25: the application and Nginx share the host. At least 128 MB are taken. */
  readonly bufferPoolPercent?: pulumi.Input<number>;
  /**
   * 10 to 10000. Default 200: MySQL's own 151 is soon used by a few dozen application processes. The application may
   * have all but 20 of them: replication and an administrator always get in.
   */
  readonly maxConnections?: pulumi.Input<number>;
  /** How many applications have a database on the cluster: each may have its part of those connections. Default 1. */
  readonly sharedBy?: pulumi.Input<number>;
  /**
   * Hosts whose applications log in: an account for the address of each, with its part of those connections, and one for the sockets of members.
   * Default: one account, which may come from anywhere.
   */
  readonly clients?: readonly Host[];
  /** MySQL's version, and packages besides it: Debian package to `present`, a version or a pattern such as `9.7.*`. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /**
   * What the application may do beyond reading, writing and altering its tables: `temporary tables`, `lock tables`, `views`,
   * `routines`, `triggers`, `events`. Default none.
   */
  readonly privileges?: readonly DatabasePrivilege[];
  /**
   * Whether each table must have a primary key. Default true. Without one, a replica looks through the whole table for
   * each changed row, falls behind, and may take hours to be promoted.
   */
  readonly requirePrimaryKeys?: pulumi.Input<boolean>;
  /** Any text: another one than before makes a new password. The former one stays good until all hosts have the new one. */
  readonly passwordKeeper?: pulumi.Input<string>;
  /**
   * Any text: another one than before makes a new password for the account by which members reach each other. The former one stays good until
   * all of them have the new one.
   */
  readonly replicationKeeper?: pulumi.Input<string>;
  /**
   * Any text: another one than before makes a new certificate authority for the cluster, and new certificates. The former authority is
   * trusted for a week beside it.
   */
  readonly authorityKeeper?: pulumi.Input<string>;
  /** A replica that is further behind gets no new reads of a `DatabaseProxy`. 1 to 3600, default 10. */
  readonly maxLagSeconds?: pulumi.Input<number>;
  /** Lines for MySQL's `[mysqld]` section, as they are. */
  readonly rawLines?: pulumi.Input<readonly string[]>;
  /** Hosts whose data may be thrown away to fill them from the primary again. Take it out once that is done. Default: none. */
  readonly discardDataOn?: readonly string[];
  /**
   * The name that the data is marked with when the cluster is made. Default: made of project, stack and component. Needed
   * only to take over data that another stack made, under its name.
   */
  readonly cluster?: string;
}

/** mysqld, and what beside it tells the role. Members of a group speak with each other where clients do. */
export function memberListens(members: readonly Host[]): pulumi.Output<readonly OwnListen[]> {
  const hosts = members.map(({ name }) => name);
  const audience = { hosts, clients: ["applications"] as const };
  return declareListens(
    members.flatMap(({ name: host, address }) => {
      const mysqld = { host, port: mysqlPort, protocol: "tcp", what: "MySQL" } as const;
      return [
        { ...mysqld, address: loopback, unit: mysqlUnit, for: {} },
        { ...mysqld, address, unit: mysqlUnit, for: audience },
        { host, address, ...roleCheckListens, for: audience },
      ];
    }),
  );
}

/** Which cluster it is, and who is in it, for all resources that speak of it. */
export interface Cluster {
  /** An output: what waits for it waits for the topology. */
  readonly cluster: pulumi.Output<string>;
  readonly members: Readonly<Record<string, MysqlMemberArgs>>;
  readonly primary: string;
}

/** How the members of a cluster differ by what they form. */
export interface Members {
  readonly topology: MysqlConfig["topology"];
  /** One at a time, in this order. */
  readonly hosts: readonly Host[];
  readonly options: MemberOptions;
  readonly packages: MysqlArgs["packages"];
  readonly authority: CertificateAuthority;
  /** Further files of a member's `mysql.service`. */
  readonly files: Readonly<Record<string, FileArgs>>;
  /** How to know that a member serves again after a restart. */
  readonly isReady: readonly string[];
}

export type MemberOptions = Known<ReturnType<typeof memberOptionsOf>>;

export function memberOptionsOf(args: MysqlArgs) {
  const { bufferPoolPercent = 25, maxConnections = 200, rawLines = [], privileges = [] } = args;
  const { requirePrimaryKeys = true, maxLagSeconds = 10, sharedBy = 1 } = args;
  const trustsCreators = needsTrust(privileges);
  return {
    ...{ bufferPoolPercent, maxConnections, requirePrimaryKeys, trustsCreators, rawLines },
    ...{ maxLagSeconds, sharedBy },
  };
}

export function createMembers(
  parent: pulumi.Resource,
  name: string,
  members: Members,
): readonly Service[] {
  return inTurn(members.hosts, (host, before: Service | undefined) => {
    const certificates = createCertificateFiles(parent, name, host, members.authority);
    const files = { ...members.files, ...certificates };
    const own = { ...members, files };
    return createMember(parent, `${name}-${host.name}`, host, own, before ? [before] : []);
  });
}

/** What a member needs besides MySQL. */
const packagesFor: Readonly<Record<MysqlConfig["topology"], Readonly<Record<string, string>>>> = {
  pair: {},
  group: { nftables: "present" },
};

function createMember(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { topology, options, packages: wanted, files, isReady }: Members,
  before: readonly Service[],
): Service {
  const packages = createPackages(
    parent,
    `${name}-packages`,
    host,
    {
      name: "mysql-packages",
      packages: withDefaults({ "mysql-server": "present", ...packagesFor[topology] }, wanted),
      // mysqld does not run while its package is upgraded.
      mayStop: [mysqlUnit],
    },
    // With a version of its own a member may be upgraded: one at a time.
    wanted === undefined ? [] : before,
  );
  const { address, machine } = host;
  const config = pulumi
    .output({ ...options, address, memoryMegabytes: machine.memoryMegabytes })
    // Of a machine that was away from the beginning it is not known.
    .apply(({ bufferPoolPercent, memoryMegabytes = 0, ...known }) => ({
      ...known,
      topology,
      bufferPoolMegabytes: bufferPoolMegabytes(memoryMegabytes, bufferPoolPercent),
    }));
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: mysqlUnit,
      files: {
        [mysqlConfigPath]: { content: config.apply(renderMysql) },
        "/etc/systemd/system/mysql.service.d/trilithon.conf": {
          content: renderRestartAlways(),
          onChange: "nothing",
        },
        ...afterNetwork(mysqlUnit),
        ...files,
      },
      runsWith: packages.versions,
      check: ["mysqld", "--validate-config"],
      log: "/var/log/mysql/error.log",
      configurationFiles: [
        "/etc/mysql/my.cnf",
        "/etc/mysql/conf.d/*.cnf",
        "/etc/mysql/mysql.conf.d/*.cnf",
      ],
      configurationCommand: renderMysqlConfigurationCommand(topology),
      overrides: config.apply(renderMysqlOverrides),
      onChange: "restart",
      reloadNote: "new ones are shown the certificate",
      // A start after a crash reads the whole redo log.
      ready: { command: [...isReady], deadlineSeconds: 300 },
    },
    onHost(host, parent, [packages, ...before]),
  );
}

/** What the content is made of, beside its cluster. */
export interface ContentOf {
  readonly args: MysqlArgs;
  readonly options: MemberOptions;
  readonly password: pulumi.Output<string>;
  readonly cluster: Cluster;
  /** Accounts besides the application's. */
  readonly moreAccounts?: typeof roleCheckAccount;
  /** `drop`: with the application its account goes. Default `leave`. */
  readonly accountsOnRemoval?: "drop";
}

export function createContent(
  parent: pulumi.Resource,
  name: string,
  { args, options, password, cluster, moreAccounts, accountsOnRemoval }: ContentOf,
  opts: pulumi.CustomResourceOptions,
): MysqlContent {
  const grants = { [`${args.name}.*`]: [...privilegesOf(args.privileges ?? [])] };
  const maxConnections = pulumi
    .all([options.maxConnections, options.sharedBy])
    .apply(([all, count]) =>
      Math.max(1, Math.floor((all - reservedConnections(all)) / count / shareCount(args.clients))),
    );
  const from = args.clients && { from: clientParts(args.clients) };
  return new MysqlContent(
    `${name}-content`,
    {
      ...cluster,
      databases: [args.name],
      accounts: {
        [args.name]: { password, grants, maxConnections, ...from },
        ...moreAccounts,
      },
      // Applications run with the former one until they are released anew, or come from where they came from so far.
      formerAccounts: "leave",
      ...(accountsOnRemoval && { accountsOnRemoval }),
    },
    { parent, ...opts },
  );
}

/** What an application beside the first has of its own. */
export interface FurtherDatabase {
  readonly databaseName: string;
  /** After these it is made. */
  readonly dependsOn: readonly pulumi.Resource[];
  readonly clients: readonly Host[] | undefined;
}

/** A database and an account of its own, for an application beside the first. */
export function createFurtherDatabase(
  parent: pulumi.Resource & Reached & Required<Pick<Database, "ready" | "authority">>,
  prefix: string,
  first: Omit<ContentOf, "password">,
  { databaseName, dependsOn, clients }: FurtherDatabase,
): Database {
  const name = `${prefix}-for-${databaseName}`;
  const { clients: _, ...shared } = first.args;
  const args = { ...shared, name: databaseName, ...(clients && { clients }) };
  const password = createPassword(parent, name, args);
  const { primary, replicas } = parent;
  const ready = createContent(
    parent,
    name,
    { ...first, args, password, accountsOnRemoval: "drop" },
    { ...goesWith(primary), dependsOn: [parent.ready, ...dependsOn] },
  );
  const own = { databaseName: args.name, user: args.name, password };
  const { authority } = parent;
  return {
    ...{ ...own, ready, authority },
    environmentFor: (host) => environmentOf(host, { ...own, primary, replicas }),
  };
}

/** An account that a system user of each member logs in with over the socket; it goes when the program no longer asks for it. */
export function createLocalAccount(
  parent: pulumi.Resource & { readonly primary: Host; readonly ready: pulumi.Resource },
  prefix: string,
  cluster: Cluster,
  { user, grants }: LocalAccount,
): MysqlContent {
  return new MysqlContent(
    `${prefix}-for-${user}`,
    { ...cluster, accounts: { [user]: { grants: { ...grants } } }, accountsOnRemoval: "drop" },
    { parent, ...goesWith(parent.primary), dependsOn: [parent.ready] },
  );
}

export interface LocalAccount {
  readonly user: string;
  /** Level to privileges. */
  readonly grants: Readonly<Record<string, string[]>>;
}

/** With a container goes what is in it. */
export function goesWith({ deletedWith }: Host): pulumi.CustomResourceOptions {
  return deletedWith ? { deletedWith } : {};
}

/** Left to replication and to an administrator, however many commits of the application wait. */
function reservedConnections(maxConnections: number): number {
  return Math.min(20, Math.floor(maxConnections / 2));
}

/** The application's, made once. */
export function createPassword(
  parent: pulumi.Resource,
  name: string,
  { passwordKeeper }: MysqlArgs,
): pulumi.Output<string> {
  return createSecretPassword(parent, `${name}-password`, passwordKeeper);
}

/** Of the account by which members reach each other, made once. */
export function createReplicationPassword(
  parent: pulumi.Resource,
  name: string,
  { replicationKeeper }: MysqlArgs,
): pulumi.Output<string> {
  return createSecretPassword(parent, `${name}-replication-password`, replicationKeeper);
}

/** A former password, and an account from a former address, end once all of `users` run with the new one. */
export function createRetirement(
  parent: pulumi.Resource,
  name: string,
  passwords: Readonly<Record<string, pulumi.Output<string>>>,
  { cluster, first, clients, after, deletedWith }: RetirementOf,
): void {
  const dropped = Object.keys(passwords).filter((account) => account !== first);
  const from = hostPartsOf(clients);
  new MysqlPasswordRetirement(
    `${name}-password-retirement`,
    {
      ...{ ...cluster, passwords },
      ...(Object.keys(from).length > 0 && { from }),
      ...(dropped.length > 0 && { dropped }),
    },
    { parent, dependsOn: [...after], ...(deletedWith && { deletedWith }) },
  );
}

export interface RetirementOf {
  readonly cluster: Cluster;
  /** The account that stays whatever becomes of its application. */
  readonly first: string;
  /** By account. */
  readonly clients: Readonly<Record<string, readonly Host[] | undefined>>;
  readonly after: readonly pulumi.Resource[];
  readonly deletedWith: pulumi.Resource | undefined;
}

/** How an application on a host reaches the members, and with what; reads go to the host's own member where it has one. */
export function environmentOf(
  host: { readonly name: string },
  { primary, replicas, databaseName, user, password }: Reached,
): Record<string, pulumi.Input<string>> {
  const readers = replicas.length > 0 ? replicas : [primary];
  const nearest = readers.find(({ name }) => name === host.name) ?? readers[0] ?? primary;
  return {
    DATABASE_PRIMARY_HOST: primary.address,
    DATABASE_REPLICA_HOSTS: pulumi
      .all(replicas.map(({ address }) => address))
      .apply((addresses) => addresses.join(",")),
    DATABASE_READ_HOST: nearest.address,
    DATABASE_PORT: String(mysqlPort),
    DATABASE_NAME: databaseName,
    DATABASE_USER: user,
    DATABASE_PASSWORD: password,
    // An `Application` is given the authority's certificate as well, and told to verify.
    DATABASE_SSL: "required",
  };
}

interface Reached {
  readonly databaseName: string;
  readonly user: string;
  readonly password: pulumi.Output<string>;
  readonly primary: Host;
  readonly replicas: readonly Host[];
}

/** The name that the data is marked with when the cluster is made. */
export function clusterName(name: string, { cluster }: MysqlArgs): string {
  return cluster ?? [pulumi.getProject(), pulumi.getStack(), name].join("_").replace(/\W/g, "_");
}

/** Names in `discardDataOn` that are none of the members. */
export function checkDiscarded(
  { discardDataOn = [] }: MysqlArgs,
  names: readonly string[],
): readonly Fault[] {
  return discardDataOn.flatMap((name, index) => {
    const message = unexpected(`one of ${names.join(", ")}`, name);
    return names.includes(name) ? [] : [{ path: `discardDataOn[${index}]`, message }];
  });
}
