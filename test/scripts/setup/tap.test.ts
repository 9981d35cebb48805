import test from "ava";
import { tapReader } from "../../../scripts/setup/tap";

const printed = `TAP version 13
ok 1 - a › skipped # SKIP
not ok 2 - a › to do # TODO
ok 3 - a › passes
#   logged
not ok 4 - a › fails
  ---
    name: AssertionError
    message: 'expected 1'
  ...
not ok 5 - b.test.ts exited with a non-zero exit code: 1

1..5
# tests 3
# pass 1
# skip 1
# fail 2
`;

test("counts what passed, failed and was skipped", (t) => {
  const reader = tapReader();
  for (const line of printed.split("\n")) reader.read(line);
  t.deepEqual(reader.tally(), { passed: 1, failed: 2, skipped: 2 });
});

test("shows a line per test, and why one failed", (t) => {
  const reader = tapReader();
  const shown = printed.split("\n").flatMap((line) => reader.read(line) ?? []);
  t.deepEqual(shown, [
    "  - a › skipped # SKIP",
    "  - a › to do # TODO",
    "  ✔ a › passes",
    "    #   logged",
    "  ✘ a › fails",
    "        name: AssertionError",
    "        message: 'expected 1'",
    "  ✘ b.test.ts exited with a non-zero exit code: 1",
  ]);
});

test("what failed is kept with its reason", (t) => {
  const reader = tapReader();
  for (const line of printed.split("\n")) reader.read(line);
  t.deepEqual(reader.failures(), [
    "  ✘ a › fails\n        name: AssertionError\n        message: 'expected 1'",
    "  ✘ b.test.ts exited with a non-zero exit code: 1",
  ]);
});
