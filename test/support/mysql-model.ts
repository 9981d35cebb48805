/** MySQL servers as values: they answer the kind's question, and change as each step says. */

import {
  type AccountFacts,
  type FoundAccounts,
  hostKey,
} from "../../provider/kinds/mysql/accounts";
import { parseGtidSet, renderGtidSet } from "../../provider/kinds/mysql/gtid";
import type { Answer, Facts, Source } from "../../provider/kinds/mysql/probe";
import type { Replication } from "../../provider/kinds/mysql-replication/args";
import { isAlone } from "../../provider/kinds/mysql-replication/cluster";
import {
  foreverMilliseconds,
  replicationPrivileges,
} from "../../provider/kinds/mysql-replication/read";
import type { Task } from "../../provider/kinds/mysql-replication/steps";

export type Servers = Readonly<Record<string, Answer>>;

/** As Debian's package leaves it, with our configuration. */
export function freshServer(name: string): Answer {
  const number = Number(name.slice(-1));
  const facts: Facts = {
    serverId: number,
    serverUuid: `0000000${number}`,
    gtidMode: "ON",
    logBin: 1,
    gtidExecuted: "",
    superReadOnly: 1,
    readOnly: 1,
    offlineMode: 0,
    plugins: ["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"],
    persisted: {},
    variables: {
      rpl_semi_sync_source_enabled: "OFF",
      rpl_semi_sync_source_timeout: "10000",
      rpl_semi_sync_source_wait_point: "AFTER_SYNC",
      rpl_semi_sync_source_wait_no_replica: "ON",
      rpl_semi_sync_source_wait_for_replica_count: "1",
      rpl_semi_sync_replica_enabled: "OFF",
    },
    status: { rpl_semi_sync_replica_status: "OFF", rpl_semi_sync_source_clients: "0" },
    cluster: null,
    schemas: [],
    isCloning: 0,
    source: null,
  };
  return { mysqld: "running", facts, ...noAccounts };
}

export const noAccounts: FoundAccounts = { accounts: {}, hosts: {} };

/** The servers after one thing was done to one of them, and what that makes of the others. */
export function carryOut(servers: Servers, task: Task, desired: Replication): Servers {
  if (task.do === "refuse") throw new Error("what is refused is not carried out");
  if (task.do === "forget") return servers;
  if (task.do === "await") {
    const silent = servers[task.member];
    if (silent === undefined || silent.mysqld === "running") return servers;
    return withStatus({ ...servers, [task.member]: freshServer(task.member) });
  }
  const { facts, accounts, hosts } = running(servers, task.member);
  const become = (change: Partial<Facts>, now: FoundAccounts = { accounts, hosts }) =>
    withStatus({
      ...servers,
      [task.member]: { mysqld: "running", facts: { ...facts, ...change }, ...now },
    });
  switch (task.do) {
    case "leave":
      return become({ source: null, ...closed(facts) });
    case "close":
      return become(closed(facts));
    case "let clients in":
      return become({ offlineMode: 0 });
    case "found":
      return become({ cluster: desired.cluster, superReadOnly: 0, readOnly: 0 });
    case "promote": {
      const received = [facts.gtidExecuted, facts.source?.received].filter(Boolean).join(",");
      return become({ source: null, gtidExecuted: renderGtidSet(parseGtidSet(received)) });
    }
    case "pause":
      return become({ superReadOnly: 1, readOnly: 1 });
    case "open": {
      const { super_read_only: _, read_only: __, ...rest } = facts.persisted;
      const persisted = isAlone(desired) ? { super_read_only: "OFF", read_only: "OFF" } : {};
      return become({
        superReadOnly: 0,
        readOnly: 0,
        persisted: { ...rest, ...persisted },
      });
    }
    case "acknowledge":
      return become(
        persist(facts, {
          rpl_semi_sync_source_enabled: "OFF",
          rpl_semi_sync_replica_enabled: "ON",
        }),
      );
    case "wait for replicas":
      return become(persist(facts, sourceVariables(desired)));
    case "set replication account": {
      const { name, from } = desired.replicationAccount;
      return become({ superReadOnly: 0 }, replicationAccounts(name, from));
    }
    case "fill": {
      const donor = running(servers, task.from);
      const { gtidExecuted, schemas, cluster } = donor.facts;
      const persisted = { ...facts.persisted };
      const superReadOnly = persisted.super_read_only === "OFF" ? 0 : 1;
      const filled = { gtidExecuted, schemas, cluster, source: null };
      const { accounts, hosts } = donor;
      return become({ ...filled, superReadOnly, readOnly: superReadOnly }, { accounts, hosts });
    }
    case "follow":
      return become({
        source: sourceOf(task.source, desired),
        gtidExecuted: running(servers, task.source).facts.gtidExecuted,
      });
    case "hand over": {
      const closedNow = become({ superReadOnly: 1, readOnly: 1 });
      const to = running(closedNow, task.to);
      const now = { ...to.facts, source: null, gtidExecuted: facts.gtidExecuted };
      return withStatus({ ...closedNow, [task.to]: { ...to, facts: now, accounts, hosts } });
    }
    default:
      return task satisfies never;
  }
}

export const replicationAccount: AccountFacts = {
  from: "%",
  login: "yes",
  grants: { "*.*": [...replicationPrivileges] },
  maxConnections: 0,
  hasFormerPassword: false,
  plugin: "caching_sha2_password",
};

/** The account by which members reach each other, from each host part. */
export function replicationAccounts(
  name = "replication",
  from: readonly string[] = ["%"],
  more: Partial<AccountFacts> = {},
): FoundAccounts {
  const found = from.map((host) => ({ ...replicationAccount, ...more, from: host }));
  return {
    accounts: Object.fromEntries(found.map((one) => [hostKey(name, one.from), one])),
    hosts: { [name]: found },
  };
}

/** A connection to a member, as it should be. */
export function sourceOf(
  name: string,
  { members, replicationAccount, authority = "" }: Replication,
): Source {
  const { address = "", port = 0 } = members[name] ?? {};
  return {
    host: address,
    port,
    user: replicationAccount.name,
    isPasswordRight: 1,
    autoPosition: "1",
    ...{ ssl: "YES", authority, verifies: authority === "" ? "NO" : "YES" },
    retryCount: 0,
    received: "",
    receiver: "ON",
    receiverError: null,
    applier: "ON",
    applierError: null,
  };
}

export function running(servers: Servers, name: string) {
  const server = servers[name];
  if (server?.mysqld !== "running") throw new Error(`${name} does not run`);
  return server;
}

/** Who is connected acknowledges, where both sides are told to. */
export function withStatus(servers: Servers): Servers {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => {
      if (server.mysqld !== "running") return [name, server];
      const { facts } = server;
      const isConnected = facts.source?.receiver === "ON";
      const isUsed = isConnected && facts.variables.rpl_semi_sync_replica_enabled === "ON";
      const status = {
        rpl_semi_sync_replica_status: isUsed ? "ON" : "OFF",
        rpl_semi_sync_source_clients: "1",
      };
      return [name, { ...server, facts: { ...facts, status } }];
    }),
  );
}

function closed({ persisted }: Facts): Partial<Facts> {
  const { read_only: _, ...rest } = persisted;
  return { superReadOnly: 1, readOnly: 1, persisted: { ...rest, super_read_only: "ON" } };
}

function persist(
  { persisted, variables }: Facts,
  change: Readonly<Record<string, string>>,
): Partial<Facts> {
  return { persisted: { ...persisted, ...change }, variables: { ...variables, ...change } };
}

function sourceVariables({ durability, members }: Replication): Record<string, string> {
  const isForEver = durability === "wait-for-replica";
  const timeout = isForEver ? foreverMilliseconds : durability.carryOnAfterSeconds * 1000;
  return {
    rpl_semi_sync_source_enabled: Object.keys(members).length > 1 ? "ON" : "OFF",
    rpl_semi_sync_source_timeout: String(timeout),
    rpl_semi_sync_source_wait_point: "AFTER_SYNC",
    rpl_semi_sync_source_wait_no_replica: "ON",
    rpl_semi_sync_source_wait_for_replica_count: "1",
  };
}
