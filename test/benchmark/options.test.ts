import test from "ava";
import { parseOptions } from "../../benchmark/options";

test("everything is measured five times unless told otherwise", (t) => {
  t.deepEqual(parseOptions([]), {
    parts: ["peers", "hosts", "resources", "traffic", "release", "backup"],
    runs: 5,
  });
});

test("parts keep their order, however they are given", (t) => {
  const { parts, runs } = parseOptions(["--only", "resources", "--runs", "3", "--only", "peers"]);
  t.deepEqual(parts, ["peers", "resources"]);
  t.is(runs, 3);
});

const faults = [
  {
    args: ["--only", "all"],
    said: '--only: expected one of peers, hosts, resources, traffic, release, backup, got "all"',
  },
  { args: ["--runs", "0"], said: '--runs: expected 1 to 99, got "0"' },
  { args: ["--runs"], said: '--runs: expected 1 to 99, got ""' },
  { args: ["--fast"], said: "expected --only or --runs, got --fast" },
];

for (const { args, said } of faults) {
  test(`refuses ${args.join(" ")}`, (t) => {
    const { message } = t.throws(() => parseOptions(args)) ?? {};
    t.is(message?.split("\n")[0], said);
  });
}
