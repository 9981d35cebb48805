/** The way to the database: on each application's host an address that never changes, whoever is the primary. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { Service } from "../provider/resources/service";
import { checkArgs, checkUnique, whenKnown } from "./check-args";
import type { Database } from "./database";
import { type Host, isHere, onHost } from "./host";
import { declareListens, type OwnListen } from "./listens";
import { createPackages } from "./packages";
import {
  databaseProxy,
  databaseProxyOverrides,
  renderDatabaseProxy,
  renderDatabaseProxyUnit,
} from "./render/database-proxy";
import { renderMoreConfinement } from "./render/unit-confinement";
import { integer, list, shape } from "./rule";
import { host, present } from "./rules";

/** A database whose members tell who is the primary: a `MysqlPair`, say. */
export interface ProxiedDatabase extends Database {
  readonly members: readonly Host[];
  /** Of every member. */
  readonly port: number;
  /** What beside each member tells its role. */
  readonly roleChecks: readonly pulumi.Resource[];
}

export interface DatabaseProxyArgs {
  readonly database: ProxiedDatabase;
  /** Where applications run. */
  readonly hosts: readonly Host[];
  /** On 127.0.0.1 for writes and on 127.0.0.2 for reads. 1024 or more. Default 6446. */
  readonly port?: pulumi.Input<number>;
}

/**
 * HAProxy in TCP mode on each application's host. Writes go to the member that says of itself that it is the primary,
 * reads to the nearest healthy replica, or to the primary where there is none. A fail-over restarts no application.
 *
 *     const way = new DatabaseProxy("database-proxy", { database, hosts });
 *     new Application("shop", { hosts, database: way, ... });
 */
export class DatabaseProxy extends pulumi.ComponentResource implements Database {
  readonly databaseName: string;
  readonly user: string;
  readonly password: pulumi.Output<string>;
  readonly authority?: pulumi.Output<string>;
  readonly ready: pulumi.Resource;
  readonly port: pulumi.Output<number>;
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  readonly #database: ProxiedDatabase;

  constructor(name: string, args: DatabaseProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:DatabaseProxy", name, {}, opts);
    const check = { component: `DatabaseProxy ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () =>
      checkUnique("hosts", "a host that is not in the list before", args.hosts),
    );
    const { database, hosts } = args;
    this.#database = database;
    this.databaseName = database.databaseName;
    this.user = database.user;
    this.password = database.password;
    if (database.authority) this.authority = database.authority;
    const { port } = whenKnown(check, { port: args.port ?? databaseProxy.port });
    this.port = port;
    this.listens = declareListens(proxyListens(hosts, port));
    for (const host of hosts) createProxy(this, `${name}-${host.name}`, host, { database, port });
    // Whoever waits for it waits for all proxies.
    this.ready = this;
    this.registerOutputs({ port });
  }

  /** The way to another database of the same cluster. */
  leadTo(database: Database): Database {
    const environmentFor = (host: { readonly name: string }) => this.#lead(database, host);
    return { ...database, environmentFor };
  }

  /** The names that the database's own variables have, with the proxy's addresses. */
  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>> {
    return this.#lead(this.#database, host);
  }

  #lead(database: Database, host: { readonly name: string }): Record<string, pulumi.Input<string>> {
    return {
      ...database.environmentFor(host),
      DATABASE_PRIMARY_HOST: databaseProxy.writes,
      DATABASE_REPLICA_HOSTS: this.#database.members.length > 1 ? databaseProxy.reads : "",
      DATABASE_READ_HOST: databaseProxy.reads,
      DATABASE_PORT: pulumi.interpolate`${this.port}`,
    };
  }
}

const entries = {
  database: shape("a database such as a MysqlPair", {
    ready: present,
    environmentFor: present,
    members: list("a list of hosts", host, 1),
    roleChecks: present,
  }),
  hosts: list("a list of hosts", host, 1),
  // It runs without privileges.
  port: v.exactOptional(integer(1024, 65535)),
};

function proxyListens(hosts: readonly Host[], port: pulumi.Output<number>) {
  return hosts.flatMap(({ name: host }) => {
    const proxy = { host, port, protocol: "tcp", unit: databaseProxy.unit, for: {} } as const;
    return [
      { ...proxy, address: databaseProxy.writes, what: "database writes" },
      { ...proxy, address: databaseProxy.reads, what: "database reads" },
    ];
  });
}

/** They name resources, or say which there are. */
const plainArgs = ["database", "hosts", "hosts.name"];

interface Way {
  readonly database: ProxiedDatabase;
  readonly port: pulumi.Output<number>;
}

function createProxy(
  parent: DatabaseProxy,
  name: string,
  host: Host,
  { database, port }: Way,
): void {
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: "database-proxy-packages",
    // socat carries what HAProxy knows of the members over a reload. Debian's own HAProxy listens on nothing beside it.
    packages: { haproxy: "present", socat: "present" },
  });
  // By name, so that another primary changes no file.
  const there = database.members
    .filter(isHere)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const isNearest = (member: Host) => member.name === host.name;
  const nearestFirst = [
    ...there.filter(isNearest),
    ...there.filter((member) => !isNearest(member)),
  ];
  const members = nearestFirst.map(({ name, address }) => ({ name, address, port: database.port }));
  new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: databaseProxy.unit,
      files: {
        [databaseProxy.unitPath]: { content: renderDatabaseProxyUnit(), onChange: "restart" },
        [databaseProxy.confinement]: { content: renderMoreConfinement(), onChange: "nothing" },
        [databaseProxy.config]: {
          content: pulumi.output({ members, port }).apply(renderDatabaseProxy),
        },
      },
      runsWith: packages.versions,
      onUpgrade: "reload",
      check: ["haproxy", "-c", "-q", "-f", databaseProxy.config],
      onChange: "reload",
      reloaded: { newWorker: true, endsConnections: true },
      reloadNote: "after 5 seconds at most",
      overrides: databaseProxyOverrides,
      ready: { tcp: port },
    },
    onHost(host, parent, [packages, database.ready, ...database.roleChecks]),
  );
}
