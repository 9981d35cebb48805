import test from "ava";
import type { Member } from "../../app/database/member";
import { createReader, type Question } from "../../app/database/reading";

interface Behaviour {
  readonly has?: boolean;
  readonly arrives?: boolean;
  readonly isAway?: boolean;
  /** How many connections are lost before one answers. */
  readonly losses?: number;
}

/** A member that answers the reader's statements as told, and counts its waits. */
function member(role: Member["role"], host: string, behaviour: Behaviour = {}) {
  const seen = { reads: 0, waits: 0, deadline: 0 };
  const answer = (sql: string): object[] => {
    if (sql.includes("GTID_SUBSET")) return [{ has: behaviour.has === false ? 0 : 1 }];
    if (sql.includes("WAIT_FOR")) {
      seen.waits += 1;
      return [{ late: behaviour.arrives ? 0 : 1 }];
    }
    if (sql.includes("hostname")) return [{ host }];
    return [];
  };
  const query = async (sql: string) => [answer(sql)];
  // Of a connection the reader uses these two only.
  const connection = { query, execute: query } as unknown as Parameters<
    Parameters<Member["use"]>[1]
  >[0];
  let isAvoided = false;
  const made: Member = {
    role,
    address: host,
    use: async (deadlineSeconds, work) => {
      seen.reads += 1;
      seen.deadline = deadlineSeconds;
      if (behaviour.isAway) throw new Error("away");
      if (seen.reads <= (behaviour.losses ?? 0)) {
        throw Object.assign(new Error("lost"), { code: "PROTOCOL_CONNECTION_LOST" });
      }
      return work(connection);
    },
    avoid: () => {
      isAvoided = true;
    },
    isAvoided: () => isAvoided,
    close: async () => {},
  };
  return { member: made, seen };
}

const owed = { after: "gtid", limit: 10 };
const anything: Question = { limit: 10 };

test("reads from a replica", async (t) => {
  const primary = member("primary", "p");
  const read = createReader({ primary: primary.member, replicas: [member("replica", "r").member] });
  const reading = await read(anything);
  t.deepEqual(reading.readFrom, { role: "replica", host: "r" });
  t.is(reading.waitedMilliseconds, undefined);
  t.is(primary.seen.reads, 0);
});

test("waits for what the reader wrote", async (t) => {
  const replica = member("replica", "r", { has: false, arrives: true });
  const read = createReader({ primary: member("primary", "p").member, replicas: [replica.member] });
  const reading = await read(owed);
  t.is(reading.readFrom.role, "replica");
  t.is(typeof reading.waitedMilliseconds, "number");
  t.is(reading.detour, undefined);
});

test("a replica that is behind is waited for once, and the primary answers", async (t) => {
  const replica = member("replica", "r", { has: false });
  const read = createReader({ primary: member("primary", "p").member, replicas: [replica.member] });
  for (const _ of [1, 2, 3]) {
    const { readFrom, detour } = await read(owed);
    t.deepEqual([readFrom.role, detour], ["primary", "replica-behind"]);
  }
  t.is(replica.seen.waits, 1);
});

test("a replica that is away is left alone for a while", async (t) => {
  const replica = member("replica", "r", { isAway: true });
  const read = createReader({ primary: member("primary", "p").member, replicas: [replica.member] });
  for (const _ of [1, 2]) {
    const { readFrom, detour } = await read(anything);
    t.deepEqual([readFrom.role, detour], ["primary", "replica-away"]);
  }
  t.is(replica.seen.reads, 1);
});

test("with the primary away a replica that is behind is better than nothing, and says so", async (t) => {
  const primary = member("primary", "p", { isAway: true });
  const replica = member("replica", "r", { has: false });
  const read = createReader({ primary: primary.member, replicas: [replica.member] });
  const { readFrom, detour } = await read(owed);
  t.deepEqual([readFrom.role, detour], ["replica", "stale"]);
});

test("connections that are all lost at once are tried again", async (t) => {
  const primary = member("primary", "p", { losses: 1 });
  const replica = member("replica", "r", { losses: 2 });
  const read = createReader({ primary: primary.member, replicas: [replica.member] });
  const { readFrom } = await read(anything);
  t.is(readFrom.role, "primary");
  t.deepEqual([primary.seen.reads, replica.seen.reads], [2, 2]);
});

test("who is asked last is waited for longer: a late page is better than none", async (t) => {
  const primary = member("primary", "p");
  const replica = member("replica", "r", { isAway: true });
  const read = createReader({ primary: primary.member, replicas: [replica.member] });
  await read(anything);
  t.true(primary.seen.deadline > replica.seen.deadline);
  // The replica is left alone now, so it would be the last one.
  await read(anything);
  t.is(replica.seen.reads, 1);
  t.true(primary.seen.deadline < 10, "somebody else is there");
});

test("with nobody there the error is told", async (t) => {
  const primary = member("primary", "p", { isAway: true });
  const read = createReader({ primary: primary.member, replicas: [] });
  await t.throwsAsync(read(anything), { message: "away" });
});
