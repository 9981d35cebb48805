/** The members of a group as values: they answer the kind's question, and change as each step says. */

import { isSubset, parseGtidSet, renderGtidSet } from "../../provider/kinds/mysql/gtid";
import type { Answers } from "../../provider/kinds/mysql/members";
import type { Answer, Facts, GroupMember } from "../../provider/kinds/mysql/probe";
import type { Group } from "../../provider/kinds/mysql-group/args";
import { groupPrivileges } from "../../provider/kinds/mysql-group/read";
import { seedsOf } from "../../provider/kinds/mysql-group/status";
import type { Task } from "../../provider/kinds/mysql-group/steps";
import { freshServer, noAccounts, replicationAccounts } from "./mysql-model";

export interface Server {
  /** Whether it answers us. One that is silent does after it was waited for, one that is unreachable does not. */
  readonly reach: "answers" | "silent" | "unreachable" | "absent";
  readonly cluster: string | null;
  readonly schemas: readonly string[];
  /** Executed. */
  readonly executed: string;
  /** Received from the group, and perhaps not executed. */
  readonly received: string;
  readonly isOpen: boolean;
  readonly isOffline: boolean;
  readonly persisted: Readonly<Record<string, string>>;
  readonly groupName: string;
  readonly seeds: string;
  readonly hasAccount: boolean;
  readonly isConfigured: boolean;
  /** The replica of a pair. */
  readonly follows: boolean;
}

/** Members that see each other. Of `reached` they do, of `lost` they once did. */
export interface Party {
  readonly name: string;
  /** Empty where none is elected yet. */
  readonly primary: string;
  readonly reached: readonly string[];
  readonly recovering: readonly string[];
  readonly lost: readonly string[];
}

export interface World {
  readonly servers: Readonly<Record<string, Server>>;
  readonly parties: readonly Party[];
}

export const freshMember: Server = {
  ...{ reach: "answers", cluster: null, schemas: [], executed: "", received: "" },
  ...{ isOpen: false, isOffline: false, persisted: {}, groupName: "", seeds: "" },
  ...{ hasAccount: false, isConfigured: false, follows: false },
};

export function hasQuorum({ reached, lost }: Party): boolean {
  return reached.length > lost.length;
}

export function partyOf(world: World, name: string): Party | undefined {
  return world.parties.find(({ reached }) => reached.includes(name));
}

/** Executed or received. */
export function allOf({ executed, received }: Server): string {
  return union(executed, received);
}

export function union(...sets: readonly string[]): string {
  return renderGtidSet(parseGtidSet(sets.filter(Boolean).join(",")));
}

export function isWithin(one: string, other: string): boolean {
  return isSubset(parseGtidSet(one), parseGtidSet(other));
}

/** What everybody says who is asked. */
export function answersOf(
  world: World,
  { members, away }: Pick<Group, "members" | "away">,
): Answers {
  const asked = Object.keys(members).filter((name) => !away.includes(name));
  return Object.fromEntries(asked.map((name) => [name, answerOf(name, world, members)]));
}

function answerOf(name: string, world: World, members: Group["members"]): Answer {
  const server = serverOf(world, name);
  if (server.reach === "absent") {
    return { mysqld: "absent", ...(server.schemas.length === 0 && { isEmpty: true }) };
  }
  if (server.reach !== "answers") {
    const isUnreachable = server.reach === "unreachable" && { isUnreachable: true };
    return { mysqld: "silent", reason: "ERROR 2002", ...isUnreachable };
  }
  const fresh = freshServer(name);
  if (fresh.mysqld !== "running") throw new Error("a fresh server runs");
  const { hasAccount, isConfigured } = server;
  const own: GroupMember = { ...placeOf(name, members), state: "OFFLINE", role: "" };
  const facts: Facts = {
    ...fresh.facts,
    serverUuid: uuidOf(name),
    plugins: ["clone", "group_replication"],
    gtidExecuted: server.executed,
    superReadOnly: server.isOpen ? 0 : 1,
    readOnly: server.isOpen ? 0 : 1,
    offlineMode: server.isOffline ? 1 : 0,
    persisted: {
      ...(server.groupName !== "" && { group_replication_group_name: server.groupName }),
      ...(server.seeds !== "" && { group_replication_group_seeds: server.seeds }),
      ...server.persisted,
    },
    variables: {
      group_replication_group_name: server.groupName,
      group_replication_group_seeds: server.seeds,
    },
    cluster: server.cluster,
    schemas: server.schemas,
    source: server.follows
      ? {
          ...{ host: "10.0.0.99", port: 3306, user: "replication", isPasswordRight: 1 },
          ...{
            autoPosition: "1",
            ssl: "YES",
            authority: "",
            verifies: "NO",
            retryCount: 0,
            received: "",
          },
          ...{ receiver: "ON", receiverError: null, applier: "ON", applierError: null },
        }
      : null,
    group: {
      members: viewOf(name, world, members) ?? [own],
      received: server.received,
      recoveryUser: isConfigured ? "replication" : null,
      isPasswordRight: isConfigured ? 1 : null,
    },
  };
  const grants = { "*.*": groupPrivileges };
  const found = hasAccount ? replicationAccounts("replication", ["%"], { grants }) : noAccounts;
  return { mysqld: "running", facts, ...found };
}

export function uuidOf(name: string): string {
  return `0000000${name.slice(-1)}-0000-0000-0000-000000000000`;
}

function placeOf(name: string, members: Group["members"]) {
  const { address = "10.0.0.99", port = 3306 } = members[name] ?? {};
  return { uuid: uuidOf(name), host: address, port };
}

function viewOf(
  name: string,
  world: World,
  members: Group["members"],
): readonly GroupMember[] | undefined {
  const party = partyOf(world, name);
  if (party === undefined) return undefined;
  const roleOf = (one: string) => (one === party.primary ? "PRIMARY" : "SECONDARY");
  return [
    ...party.reached.map((one): GroupMember => {
      const state = party.recovering.includes(one) ? "RECOVERING" : "ONLINE";
      return { ...placeOf(one, members), state, role: roleOf(one) };
    }),
    ...party.lost.map((one): GroupMember => {
      return { ...placeOf(one, members), state: "UNREACHABLE", role: roleOf(one) };
    }),
  ];
}

export function serverOf(world: World, name: string): Server {
  const server = world.servers[name];
  if (server === undefined) throw new Error(`there is no ${name}`);
  return server;
}

/** The world after one thing was done to one member, and what that makes of the others. */
export function carryOut(world: World, task: Task, desired: Group): World {
  switch (task.do) {
    case "refuse":
      throw new Error("what is refused is not carried out");
    case "note":
    case "forget":
      return world;
    case "await": {
      const { reach } = serverOf(world, task.member);
      if (reach === "absent") return change(world, task.member, freshMember);
      return reach === "silent" ? change(world, task.member, { reach: "answers" }) : elected(world);
    }
    case "await expulsion": {
      // One that we alone cannot reach takes part as before.
      const isOut = (name: string) =>
        desired.members[name] === undefined && serverOf(world, name).reach === "silent";
      return expelled(world, task.member, isOut);
    }
    case "close":
      return change(world, task.member, { isOpen: false });
    case "stop":
      return change(without(world, task.member), task.member, { isOpen: false });
    case "stop following":
      return change(world, task.member, { follows: false });
    case "found":
      return change(world, task.member, {
        cluster: desired.cluster,
        executed: union(serverOf(world, task.member).executed, `${uuidOf(task.member)}:1`),
      });
    case "set replication account": {
      const party = partyOf(world, task.member);
      const names = party === undefined ? [task.member] : party.reached;
      return names.reduce((all, name) => change(all, name, { hasAccount: true }), world);
    }
    case "bootstrap": {
      const left = without(world, task.member);
      const name = `begun ${world.parties.length} by ${task.member}`;
      const party = {
        name,
        primary: task.member,
        reached: [task.member],
        recovering: [],
        lost: [],
      };
      const server = serverOf(left, task.member);
      const begun = { ...configured(server, name, desired), isOpen: true, executed: allOf(server) };
      return { ...change(left, task.member, begun), parties: [...left.parties, party] };
    }
    case "configure": {
      const { groupName } = serverOf(world, task.member);
      const name = partyOf(world, task.member)?.name ?? groupName;
      return change(world, task.member, configured(serverOf(world, task.member), name, desired));
    }
    case "fill": {
      const { executed, schemas, cluster, hasAccount, groupName } = serverOf(world, task.from);
      const now = { ...freshMember, executed, schemas, cluster, hasAccount };
      return change(without(world, task.member), task.member, configured(now, groupName, desired));
    }
    case "join": {
      const left = without(world, task.member);
      const party = partyOf(left, task.through);
      if (party === undefined) throw new Error(`${task.through} is in no group`);
      const now = serverOf(left, task.member);
      const all = union(...party.reached.map((name) => allOf(serverOf(left, name))));
      const reached = [...party.reached, task.member];
      const joined = { ...configured(now, party.name, desired), isOpen: false, executed: all };
      return {
        ...change(left, task.member, joined),
        parties: left.parties.map((one) => (one === party ? { ...party, reached } : one)),
      };
    }
    case "let clients in":
      return change(world, task.member, { isOffline: false });
    case "open":
      return change(world, task.member, { isOpen: true });
    case "switch": {
      const party = partyOf(world, task.member);
      if (party === undefined) throw new Error(`${task.member} is in no group`);
      const closed = change(world, task.from, { isOpen: false });
      return {
        ...change(closed, task.member, { isOpen: true }),
        parties: world.parties.map((one) =>
          one === party ? { ...one, primary: task.member } : one,
        ),
      };
    }
    case "leave":
      // It waits until those are put out that the group does not reach.
      return change(without(expelled(world, task.member), task.member), task.member, {
        ...{ isOpen: false, groupName: "", seeds: "" },
        persisted: { group_replication_start_on_boot: "OFF", super_read_only: "ON" },
      });
    default:
      return task satisfies never;
  }
}

function configured(server: Server, groupName: string, { members }: Group): Server {
  return { ...server, persisted: {}, groupName, seeds: seedsOf(members), isConfigured: true };
}

function change(world: World, name: string, now: Partial<Server>): World {
  return { ...world, servers: { ...world.servers, [name]: { ...serverOf(world, name), ...now } } };
}

/** A party that has a majority puts out whom it does not reach. */
function expelled(
  world: World,
  member: string,
  isOut: (name: string) => boolean = () => false,
): World {
  const parties = world.parties.map((party) => {
    if (!party.reached.includes(member) || !hasQuorum(party)) return party;
    const reached = party.reached.filter((name) => !isOut(name));
    return { ...party, lost: [], reached, primary: isOut(party.primary) ? "" : party.primary };
  });
  return elected({ ...world, parties });
}

/** A party that has a majority elects as soon as it is given time. */
function elected(world: World): World {
  return world.parties.reduce((all, party) => {
    const [first] = party.reached;
    if (party.primary !== "" || first === undefined || !hasQuorum(party)) return all;
    const parties = all.parties.map((one) => (one === party ? { ...party, primary: first } : one));
    return { ...change(all, first, { isOpen: true }), parties };
  }, world);
}

/** It leaves; the others elect where it was their primary. */
function without(world: World, name: string): World {
  const parties = world.parties.flatMap((party): Party[] => {
    const reached = party.reached.filter((one) => one !== name);
    if (reached.length === party.reached.length) return [party];
    if (reached.length === 0) return [];
    return [{ ...party, reached, primary: party.primary === name ? "" : party.primary }];
  });
  return elected({ ...world, parties });
}
