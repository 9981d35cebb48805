/** MySQL on several hosts: one takes the writes, the others follow it. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { MysqlContent } from "../provider/resources/mysql-content";
import { MysqlReplication } from "../provider/resources/mysql-replication";
import { Service } from "../provider/resources/service";
import { replicationAccount } from "../provider/schema/values";
import { checkArgs, whenKnown } from "./check-args";
import { addressesOf } from "./database-clients";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere, onHost } from "./host";
import type { OwnListen } from "./listens";
import {
  type Cluster,
  type ContentOf,
  checkDiscarded,
  clusterName,
  createContent,
  createFurtherDatabase,
  createLocalAccount,
  createMembers,
  createPassword,
  createReplicationPassword,
  createRetirement,
  environmentOf,
  goesWith,
  type LocalAccount,
  type Members,
  type MysqlArgs,
  memberListens,
  memberOptionsOf,
} from "./mysql-members";
import { carryOnWords, type Durability, databaseOptions, sharedBy } from "./options";
import { createOwnAuthority } from "./own-certificates";
import { mysqlPort } from "./render/mysql";
import { mysqlCertificates, renderMysqlCertificates } from "./render/mysql-certificates";
import { openingUnit, renderOpeningScript, renderOpeningUnit } from "./render/mysql-opening";
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
  /**
   * Certificates (PEM) of the authorities that sign those of its servers: an application is given them, and told to verify. Without them it is
   * told what `environmentFor` says.
   */
  readonly authority?: pulumi.Output<string>;
  /** Wait for it to use the database: it takes writes by then, with these credentials. */
  readonly ready: pulumi.Resource;
}

export interface MysqlPairArgs extends MysqlArgs {
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
   * What a commit waits for: `wait-for-replica`, however long that takes, or `{ carryOnAfterSeconds }`, after which
   * the primary carries on alone. Default: a replica, where there is one.
   */
  readonly durability?: Durability;
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
  readonly port = mysqlPort;
  /** The account that an application uses. */
  readonly user: string;
  /** A secret, made once. */
  readonly password: pulumi.Output<string>;
  readonly authority: pulumi.Output<string>;
  /** Of the members that are not away. */
  readonly primary: Host;
  readonly replicas: readonly Host[];
  /** All of them. */
  readonly members: readonly Host[];
  readonly ready: MysqlContent;
  /** What beside each member tells its role: a `DatabaseProxy` asks there. */
  readonly roleChecks: readonly Service[];
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  readonly #name: string;
  readonly #cluster: Cluster;
  readonly #content: Omit<ContentOf, "password">;
  /** By account. */
  readonly #passwords: Record<string, pulumi.Output<string>>;
  readonly #clients: Record<string, readonly Host[] | undefined>;

  constructor(name: string, args: MysqlPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Database", name, {}, opts);
    const check = { component: `MysqlPair ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    this.databaseName = args.name;
    this.user = args.name;
    this.members = [args.primary, ...args.replicas];
    this.listens = memberListens(this.members);
    const [primary = args.primary, ...replicas] = this.members.filter(isHere);
    this.primary = primary;
    this.replicas = replicas;
    this.#name = name;
    this.password = createPassword(this, name, args);
    const options = whenKnown(check, memberOptionsOf(args));
    const authority = createOwnAuthority(name, args.authorityKeeper, this);
    this.authority = authority.trustedCertificates;
    const services = createServices(this, name, args, { options, authority });
    this.#cluster = createReplication(this, name, args, services);
    const { password } = this;
    this.#content = { args, options, cluster: this.#cluster };
    this.#passwords = { [this.user]: password };
    this.#clients = { [this.user]: args.clients };
    const first = { ...this.#content, password, moreAccounts: roleCheckAccount };
    this.ready = createContent(this, name, first, goesWith(this.primary));
    const roles = { sort: "pair" as const, maxLagSeconds: options.maxLagSeconds };
    this.roleChecks = this.members.map((host) =>
      createRoleCheck(this, `${name}-${host.name}`, host, roles, this.ready),
    );
    this.registerOutputs({ databaseName: this.databaseName, user: this.user });
  }

  /** How an application on a host reaches it; reads go to the host's own member where it has one. */
  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>> {
    return environmentOf(host, this);
  }

  /**
   * A database and an account of its own on the same cluster, for another application, made after `dependsOn`; `clients` are the hosts that log in,
   * by default any. Neither account can read what is the other's. When the program no longer asks for it, the account is dropped and the database
   * stays.
   */
  addDatabase(
    databaseName: string,
    dependsOn: readonly pulumi.Resource[] = [],
    clients?: readonly Host[],
  ): Database {
    const further = { databaseName, dependsOn, clients };
    const added = createFurtherDatabase(this, this.#name, this.#content, further);
    this.#passwords[added.user] = added.password;
    this.#clients[added.user] = clients;
    return added;
  }

  /** An account that the system user of this name logs in with on each member, over the socket. */
  addLocalAccount(account: LocalAccount): MysqlContent {
    return createLocalAccount(this, this.#name, this.#cluster, account);
  }

  /**
   * Ends a former password, and accounts from where no client is any more, once all of `users` (applications, and what sends them requests) run
   * with the new ones. Call it once.
   */
  retireFormerPassword(users: readonly pulumi.Resource[]): void {
    const after = [this.ready, ...users];
    const { deletedWith } = this.primary;
    const passwords = this.#passwords;
    createRetirement(this, this.#name, passwords, {
      ...{ cluster: this.#cluster, first: this.user, clients: this.#clients, after, deletedWith },
    });
  }
}

/** They say which members there are, and name what belongs to them. */
const plainArgs = [
  ...["primary", "primary.name", "replicas", "replicas.name", "clients", "clients.name"],
  ...["name", "durability", "privileges", "discardDataOn", "cluster"],
];

const entries = {
  ...databaseOptions,
  sharedBy,
  clients: v.exactOptional(list("a list of hosts", host, 1)),
  primary: host,
  replicas: list("a list of hosts", host),
};

function checkAgreement(args: MysqlPairArgs): readonly Fault[] {
  const { primary, replicas, durability } = args;
  const names = [primary, ...replicas].map(({ name }) => name);
  const twice = replicas.flatMap(({ name }, index) => {
    const message = unexpected("a host that is no other member", name);
    return names.indexOf(name) === index + 1 ? [] : [{ path: `replicas[${index}]`, message }];
  });
  const alone = unexpected(carryOnWords, durability, "there is no replica");
  const isAlone = durability === "wait-for-replica" && replicas.length === 0;
  return [
    ...twice,
    ...checkDiscarded(args, names),
    ...(isAlone ? [{ path: "durability", message: alone }] : []),
  ];
}

function createServices(
  parent: MysqlPair,
  name: string,
  args: MysqlPairArgs,
  { options, authority }: Pick<Members, "options" | "authority">,
): readonly Service[] {
  const { primary } = parent;
  // At no moment of a restart are all replicas away.
  const hosts = [...parent.members.filter((member) => member !== primary), primary];
  const services = createMembers(parent, name, {
    ...{ topology: "pair", hosts, packages: args.packages },
    ...{ options, authority },
    files: {
      [mysqlCertificates.config]: { content: renderMysqlCertificates(), onChange: "reload" },
    },
    isReady: ["mysqladmin", "--connect-timeout=2", "ping"],
  });
  if (args.replicas.length === 0) return services;
  // Beside others one that is away counts: it may run, and follow a primary that was replaced meanwhile.
  const replicas = parent.replicas.length === 0 ? 0 : args.replicas.length;
  const openings = hosts.map((host) =>
    createOpening(parent, `${name}-${host.name}`, host, replicas, services),
  );
  return [...services, ...openings];
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
  args: MysqlPairArgs,
  services: readonly Service[],
): Cluster {
  const { durability, discardDataOn = [] } = args;
  const { primary, replicas } = parent;
  const hosts = [primary, ...replicas];
  const password = createReplicationPassword(parent, name, args);
  const members = Object.fromEntries(
    hosts.map(({ name, address, host }) => [name, { host, address }] as const),
  );
  const replication = new MysqlReplication(
    `${name}-replication`,
    {
      cluster: clusterName(name, args),
      members,
      primary: primary.name,
      durability: durabilityOf(durability, replicas),
      replicationAccount: {
        ...{ name: replicationAccount, password },
        from: addressesOf(parent.members),
      },
      // Each member has its certificate by then.
      authority: mysqlCertificates.authority,
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

/** A primary whose replicas are all away has nobody to wait for. */
function durabilityOf(given: Durability | undefined, replicas: readonly Host[]): Durability {
  const { length } = replicas;
  if (length === 0 && given === "wait-for-replica") return { carryOnAfterSeconds: 1 };
  return given ?? (length > 0 ? "wait-for-replica" : { carryOnAfterSeconds: 1 });
}
