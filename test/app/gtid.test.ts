import test from "ava";
import { isGtidSet, parseTrackedGtid } from "../../app/gtid";

const server = "df00eef4-e76c-11f1-859b-0242ac1f6315";

for (const set of [
  `${server}:7`,
  `${server}:1-5`,
  `${server}:1-5:7:9-11`,
  `${server}:payments:3`,
  `${server}:1-5,${server.replace("df", "aa")}:1`,
]) {
  test(`takes ${set.replaceAll(server, "S")}`, (t) => t.true(isGtidSet(set)));
}

for (const text of [
  "",
  server,
  `${server}:0`,
  `${server}:1'`,
  `${server}:1) OR 1`,
  "x:1",
  `${server}:1,`,
]) {
  test(`refuses "${text.replaceAll(server, "S")}"`, (t) => t.false(isGtidSet(text)));
}

test("refuses a set that no cookie should hold", (t) => {
  t.false(isGtidSet(`${server}${":1-2".repeat(400)}`));
});

test("the answer to a write names its transaction", (t) => {
  t.is(parseTrackedGtid({ stateChanges: { gtids: [`${server}:7`] } }), `${server}:7`);
});

test("a server that tracks nothing names none", (t) => {
  t.is(parseTrackedGtid({}), undefined);
  t.is(parseTrackedGtid({ stateChanges: null }), undefined);
  t.is(parseTrackedGtid({ stateChanges: { gtids: [] } }), undefined);
  t.is(parseTrackedGtid({ stateChanges: { gtids: ["nonsense"] } }), undefined);
});
