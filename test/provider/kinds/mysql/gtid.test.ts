import test from "ava";
import fc from "fast-check";
import {
  countTransactions,
  isSubset,
  parseGtidSet,
  renderGtidSet,
  subtract,
} from "../../../../provider/kinds/mysql/gtid";

const differences = [
  { one: "", other: "", is: "" },
  { one: "a:1-5", other: "a:1-5", is: "" },
  { one: "a:1-5", other: "", is: "a:1-5" },
  { one: "a:1-10", other: "a:3-4:7", is: "a:1-2:5-6:8-10" },
  { one: "a:1-5,b:1", other: "a:1-9", is: "b:1" },
  { one: "a:1-2:3-4", other: "a:4", is: "a:1-3" },
  { one: "a:tag:1-3,a:1-3", other: "a:1-3", is: "a:tag:1-3" },
  { one: "a:1-3:tag:1-2", other: "a:tag:1", is: "a:1-3,a:tag:2" },
  { one: "A:1-2,\nB:1", other: "a:1", is: "a:2,b:1" },
];

for (const { one, other, is } of differences) {
  test(`${JSON.stringify(one)} less "${other}" is "${is}"`, (t) => {
    t.is(renderGtidSet(subtract(parseGtidSet(one), parseGtidSet(other))), is);
    t.is(isSubset(parseGtidSet(one), parseGtidSet(other)), is === "");
  });
}

test("numbers beyond those of JavaScript stay exact", (t) => {
  const set = parseGtidSet("a:9223372036854775806-9223372036854775807");
  t.is(countTransactions(set), 2);
  t.is(renderGtidSet(set), "a:9223372036854775806-9223372036854775807");
});

test("subtracting is what it is for sets of numbers", (t) => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }));
  const gtidSet = (of: readonly number[]) =>
    parseGtidSet(of.length === 0 ? "" : `a:${of.join(":")}`);
  fc.assert(
    fc.property(numbers, numbers, (one, other) => {
      const left = one.filter((number) => !other.includes(number));
      return (
        renderGtidSet(subtract(gtidSet(one), gtidSet(other))) === renderGtidSet(gtidSet(left)) &&
        countTransactions(gtidSet(left)) === left.length
      );
    }),
  );
  t.pass();
});
