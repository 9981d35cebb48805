/** MySQL on three hosts or more, as a group: its members elect the one that takes the writes. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { MysqlContent } from "../provider/resources/mysql-content";
import { MysqlGroupReplication } from "../provider/resources/mysql-group";
import { Service } from "../provider/resources/service";
import { replicationAccount } from "../provider/schema/values";
import { checkArgs, checkUnique, whenKnown } from "./check-args";
import type { Database } from "./database";
import { addressesOf } from "./database-clients";
import type { ProxiedDatabase } from "./database-proxy";
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
import { databaseOptions, sharedBy } from "./options";
import { createOwnAuthority } from "./own-certificates";
import { mysqlPort } from "./render/mysql";
import { dialOverrides, dialUnit, renderDialRules, renderDialUnit } from "./render/mysql-dial";
import { renderGroupReadyScript } from "./render/mysql-group-ready";
import { handover, renderHandoverDropIn, renderHandoverScript } from "./render/mysql-handover";
import { rejoinUnit, renderRejoinScript, renderRejoinUnit } from "./render/mysql-rejoin";
import { createRoleCheck, roleCheckAccount } from "./role-check";
import { list } from "./rule";
import { host } from "./rules";

export interface MysqlGroupArgs extends MysqlArgs {
  /**
   * Three, five, seven or nine hosts: with an odd number a part of them always knows whether it is the greater one. They elect the
   * primary among them, and are filled by CLONE when they are empty.
   */
  readonly members: readonly Host[];
  /** Takes the writes: one of the members. Another one than at present is a planned switch. Default: whoever is the primary stays it. */
  readonly primary?: Host;
}

/**
 * A MySQL cluster whose members elect the primary (Group Replication): when it dies, another one takes over within seconds, and no
 * acknowledged write is lost. Members speak encrypted, by certificates of the cluster's own authority.
 * Destroying it stops the daemons and leaves all data where it is.
 *
 *     new MysqlGroup("database", { members: [hosts.a, hosts.b, hosts.c], name: "shop" });
 */
export class MysqlGroup extends pulumi.ComponentResource implements ProxiedDatabase {
  readonly databaseName: string;
  /** Of every member. */
  readonly port = mysqlPort;
  /** The account that an application uses. */
  readonly user: string;
  /** A secret, made once. */
  readonly password: pulumi.Output<string>;
  readonly authority: pulumi.Output<string>;
  readonly members: readonly Host[];
  /** Whom the program wishes for; else the first that is not away. Who it is in truth the members know. */
  readonly primary: Host;
  /** The others that are not away. */
  readonly replicas: readonly Host[];
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

  constructor(name: string, args: MysqlGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    // The type of a pair's component: two members that become three keep their resources.
    super("trilithon:components:Database", name, {}, opts);
    const check = { component: `MysqlGroup ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    this.databaseName = args.name;
    this.user = args.name;
    this.members = args.members;
    this.listens = memberListens(args.members);
    const here = args.members.filter(isHere);
    const wished = args.primary?.name;
    // Somebody has to be named, and one that is not away is there.
    this.primary = here.find((member) => member.name === wished) ?? here[0] ?? firstOf(args);
    this.replicas = here.filter((member) => member !== this.primary);
    this.#name = name;
    this.password = createPassword(this, name, args);
    const options = whenKnown(check, memberOptionsOf(args));
    const authority = createOwnAuthority(name, args.authorityKeeper, this);
    this.authority = authority.trustedCertificates;
    const services = createServices(this, name, args, { options, authority });
    this.members.forEach((member, index) => {
      createDial(this, `${name}-${member.name}`, member, args.members, services[index]);
    });
    this.#cluster = createGroup(this, name, args, services);
    const { password } = this;
    this.#content = { args, options, cluster: this.#cluster };
    this.#passwords = { [this.user]: password };
    this.#clients = { [this.user]: args.clients };
    const first = { ...this.#content, password, moreAccounts: roleCheckAccount };
    this.ready = createContent(this, name, first, goesWith(this.primary));
    const roles = { sort: "group" as const, maxLagSeconds: options.maxLagSeconds };
    this.roleChecks = this.members.map((member) =>
      createRoleCheck(this, `${name}-${member.name}`, member, roles, this.ready),
    );
    for (const member of this.members) {
      createRejoin(this, `${name}-${member.name}`, member, this.ready);
    }
    this.registerOutputs({ databaseName: this.databaseName, user: this.user });
  }

  /** How an application on a host reaches it. Give it a `DatabaseProxy`: these name the primary as it was wished for. */
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
  ...["members", "members.name", "primary", "primary.name", "clients", "clients.name"],
  ...["name", "privileges", "discardDataOn", "cluster"],
];

const { durability: _, ...options } = databaseOptions;
const entries = {
  ...options,
  sharedBy,
  clients: v.exactOptional(list("a list of hosts", host, 1)),
  members: list("a list of three hosts or more", host, 3),
  primary: v.exactOptional(host),
};

function checkAgreement(args: MysqlGroupArgs): readonly Fault[] {
  const { members, primary } = args;
  const names = members.map(({ name }) => name);
  const count = unexpected("an odd number of hosts, at most nine", String(members.length));
  const isOdd = members.length % 2 === 1 && members.length <= 9;
  const stranger = unexpected(`one of ${names.join(", ")}`, primary?.name);
  return [
    ...checkUnique("members", "a host that is no other member", members),
    ...(isOdd ? [] : [{ path: "members", message: count }]),
    ...(primary === undefined || names.includes(primary.name)
      ? []
      : [{ path: "primary", message: stranger }]),
    ...checkDiscarded(args, names),
  ];
}

function firstOf({ members }: MysqlGroupArgs): Host {
  const [first] = members;
  if (first === undefined) throw new Error("a group has members");
  return first;
}

function createServices(
  parent: MysqlGroup,
  name: string,
  args: MysqlGroupArgs,
  { options, authority }: Pick<Members, "options" | "authority">,
): readonly Service[] {
  const files: Members["files"] = {
    [handover.dropIn]: { content: renderHandoverDropIn(), onChange: "nothing" },
    [handover.scriptPath]: {
      content: renderHandoverScript(),
      ...{ mode: "0755", onChange: "nothing" },
    },
  };
  return createMembers(parent, name, {
    ...{ topology: "group", hosts: args.members, packages: args.packages },
    ...{ options, authority, files },
    isReady: ["sh", "-c", renderGroupReadyScript()],
  });
}

/** Beside every member: one that is gone holds up no vote. */
function createDial(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  members: readonly Host[],
  mysql: Service | undefined,
): void {
  const rules = pulumi.output(members.map(({ address }) => address)).apply(renderDialRules);
  new Service(
    `${name}-dial`,
    {
      host: host.host,
      unit: dialUnit.name,
      files: {
        [dialUnit.path]: { content: renderDialUnit() },
        [dialUnit.rulesPath]: { content: rules, onChange: "reload" },
      },
      onChange: "restart",
      overrides: dialOverrides,
    },
    // The rules name mysqld's user, and want nftables.
    onHost(host, parent, mysql ? [mysql] : []),
  );
}

/** Beside every member: brings it back where MySQL itself would wait for minutes, or give up. */
function createRejoin(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  group: pulumi.Resource,
): void {
  new Service(
    `${name}-rejoin`,
    {
      host: host.host,
      unit: rejoinUnit.name,
      files: {
        [rejoinUnit.path]: { content: renderRejoinUnit() },
        [rejoinUnit.scriptPath]: { content: renderRejoinScript(), mode: "0755" },
      },
      onChange: "restart",
    },
    onHost(host, parent, [group]),
  );
}

function createGroup(
  parent: MysqlGroup,
  name: string,
  args: MysqlGroupArgs,
  services: readonly Service[],
): Cluster {
  const { discardDataOn = [] } = args;
  const password = createReplicationPassword(parent, name, args);
  const members = Object.fromEntries(
    args.members.map(({ name, address, host }) => [name, { host, address }] as const),
  );
  const away = args.members.filter((member) => !isHere(member)).map(({ name }) => name);
  const { deletedWith } = parent.primary;
  const wish = args.primary !== undefined && isHere(args.primary) ? args.primary.name : undefined;
  const group = new MysqlGroupReplication(
    `${name}-group`,
    {
      cluster: clusterName(name, args),
      members,
      ...(wish !== undefined && { primary: wish }),
      replicationAccount: {
        ...{ name: replicationAccount, password },
        from: addressesOf(args.members),
      },
      discardDataOn: discardDataOn.filter((name) => !away.includes(name)),
      away,
    },
    // The daemons have to run, with their configuration, before they can form a group.
    { parent, dependsOn: [...services], ...(deletedWith && { deletedWith }) },
  );
  return { cluster: group.cluster, members, primary: parent.primary.name };
}
