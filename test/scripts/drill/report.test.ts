import test from "ava";
import { renderDrawing } from "../../../scripts/drill/drawing";
import { type Drill, isGood, renderTable, summarize } from "../../../scripts/drill/report";
import type { Round } from "../../../scripts/drill/round";

const round: Round = {
  kind: "haproxy-killed",
  host: "node-01",
  reads: { seconds: 0.6, sent: 300, failed: { "did not answer within 1 s": 3 } },
  writes: { seconds: 0.8, sent: 150, failed: {} },
  acknowledged: 150,
  missing: [],
  writtenUnacknowledged: 0,
  doubleHolderSeconds: 0,
  recovery: { seconds: 2 },
};
const drill: Drill = {
  ...{ stack: "ha", readsPerSecond: 20, writesPerSecond: 10, seconds: 15 },
  rounds: [round, { ...round, reads: { ...round.reads, seconds: 1 }, recovery: { seconds: 4 } }],
  leftOut: { "primary-killed": "two members cannot vote" },
};

test("rounds of a kind are one line", (t) => {
  t.deepEqual(summarize(drill.rounds), [
    {
      kind: "haproxy-killed",
      rounds: 2,
      reads: { median: 0.8, longest: 1 },
      writes: { median: 0.8, longest: 0.8 },
      ...{ readsFailed: 6, writesFailed: 0, acknowledged: 300, missing: 0 },
      ...{ doubleHolderSeconds: 0, recovered: 4 },
    },
  ]);
  const text = renderTable(drill);
  t.regex(text, /^haproxy-killed +2 +0\.8 \/ 1\.0 +6 +0\.8 \/ 0\.8 +0 +0 of 300 +0\.0 +4\.0 s$/m);
  t.regex(text, /^primary-killed was left out: two members cannot vote$/m);
  t.regex(text, /haproxy-killed on node-01: reads: 3 did not answer within 1 s/);
});

test("a drill is good only when nothing is missing, nobody held the address twice and all recovered", (t) => {
  const isGoodWith = (fault: Partial<Round>) =>
    isGood({ ...drill, rounds: [round, { ...round, ...fault }] });
  t.true(isGoodWith({}));
  t.false(isGoodWith({ missing: ["1 7"] }));
  t.false(isGoodWith({ doubleHolderSeconds: 0.2 }));
  t.false(isGoodWith({ recovery: { faults: ["node-02 sees 0 primaries"] } }));
});

test("the drawing has a bar for reads and one for writes", (t) => {
  const drawing = renderDrawing(drill);
  t.is(drawing.match(/class="reads longest"/g)?.length, 1);
  t.is(drawing.match(/class="writes longest"/g)?.length, 1);
  t.regex(drawing, /haproxy-killed ×2/);
});
