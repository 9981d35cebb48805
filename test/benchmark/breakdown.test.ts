import test from "ava";
import { breakDown } from "../../benchmark/breakdown";
import { cpuByPart, type ProcessRecord } from "../../benchmark/recorded";

const process = (script: string, from: number, to: number, more: Partial<ProcessRecord> = {}) => ({
  script,
  startMilliseconds: from,
  endMilliseconds: to,
  cpuSeconds: 0.25,
  megabytes: 50,
  entries: [],
  ...more,
});
const entry = (name: string, from: number, to: number) => ({
  name,
  startMilliseconds: from,
  endMilliseconds: to,
});

const run = {
  wallSeconds: 2,
  cpuSeconds: 2,
  output: "",
  startMilliseconds: 1000,
  endMilliseconds: 3000,
  processes: [
    process("plugin/pulumi-resource-trilithon", 2500, 2950),
    process("plugin/pulumi-resource-trilithon", 1300, 2950, {
      entries: [
        entry("dial a", 1400, 1600),
        entry("dial b", 1410, 1650),
        entry("ask a", 1605, 1800),
        entry("ask b", 1655, 1900),
      ],
    }),
    process("run/index.js", 2000, 2900, {
      entries: [entry("program starts", 2300, 2300), entry("program evaluated", 2400, 2400)],
    }),
    process("resource-command/pulumi-resource-command", 2500, 2950),
  ],
};

test("the stretches of a run follow each other from its start to its end", (t) => {
  const stretches = breakDown(run);
  t.deepEqual(
    stretches.map(({ seconds }) => Math.round(seconds * 1000)),
    [300, 100, 250, 250, 100, 300, 100, 500, 100],
  );
  t.is(
    stretches.reduce((sum, { seconds }) => sum + seconds, 0),
    run.wallSeconds,
  );
});

test("the engine is what is left of the work when each Node process has its own", (t) => {
  t.deepEqual(cpuByPart(run), { engine: 1, program: 0.25, plugin: 0.5, others: 0.25 });
});
