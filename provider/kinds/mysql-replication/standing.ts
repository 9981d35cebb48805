/** What the members answered, in the words of the inputs. */

import { type Replication, right, type Standing } from "./args";
import { contentOf } from "./content";
import type { Facts } from "./facts";
import { type Answers, rolesOf, runningFacts, type Seen } from "./roles";
import { dataOf } from "./standing-data";
import { followingOf, leadingOf } from "./standing-replication";
import { replicaOf, sourceOf } from "./standing-semi-synchronous";

/** Answers `undefined` when there is no MySQL on any member. */
export function standingsOf(answers: Answers, expected: Replication): Replication | undefined {
  if (Object.values(answers).every(({ mysqld }) => mysqld === "absent")) return undefined;
  const roles = rolesOf(answers, expected);
  const topology = Object.keys(expected.members).map((name): [string, Standing] => [
    name,
    standingOf({ name, roles, answers, expected }),
  ]);
  return {
    ...expected,
    primary: roles.primary,
    ...contentOf(answers[roles.primary === "" ? expected.primary : roles.primary], expected),
    topology: Object.fromEntries(topology),
  };
}

/** Of a member that does not answer there is nothing more to say. */
function standingOf(seen: Seen): Standing {
  const answer = seen.answers[seen.name];
  if (answer === undefined || answer.mysqld === "absent") return { mysqld: "not installed" };
  if (answer.mysqld === "silent") return { mysqld: `not answering: ${answer.reason}` };
  const { facts } = answer;
  const isPrimary = seen.roles.primary === seen.name;
  return {
    mysqld: mysqldOf(facts, seen),
    data: dataOf(facts, seen),
    writes: isPrimary ? writesOfPrimary(facts) : writesOfReplica(facts),
    replication: isPrimary ? leadingOf(facts, seen) : followingOf(facts, seen),
    semiSynchronous: isPrimary ? sourceOf(facts, seen) : replicaOf(facts, seen),
  };
}

function mysqldOf(facts: Facts, { name, answers }: Seen): string {
  const others = [...runningFacts(answers)].filter(([other]) => other !== name);
  const twin = others.find(([, other]) => other.serverUuid === facts.serverUuid)?.[0];
  if (twin !== undefined) return `running, with the same server_uuid as ${twin}`;
  const namesake = others.find(([, other]) => other.serverId === facts.serverId)?.[0];
  if (namesake !== undefined) return `running, with the same server_id as ${namesake}`;
  if (facts.gtidMode !== "ON") return `running, with gtid_mode ${facts.gtidMode}`;
  if (facts.logBin !== 1) return "running, without a binary log";
  const missing = neededPlugins.filter((plugin) => !facts.plugins.includes(plugin));
  return missing.length > 0 ? `running, without the plugins ${missing.join(", ")}` : right.mysqld;
}

const neededPlugins = ["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"];

function writesOfPrimary({ superReadOnly, readOnly, offlineMode, persisted }: Facts): string {
  if (offlineMode === 1) return "nowhere: the primary is offline";
  if (superReadOnly === 1 || readOnly === 1) return "nowhere: the primary is closed";
  const isLasting = persisted.super_read_only === "OFF" && persisted.read_only === "OFF";
  return isLasting ? right.writes : "nowhere after the next restart of the primary";
}

function writesOfReplica({ superReadOnly, persisted }: Facts): string {
  if (superReadOnly === 0) return "on this member too";
  const opens = persisted.super_read_only === "OFF" || persisted.read_only === "OFF";
  return opens ? "on this member too after its next restart" : right.writes;
}
