import test from "ava";
import { type Lane, useConnection } from "../../../app/database/member";
import { type Send, WriteError, writeOnce } from "../../../app/database/write";

const lost = Object.assign(new Error("gone"), { code: "ECONNRESET", errno: -104 });
const readOnly = Object.assign(new Error("no"), { errno: 1290, sqlState: "HY000" });
const stopping = Object.assign(new Error("stops"), { errno: 1053, sqlState: "08S01" });
const denied = Object.assign(new Error("no"), { errno: 1045, sqlState: "28000" });
const cut = Object.assign(
  new Error("Client network socket disconnected before secure TLS connection was established"),
  { code: "HANDSHAKE_SSL_ERROR" },
);
const late = new Error("did not answer within 15 s");

const held = Object.assign(new Error("held"), { errno: 3783, sqlState: "HY000" });
const interrupted = Object.assign(new Error("ended"), { errno: 1317, sqlState: "70100" });

/** The first attempt is always made. */
const patience = { seconds: 0.2, pauseSeconds: 0.01 };
/** For the next attempt too, however slow the machine is. */
const longPatience = { ...patience, seconds: 300 };

async function outcomeOf(
  write: (send: Send) => Promise<unknown>,
  isPatient = false,
): Promise<string> {
  try {
    await writeOnce(({ send }) => write(send), isPatient ? longPatience : patience);
    return "written";
  } catch (error) {
    return error instanceof WriteError ? error.outcome : String(error);
  }
}

/** What the statement's attempts end with, one after the other. */
function statement(...ends: readonly (Error | "done")[]) {
  let attempt = 0;
  return async () => {
    const end = ends[Math.min(attempt, ends.length - 1)];
    attempt += 1;
    if (end instanceof Error) throw end;
    return end;
  };
}

const cases: readonly (readonly [string, readonly (Error | "done")[], string])[] = [
  ["is done", ["done"], "written"],
  ["is refused by a server that only reads", [readOnly], "not written"],
  ["reaches the next primary", [readOnly, "done"], "written"],
  ["is ended by a primary that hands over, and done by the next", [interrupted, "done"], "written"],
  ["is held back by the next primary, and done then", [held, "done"], "written"],
  ["is refused by the server", [denied, "done"], "not written"],
  ["gets no answer in time", [late], "unknown"],
  ["is lost, and done the second time", [lost, "done"], "written"],
  ["is cut off before it is connected, and done the second time", [cut, "done"], "written"],
  ["is lost again and again", [lost], "unknown"],
  [
    "is lost, refused by a replica, and done by the next primary",
    [lost, readOnly, "done"],
    "written",
  ],
  // The first may have been done before the server became one that only reads.
  ["is lost, and then refused", [lost, readOnly], "unknown"],
  ["is answered by a server that stops", [stopping], "unknown"],
  ["is answered by a server that stops, and done by the next", [stopping, "done"], "written"],
];

for (const [title, ends, outcome] of cases) {
  test(`a statement that ${title}: ${outcome}`, async (t) => {
    const run = statement(...ends);
    t.is(await outcomeOf((send) => send(run), outcome === "written"), outcome);
  });
}

test("what fails before its statement is sent is not written", async (t) => {
  t.is(await outcomeOf(async () => Promise.reject(late)), "not written");
  t.is(await outcomeOf(async () => Promise.reject(lost)), "not written");
});

test("nothing is sent any more once its sender was told that it failed", async (t) => {
  let send: Send | undefined;
  await t.throwsAsync(
    writeOnce(async (attempt) => {
      send = attempt.send;
      throw late;
    }, patience),
  );
  let isSent = false;
  const statement = async () => {
    isSent = true;
  };
  await t.throwsAsync(async () => send?.(statement), { message: /was told/ });
  t.false(isSent);
});

/** A pool with one connection, which is free once `free` is settled. */
function laneOf(free: Promise<void>, lateSeconds: number) {
  const done: string[] = [];
  const connection = {
    release: () => done.push("released"),
    destroy: () => done.push("destroyed"),
  };
  const pool = { getConnection: () => free.then(() => connection) };
  const lane: Lane = { pool: Object(pool), label: "primary", lateSeconds, late: new Set() };
  return { lane, done };
}

function deferred() {
  let give = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

test("a connection that is free too late does nothing any more", async (t) => {
  const free = deferred();
  const { lane, done } = laneOf(free.promise, 60);
  let isRun = false;
  const use = useConnection(lane, 0.01, async () => {
    isRun = true;
  });
  await t.throwsAsync(use, { message: /did not answer within 0.01 s/ });
  free.give();
  await turn();
  t.false(isRun);
  t.deepEqual(done, ["released"]);
});

test("a connection whose answer is late is kept until it has come, so that the server is not filled", async (t) => {
  const { lane, done } = laneOf(Promise.resolve(), 60);
  const answer = deferred();
  await t.throwsAsync(useConnection(lane, 0.01, () => answer.promise));
  await turn();
  t.deepEqual([done, lane.late.size], [[], 1]);
  answer.give();
  await turn();
  t.deepEqual([done, lane.late.size], [["released"], 0]);
});

test("a late connection that fails, or stays without an answer for too long, is closed", async (t) => {
  const failing = laneOf(Promise.resolve(), 60);
  const answer = deferred();
  const failure = answer.promise.then(() => Promise.reject(lost));
  await t.throwsAsync(useConnection(failing.lane, 0.01, () => failure));
  answer.give();
  await turn();
  t.deepEqual([failing.done, failing.lane.late.size], [["destroyed"], 0]);

  const silent = laneOf(Promise.resolve(), 0);
  await t.throwsAsync(useConnection(silent.lane, 0.01, () => new Promise(() => undefined)));
  await turn();
  t.deepEqual([silent.done, silent.lane.late.size], [["destroyed"], 0]);
});

test("a connection whose work fails in time is closed", async (t) => {
  const { lane, done } = laneOf(Promise.resolve(), 60);
  await t.throwsAsync(useConnection(lane, 60, () => Promise.reject(lost)));
  t.deepEqual(done, ["destroyed"]);
});
