import test from "ava";
import { gate } from "../../../provider/ssh/gate";

test("at most so many run at once, in the order in which they came, and each gives its place on", async (t) => {
  const through = gate(3);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const all = Array.from({ length: 10 }, (_, i) =>
    through(async () => {
      started.push(i);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (i === 4) throw new Error("fails");
      return i;
    }),
  );
  const results = await Promise.allSettled(all);
  t.is(most, 3);
  t.deepEqual(started, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.deepEqual(
    results.map((result) => (result.status === "fulfilled" ? result.value : "failed")),
    [0, 1, 2, 3, "failed", 5, 6, 7, 8, 9],
  );
  t.is(await through(async () => "the gate still works"), "the gate still works");
});
