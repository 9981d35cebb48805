import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { transformSync } from "esbuild";
import { mutate, readAreas } from "../../../scripts/mutations/areas";
import { root } from "../../../scripts/setup/environment";

for (const { name, tests, mutations } of readAreas(root)) {
  test(`every mutation of ${name} fits the file that it is for, and still compiles`, (t) => {
    for (const mutation of mutations) {
      const text = readFileSync(join(root, mutation.file), "utf8");
      t.notThrows(() => {
        const mutated = mutate(mutation, text);
        if (mutation.file.endsWith(".ts")) transformSync(mutated, { loader: "ts" });
      });
    }
  });

  test(`the tests that have to notice a mutation of ${name} are there`, (t) => {
    const missing = mutations.filter(({ title = "*", tests: own = tests }) => {
      const parts = title.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
      const pattern = new RegExp(parts.join(".*"));
      return !own.some((file) => pattern.test(readFileSync(join(root, file), "utf8")));
    });
    t.deepEqual(missing, []);
  });

  test(`no mutation of ${name} stands twice, and its test files are there`, (t) => {
    const texts = mutations.map((mutation) => JSON.stringify(mutation));
    t.is(new Set(texts).size, texts.length);
    for (const file of [...tests, ...mutations.flatMap((mutation) => mutation.tests ?? [])]) {
      t.true(existsSync(join(root, file)), file);
    }
  });
}

const mutation = { file: "one.ts", find: "a < b", replace: "a > b" };

test("a mutation changes just the place that it names", (t) => {
  t.is(mutate(mutation, "if (a < b) c();"), "if (a > b) c();");
});

test("a mutation whose text is gone, or stands twice, is told", (t) => {
  t.throws(() => mutate(mutation, "nothing"), {
    message: 'one.ts: expected "a < b" once, found it 0 times',
  });
  t.throws(() => mutate(mutation, "a < b; a < b"), {
    message: 'one.ts: expected "a < b" once, found it 2 times',
  });
});

test("a mutation that changes nothing is told", (t) => {
  t.throws(() => mutate({ ...mutation, replace: "a < b" }, "a < b"), {
    message: 'one.ts: "a < b" is replaced by itself',
  });
});
