import test from "ava";
import { capture, must, readLines } from "../../../scripts/setup/run";

test("a program gets no standard input", async (t) => {
  t.deepEqual(await capture("cat", []), { status: 0, stdout: "", stderr: "" });
});

test("a program that is missing is told from one that fails", async (t) => {
  t.is((await capture("trilithon-no-such-program", [])).status, 127);
  t.is((await capture("sh", ["-c", "exit 3"])).status, 3);
});

test("a program past its deadline is ended", async (t) => {
  t.is((await capture("sleep", ["60"], { deadlineSeconds: 0.1 })).status, 124);
});

test("an error says what was being done, how it ended and its last words", async (t) => {
  await t.throwsAsync(must("trying it", "sh", ["-c", "echo no >&2; exit 2"]), {
    message: "trying it: exit 2: sh -c echo no >&2; exit 2\nno",
  });
});

test("every line is read before the end is told", async (t) => {
  const lines: string[] = [];
  const status = await readLines("seq", ["1000"], { onLine: (line) => lines.push(line) });
  t.is(status, 0);
  t.is(lines.length, 1000);
});
