import test from "ava";
import { memberWords, trafficRows } from "../../../scripts/dashboard/page/rows";
import { rowsOf, scaleOf, stepsOf, summaryOf } from "../../../scripts/dashboard/page/scale";
import { ageWords, valueWords } from "../../../scripts/dashboard/page/words";

test("ages and values are said with their units", (t) => {
  t.deepEqual([3, 119, 150, 7300, 200_000].map(ageWords), ["3 s", "119 s", "3 min", "2 h", "2 d"]);
  t.deepEqual(
    (
      [
        [0.034, "ratio"],
        [0.5, "ratio"],
        [0.0002, "seconds"],
        [0.25, "seconds"],
        [300, "seconds"],
        [1536, "bytes"],
        [1536, "bytes per second"],
        [1234, "per second"],
        [3, "count"],
        [null, "count"],
      ] as const
    ).map(([value, unit]) => valueWords(value, unit)),
    ["3.4 %", "50 %", "200 µs", "250 ms", "5 min", "1.50 kB", "1.50 kB/s", "1.23 k/s", "3", "-"],
  );
});

test("load balancers that say the same are one row", (t) => {
  const one = { application: "shop", by: "lb-01", state: "up", haproxy: "UP" } as const;
  t.deepEqual(trafficRows([]), []);
  t.deepEqual(trafficRows([one, { ...one, by: "lb-02" }]), [["Requests", "arrive"]]);
  t.deepEqual(trafficRows([one, { ...one, by: "lb-02", state: "down" }]), [
    ["Requests", "up for shop at lb-01; down for shop at lb-02"],
  ]);
});

test("a member is said by its role", (t) => {
  const member = { host: "a", reason: null, lagSeconds: null };
  t.is(memberWords({ ...member, role: "primary", state: "open" }), "primary, takes writes");
  t.is(
    memberWords({ ...member, role: "replica", state: "follows", lagSeconds: 1.26 }),
    "replica, 1.3 s behind",
  );
});

test("a chart begins at zero, and has round lines across", (t) => {
  t.deepEqual(scaleOf(1, 10, "count"), [0, 11]);
  t.deepEqual(scaleOf(0, 0.8, "ratio"), [0, 1]);
  t.deepEqual(scaleOf(null, null, "count"), [0, 1]);
  t.true(stepsOf({ unit: "bytes", series: [] }).includes(1024));
  t.is(stepsOf({ unit: "count", series: [{ legend: "a", values: [1, null] }] })[0], 1);
  t.true((stepsOf({ unit: "count", series: [{ legend: "a", values: [0.4] }] })[0] ?? 1) < 0.1);
});

test("a chart has words and rows for who does not see it", (t) => {
  const chart = {
    ...{ id: "cpu", title: "CPU", part: "hosts", unit: "ratio", times: [1, 2, 3] },
    series: [{ legend: "web-01", values: [0.5, 0.9, null] }],
  };
  t.is(summaryOf(chart), "Chart: CPU: web-01 90 %, highest 90 %");
  t.deepEqual(rowsOf([1, 2, 3, 4, 5], 3), [0, 2, 4]);
});
