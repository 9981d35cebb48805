/** MySQL on several hosts: one takes the writes, the others follow it. */
import * as pulumi from "@pulumi/pulumi";
import { Password } from "../provider/resources/generated";
import {
  MysqlContent,
  type MysqlMemberArgs,
  MysqlPasswordRetirement,
} from "../provider/resources/mysql-content";
import { MysqlReplication } from "../provider/resources/mysql-replication";
import type { Packages } from "../provider/resources/packages";
import { Service } from "../provider/resources/service";
import { replicationAccount } from "../provider/schema/values";
import { checkArgs, type Known, whenKnown } from "./check-args";
import { type DatabasePrivilege, needsTrust, privilegesOf } from "./database-privileges";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere, onHost } from "./host";
import { carryOnWords, type Durability, databaseOptions } from "./options";
import { createPackages, withDefaults } from "./packages";
import { bufferPoolMegabytes, mysqlConfigPath, renderMysql } from "./render/mysql";
import { renderMysqlConfigurationCommand, renderMysqlOverrides } from "./render/mysql-in-effect";
import { openingUnit, renderOpeningScript, renderOpeningUnit } from "./render/mysql-opening";
import { renderRestartAlways } from "./render/restart-always";
import { createRoleCheck, roleCheckAccount } from "./role-check";
import { list } from "./rule";
import { host } from "./rules";

/** What an application needs of a database: how to reach it, the credentials, and what to wait for. */
export interface Database {
  readonly databaseName: string;
  readonly user: string;
  /** A secret. */
  readonly password: pulumi.Output<string>;
  /** The variables by which an application on a host reaches it: `DATABASE_PRIMARY_HOST` and so on. */
  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>>;
  /** Wait for it to use the database: it takes writes by then, with these credentials. */
  readonly ready: pulumi.Resource;
}

export interface MysqlPairArgs {
  /**
   * Takes the writes. Another host than before is a planned switch; where the former one is gone and no longer among
   * the hosts or away, a promotion. While it is away, the first replica that is not takes its place.
   */
  readonly primary: Host;
  /**
   * Follow the primary, and are filled from it when they are empty. May be none. While all of them are away, the primary
   * acknowledges writes alone.
   */
  readonly replicas: readonly Host[];
  /**
   * The database that is created, and the account for it: at most 32 letters, digits and underscores, which is MySQL's
   * limit for accounts.
   */
  readonly name: string;
  /**
   * What a commit waits for: `wait-for-replica`, however long that takes, or `{ carryOnAfterSeconds }`, after which
   * the primary carries on alone. Default: a replica, where there is one.
   */
  readonly durability?: Durability;
  /** Of the host's memory, 5 to 80. Default 25: the application and Nginx share the host. At least 128 MB are taken. */
  readonly bufferPoolPercent?: pulumi.Input<number>;
  /**
   * 10 to 10000. Default 200: MySQL's own 151 is soon used by a few dozen application processes. The application may
   * have all but 20 of them: replication and an administrator always get in.
   */
  readonly maxConnections?: pulumi.Input<number>;
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

/**
 * A MySQL cluster with one primary and any number of replicas: GTID, semi-synchronous, filled by CLONE.
 * Destroying it stops the daemons and leaves all data where it is.
 *
 *     new MysqlPair("database", { primary: hosts.a, replicas: [hosts.b], name: "shop" });
 */
export class MysqlPair extends pulumi.ComponentResource implements Database {
  readonly databaseName: string;
  /** Of every member. */
  readonly port = 3306;
  /** The account that an application uses. */
  readonly user: string;
  /** A secret, made once. */
  readonly password: pulumi.Output<string>;
  /** Of the members that are not away. */
  readonly primary: Host;
  readonly replicas: readonly Host[];
  /** All of them. */
  readonly members: readonly Host[];
  readonly ready: MysqlContent;
  /** What beside each member tells its role: a `DatabaseProxy` asks there. */
  readonly roleChecks: readonly Service[];
  readonly #name: string;
  readonly #cluster: Cluster;

  constructor(name: string, args: MysqlPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Database", name, {}, opts);
    const check = { component: `MysqlPair ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    this.databaseName = args.name;
    this.user = args.name;
    this.members = [args.primary, ...args.replicas];
    const [primary = args.primary, ...replicas] = this.members.filter(isHere);
    this.primary = primary;
    this.replicas = replicas;
    this.#name = name;
    const keeper = args.passwordKeeper === undefined ? {} : { keeper: args.passwordKeeper };
    const password = new Password(`${name}-password`, keeper, { parent: this });
    // Marked here as well: as long as it is not known, Pulumi does not take it for a secret.
    this.password = pulumi.secret(password.value);
    const options = whenKnown(check, optionsOf(args));
    const services = createServices(this, name, args, options);
    this.#cluster = createReplication(this, name, args, services);
    this.ready = createContent(this, name, args, { options, cluster: this.#cluster });
    const roles = { sort: "pair" as const, maxLagSeconds: options.maxLagSeconds };
    this.roleChecks = this.members.map((host) =>
      createRoleCheck(this, `${name}-${host.name}`, host, roles, this.ready),
    );
    this.registerOutputs({ databaseName: this.databaseName, user: this.user });
  }

  /** How an application on a host reaches it; reads go to the host's own member where it has one. */
  environmentFor({ name }: { readonly name: string }): Record<string, pulumi.Input<string>> {
    const readers = this.replicas.length > 0 ? this.replicas : [this.primary];
    const nearest = readers.find((host) => host.name === name) ?? readers[0] ?? this.primary;
    return {
      DATABASE_PRIMARY_HOST: this.primary.address,
      DATABASE_REPLICA_HOSTS: pulumi
        .all(this.replicas.map(({ address }) => address))
        .apply((addresses) => addresses.join(",")),
      DATABASE_READ_HOST: nearest.address,
      DATABASE_PORT: String(this.port),
      DATABASE_NAME: this.databaseName,
      DATABASE_USER: this.user,
      DATABASE_PASSWORD: this.password,
      // The servers' certificates are their own: encrypted, but not verified.
      DATABASE_SSL: "required",
    };
  }

  /** Ends a former password once all of `users` (applications, say) run with the new one. Call it once. */
  retireFormerPassword(users: readonly pulumi.Resource[]): void {
    new MysqlPasswordRetirement(
      `${this.#name}-password-retirement`,
      { ...this.#cluster, passwords: { [this.user]: this.password } },
      {
        parent: this,
        dependsOn: [this.ready, ...users],
        ...(this.primary.deletedWith && { deletedWith: this.primary.deletedWith }),
      },
    );
  }
}

/** Which cluster it is, and who is in it, for all resources that speak of it. */
interface Cluster {
  /** An output: what waits for it waits for the topology. */
  readonly cluster: pulumi.Output<string>;
  readonly members: Readonly<Record<string, MysqlMemberArgs>>;
  readonly primary: string;
}

/** They say which members there are, and name what belongs to them. */
const plainArgs = [
  ...["primary", "primary.name", "replicas", "replicas.name"],
  ...["name", "durability", "privileges", "discardDataOn", "cluster"],
];

function optionsOf(args: MysqlPairArgs) {
  const { bufferPoolPercent = 25, maxConnections = 200, rawLines = [], privileges = [] } = args;
  const { requirePrimaryKeys = true, maxLagSeconds = 10 } = args;
  const trustsCreators = needsTrust(privileges);
  return {
    ...{ bufferPoolPercent, maxConnections, requirePrimaryKeys, trustsCreators, rawLines },
    maxLagSeconds,
  };
}

type Options = Known<ReturnType<typeof optionsOf>>;

const entries = { ...databaseOptions, primary: host, replicas: list("a list of hosts", host) };

function checkAgreement(args: MysqlPairArgs): readonly Fault[] {
  const { primary, replicas, durability, discardDataOn = [] } = args;
  const names = [primary, ...replicas].map(({ name }) => name);
  const strangers = discardDataOn.flatMap((name, index) => {
    const message = unexpected(`one of ${names.join(", ")}`, name);
    return names.includes(name) ? [] : [{ path: `discardDataOn[${index}]`, message }];
  });
  const twice = replicas.flatMap(({ name }, index) => {
    const message = unexpected("a host that is no other member", name);
    return names.indexOf(name) === index + 1 ? [] : [{ path: `replicas[${index}]`, message }];
  });
  const alone = unexpected(carryOnWords, durability, "there is no replica");
  const isAlone = durability === "wait-for-replica" && replicas.length === 0;
  return [...twice, ...strangers, ...(isAlone ? [{ path: "durability", message: alone }] : [])];
}

function createServices(
  parent: MysqlPair,
  name: string,
  args: MysqlPairArgs,
  options: Options,
): Service[] {
  const services: Service[] = [];
  const { primary } = parent;
  const members = [...parent.members.filter((member) => member !== primary), primary];
  // One at a time, and the primary last: at no moment of a restart are all replicas away.
  for (const host of members) {
    const before = services.slice(-1);
    const title = `${name}-${host.name}`;
    const packages = createPackages(
      parent,
      `${title}-packages`,
      host,
      {
        name: "mysql-packages",
        packages: withDefaults({ "mysql-server": "present" }, args.packages),
        // mysqld does not run while its package is upgraded.
        mayStop: ["mysql.service"],
      },
      // With a version of its own a member may be upgraded: one at a time, and the primary last.
      args.packages === undefined ? [] : before,
    );
    services.push(createService(parent, title, { host, packages }, options, before));
  }
  if (args.replicas.length === 0) return services;
  const openings = members.map((host) =>
    createOpening(parent, `${name}-${host.name}`, host, parent.replicas.length, services),
  );
  return [...services, ...openings];
}

function createService(
  parent: pulumi.Resource,
  name: string,
  { host, packages }: { readonly host: Host; readonly packages: Packages },
  options: Options,
  before: readonly Service[],
): Service {
  const { address, machine } = host;
  const config = pulumi
    .output({ ...options, address, memoryMegabytes: machine.memoryMegabytes })
    // Of a machine that was away from the beginning it is not known.
    .apply(({ bufferPoolPercent, memoryMegabytes = 0, ...known }) => ({
      ...known,
      bufferPoolMegabytes: bufferPoolMegabytes(memoryMegabytes, bufferPoolPercent),
    }));
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: "mysql.service",
      files: {
        [mysqlConfigPath]: { content: config.apply(renderMysql) },
        "/etc/systemd/system/mysql.service.d/trilithon.conf": {
          content: renderRestartAlways(),
          onChange: "nothing",
        },
      },
      runsWith: packages.versions,
      check: ["mysqld", "--validate-config"],
      log: "/var/log/mysql/error.log",
      configurationFiles: [
        "/etc/mysql/my.cnf",
        "/etc/mysql/conf.d/*.cnf",
        "/etc/mysql/mysql.conf.d/*.cnf",
      ],
      configurationCommand: renderMysqlConfigurationCommand(),
      overrides: config.apply(renderMysqlOverrides),
      onChange: "restart",
      // A start after a crash reads the whole redo log.
      ready: { command: ["mysqladmin", "--connect-timeout=2", "ping"], deadlineSeconds: 300 },
    },
    onHost(host, parent, [packages, ...before]),
  );
}

/** Beside every member, since any may be the primary: opens it after a start, once its replicas follow it. */
function createOpening(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  replicas: number,
  services: readonly Service[],
): Service {
  return new Service(
    `${name}-opening`,
    {
      host: host.host,
      unit: openingUnit.name,
      files: {
        [openingUnit.path]: { content: renderOpeningUnit() },
        [openingUnit.scriptPath]: { content: renderOpeningScript(replicas), mode: "0755" },
      },
      onChange: "restart",
    },
    onHost(host, parent, services),
  );
}

function createReplication(
  parent: MysqlPair,
  name: string,
  { durability, discardDataOn = [], cluster }: MysqlPairArgs,
  services: readonly Service[],
): Cluster {
  const { primary, replicas } = parent;
  const hosts = [primary, ...replicas];
  const password = new Password(`${name}-replication-password`, {}, { parent });
  const members = Object.fromEntries(
    hosts.map(({ name, address, host }) => [name, { host, address }] as const),
  );
  const replication = new MysqlReplication(
    `${name}-replication`,
    {
      cluster:
        cluster ?? [pulumi.getProject(), pulumi.getStack(), name].join("_").replace(/\W/g, "_"),
      members,
      primary: primary.name,
      durability: durabilityOf(durability, replicas),
      replicationAccount: {
        name: replicationAccount,
        password: pulumi.secret(password.value),
      },
      // Of one that is away nothing is discarded.
      discardDataOn: discardDataOn.filter((name) => members[name] !== undefined),
    },
    // The daemons have to run, with their configuration, before roles can be given.
    {
      parent,
      dependsOn: [...services],
      // With the machine goes the data: then there is nothing left behind to tell of.
      ...(primary.deletedWith && { deletedWith: primary.deletedWith }),
    },
  );
  return { cluster: replication.cluster, members, primary: primary.name };
}

function createContent(
  parent: MysqlPair,
  name: string,
  { privileges = [] }: MysqlPairArgs,
  { options, cluster }: { readonly options: Options; readonly cluster: Cluster },
): MysqlContent {
  const grants = { [`${parent.databaseName}.*`]: [...privilegesOf(privileges)] };
  const maxConnections = options.maxConnections.apply((all) => all - reservedConnections(all));
  return new MysqlContent(
    `${name}-content`,
    {
      ...cluster,
      databases: [parent.databaseName],
      accounts: {
        [parent.user]: { password: parent.password, grants, maxConnections },
        ...roleCheckAccount,
      },
    },
    {
      parent,
      ...(parent.primary.deletedWith && { deletedWith: parent.primary.deletedWith }),
    },
  );
}

/** Left to replication and to an administrator, however many commits of the application wait. */
function reservedConnections(maxConnections: number): number {
  return Math.min(20, Math.floor(maxConnections / 2));
}

/** A primary whose replicas are all away has nobody to wait for. */
function durabilityOf(given: Durability | undefined, replicas: readonly Host[]): Durability {
  const { length } = replicas;
  if (length === 0 && given === "wait-for-replica") return { carryOnAfterSeconds: 1 };
  return given ?? (length > 0 ? "wait-for-replica" : { carryOnAfterSeconds: 1 });
}
