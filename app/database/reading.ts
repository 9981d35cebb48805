/** Reads from a replica, as long as one has all that its reader is owed; else from the primary. */

import type { PoolConnection, RowDataPacket } from "mysql2/promise";
import type { Entry } from "../entry";
import { classifyFault } from "./fault";
import type { Member, Place } from "./member";

export interface Question {
  /** Transactions that the answer has to hold: what the reader wrote. */
  readonly after?: string | undefined;
  /** Only entries older than this id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface Reading {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
  readonly readFrom: Place;
  /** How long the replica was waited for, where it was. */
  readonly waitedMilliseconds?: number;
  /** Why it was not read as usual: `stale` may lack what the reader wrote. */
  readonly detour?: "replica-behind" | "replica-away" | "stale";
}

export interface Members {
  readonly primary: Member;
  readonly replicas: readonly Member[];
}

/** Replication takes milliseconds; who has waited this long is served by the primary. */
const waitSeconds = 1;
/** A wait holds a connection: a forged cookie must not hold them all. */
const maxWaitsPerMember = 4;
const readDeadlineSeconds = 3;
/** For the last that is asked, and for all attempts: nobody else can answer, and a late page is better than none. */
const lastDeadlineSeconds = 10;
const pauseSeconds = 0.2;

/** What is remembered between two reads. */
interface Memory {
  turn: number;
  readonly waits: Map<Member, number>;
  readonly behindUntil: Map<Member, number>;
}

export function createReader(members: Members): (question: Question) => Promise<Reading> {
  const memory: Memory = { turn: 0, waits: new Map(), behindUntil: new Map() };
  return (question) => readPatiently(members, memory, question);
}

/** In the moment in which another member becomes the primary all connections may be lost at once: then once more. */
async function readPatiently(
  members: Members,
  memory: Memory,
  question: Question,
): Promise<Reading> {
  const end = performance.now() + lastDeadlineSeconds * 1000;
  for (;;) {
    try {
      return await readBook(members, memory, question);
    } catch (error) {
      const isPassing = ["lost", "nobody"].includes(classifyFault(error));
      if (!isPassing || performance.now() + pauseSeconds * 1000 > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000));
  }
}

async function readBook(members: Members, memory: Memory, question: Question): Promise<Reading> {
  let detour: Reading["detour"];
  let stale: Reading | undefined;
  let failure: unknown;
  const inOrder = order(members, memory);
  for (const member of inOrder) {
    const deadlineSeconds = member === inOrder.at(-1) ? lastDeadlineSeconds : readDeadlineSeconds;
    if (member.role === "primary" && members.replicas.length > 0) detour ??= "replica-away";
    try {
      const { reading, isFresh } = await readMember(member, deadlineSeconds, memory, question);
      if (isFresh) return detour === undefined ? reading : { ...reading, detour };
      stale ??= { ...reading, detour: "stale" };
      detour = "replica-behind";
    } catch (error) {
      member.avoid();
      failure = error;
    }
  }
  if (stale !== undefined) return stale;
  throw failure;
}

/** Replicas in turn, then the primary; members that failed a moment ago last. */
function order({ primary, replicas }: Members, memory: Memory): readonly Member[] {
  memory.turn = (memory.turn + 1) % Math.max(1, replicas.length);
  const all = [...replicas.slice(memory.turn), ...replicas.slice(0, memory.turn), primary];
  const avoided = new Set(all.filter((member) => member.isAvoided()));
  return [...all.filter((member) => !avoided.has(member)), ...avoided];
}

function readMember(
  member: Member,
  deadlineSeconds: number,
  memory: Memory,
  question: Question,
): Promise<{ readonly reading: Reading; readonly isFresh: boolean }> {
  return member.use(deadlineSeconds, async (connection) => {
    const owed = member.role === "primary" ? undefined : question.after;
    const begin = performance.now();
    const isFresh = owed === undefined || (await hasTransactions(connection, member, memory, owed));
    const waitedMilliseconds = Math.round(performance.now() - begin);
    const page = await selectEntries(connection, question);
    const [names] = await connection.query<RowDataPacket[]>("SELECT @@hostname AS host");
    const readFrom = { role: member.role, host: String(names[0]?.host) };
    const waited = owed === undefined ? {} : { waitedMilliseconds };
    return { reading: { ...page, readFrom, ...waited }, isFresh };
  });
}

async function hasTransactions(
  connection: PoolConnection,
  member: Member,
  { waits, behindUntil }: Memory,
  gtids: string,
): Promise<boolean> {
  const [rows] = await connection.execute<RowDataPacket[]>(
    "SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed) AS has",
    [gtids],
  );
  if (rows[0]?.has === 1) return true;
  const waiting = waits.get(member) ?? 0;
  const wasBehind = (behindUntil.get(member) ?? 0) > Date.now();
  if (wasBehind || waiting >= maxWaitsPerMember) return false;
  waits.set(member, waiting + 1);
  try {
    const [answer] = await connection.execute<RowDataPacket[]>(
      "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS late",
      [gtids, waitSeconds],
    );
    const isLate = answer[0]?.late !== 0;
    if (isLate) behindUntil.set(member, Date.now() + 5000);
    return !isLate;
  } finally {
    waits.set(member, (waits.get(member) ?? 1) - 1);
  }
}

async function selectEntries(
  connection: PoolConnection,
  { before, limit }: Question,
): Promise<Pick<Reading, "entries" | "hasMore">> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, name, message, taken_by AS takenBy,
       CAST(UNIX_TIMESTAMP(created_at) * 1000 AS UNSIGNED) AS milliseconds
     FROM entries WHERE id < ? ORDER BY id DESC LIMIT ?`,
    [before ?? Number.MAX_SAFE_INTEGER, limit + 1],
  );
  return { entries: rows.slice(0, limit).map(toEntry), hasMore: rows.length > limit };
}

function toEntry(row: RowDataPacket): Entry {
  return {
    id: Number(row.id),
    name: String(row.name),
    message: String(row.message),
    takenBy: String(row.takenBy),
    createdAt: new Date(Number(row.milliseconds)).toISOString(),
  };
}
