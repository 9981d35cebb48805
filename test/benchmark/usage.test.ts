import test from "ava";
import { measure, parseTimes } from "../../benchmark/usage";

test("reads what a shell says of its children", (t) => {
  t.is(parseTimes("0m0.000000s 0m0.010000s\n1m2.500000s 0m0.250000s\n"), 62.75);
  t.is(parseTimes(""), 0);
});

test("counts the work of a command's children, and keeps all that is printed", async (t) => {
  const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo told; echo failed >&2";
  const { cpuSeconds, wallSeconds, output } = await measure(["sh", "-c", `sh -c '${busy}'`], {
    cwd: "/",
    env: process.env,
  });
  t.true(cpuSeconds > 0.02);
  t.true(wallSeconds >= cpuSeconds * 0.5);
  t.deepEqual(output.trim().split("\n"), ["told", "failed"]);
});

test("a command that fails is told with its last lines", async (t) => {
  const failing = measure(["sh", "-c", "echo no; exit 3"], { cwd: "/", env: process.env });
  const error = await t.throwsAsync(failing);
  t.is(error?.message, "sh -c echo no; exit 3: exit 3\nno");
});
