import test from "ava";
import { until } from "../../../scripts/maintenance/until";

test("waits until nothing is lacking, and shows each change once", async (t) => {
  const lacking = ["two", "two", "one", undefined];
  const shown: string[] = [];
  await until({ what: "it", deadlineSeconds: 60, onChange: (seen) => shown.push(seen) }, async () =>
    lacking.shift(),
  );
  t.deepEqual(shown, ["two", "one"]);
});

test("at the deadline it says what was last seen, a failure of the look as well", async (t) => {
  const waiting = { what: "web-01: it is there", deadlineSeconds: 0 };
  await t.throwsAsync(
    until(waiting, async () => "two"),
    { message: "web-01: it is there: not within 0 s; last seen: two" },
  );
  await t.throwsAsync(
    until(waiting, () => Promise.reject(new Error("web-01: no answer\nand more"))),
    { message: "web-01: it is there: not within 0 s; last seen: web-01: no answer" },
  );
});
