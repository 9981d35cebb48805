import test from "ava";
import { useConnection } from "../../../app/database/member";
import { WriteError, writeOnce } from "../../../app/database/write";

const lost = Object.assign(new Error("gone"), { code: "ECONNRESET", errno: -104 });
const readOnly = Object.assign(new Error("no"), { errno: 1290, sqlState: "HY000" });
const stopping = Object.assign(new Error("stops"), { errno: 1053, sqlState: "08S01" });
const late = new Error("did not answer within 15 s");

async function outcomeOf(write: Parameters<typeof writeOnce>[0]): Promise<string> {
  try {
    await writeOnce(write);
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
  ["is refused by the server", [readOnly], "not written"],
  ["gets no answer in time", [late], "unknown"],
  ["is lost, and done the second time", [lost, "done"], "written"],
  ["is lost twice", [lost, lost], "unknown"],
  // The first may have been done before the server became one that only reads.
  ["is lost, and then refused", [lost, readOnly], "unknown"],
  ["is answered by a server that stops", [stopping], "unknown"],
];

for (const [title, ends, outcome] of cases) {
  test(`a statement that ${title}: ${outcome}`, async (t) => {
    const run = statement(...ends);
    t.is(await outcomeOf((send) => send(run)), outcome);
  });
}

test("what fails before its statement is sent is not written", async (t) => {
  t.is(await outcomeOf(async () => Promise.reject(late)), "not written");
  t.is(await outcomeOf(async () => Promise.reject(lost)), "not written");
});

test("a connection that is free too late does nothing any more", async (t) => {
  let released = 0;
  let give = (): void => undefined;
  const connection = { release: () => released++, destroy: () => undefined };
  const free = new Promise<void>((resolve) => {
    give = resolve;
  });
  const pool = { getConnection: () => free.then(() => connection) };
  let isRun = false;
  const use = useConnection(Object(pool), "primary", 0.01, async () => {
    isRun = true;
  });
  await t.throwsAsync(use, { message: /did not answer within 0.01 s/ });
  give();
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.false(isRun);
  t.is(released, 1);
});
