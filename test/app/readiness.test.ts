import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { startPreparing } from "../../app/readiness";

const refused = Object.assign(new Error("Access denied"), { errno: 1045 });
const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

test("is not ready before its first start is done", async (t) => {
  let prepared = () => {};
  const readiness = startPreparing(
    () => new Promise((resolve) => (prepared = resolve)),
    () => {},
  );
  t.false(readiness.isReady());
  prepared();
  await sleep(1);
  t.true(readiness.isReady());
});

test("a database that is away takes no server out", async (t) => {
  const readiness = startPreparing(
    () => Promise.reject(away),
    () => {},
  );
  await sleep(1);
  t.true(readiness.isReady());
  readiness.stop();
});

test("a database that refuses this application's settings keeps it out until it no longer does", async (t) => {
  const lines: string[] = [];
  let error: Error | undefined = refused;
  const readiness = startPreparing(
    async () => {
      if (error) throw error;
    },
    (line) => lines.push(line),
  );
  await sleep(1);
  t.false(readiness.isReady());
  error = undefined;
  await sleep(700);
  t.true(readiness.isReady());
  t.deepEqual(lines, ["database refuses this application: Access denied", "database ready"]);
});
