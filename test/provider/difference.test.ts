import test from "ava";
import fc from "fast-check";
import { compare, isSame } from "../../provider/difference";
import type { Difference } from "../../provider/kind";
import { unknown } from "../../provider/protocol/values";

const cases: { name: string; live: object; wanted: object; keys?: string[]; is: Difference[] }[] = [
  {
    name: "nothing where all is the same",
    live: { a: 1, b: [1] },
    wanted: { a: 1, b: [1] },
    is: [],
  },
  {
    name: "an added key",
    live: {},
    wanted: { a: "x" },
    is: [{ path: ["a"], kind: "add" }],
  },
  {
    name: "a changed key inside nested maps",
    live: { files: { "/etc/a": { content: "x", mode: "0644" } } },
    wanted: { files: { "/etc/a": { content: "y", mode: "0644" } } },
    is: [{ path: ["files", "/etc/a", "content"], kind: "update" }],
  },
  {
    name: "a nested key that only the live side has",
    live: { files: { "/etc/a": "x", "/etc/b": "y" } },
    wanted: { files: { "/etc/a": "x" } },
    is: [{ path: ["files", "/etc/b"], kind: "delete" }],
  },
  {
    name: "nothing for a top-level key that nobody wants",
    live: { a: 1, extra: 2 },
    wanted: { a: 1 },
    is: [],
  },
  {
    name: "a live top-level key that is asked for by name",
    live: { a: 1, extra: 2 },
    wanted: { a: 1 },
    keys: ["a", "extra"],
    is: [{ path: ["extra"], kind: "delete" }],
  },
  {
    name: "a list as one value",
    live: { check: ["a", { b: 1 }] },
    wanted: { check: ["a", { b: 2 }] },
    is: [{ path: ["check"], kind: "update" }],
  },
  {
    name: "a map that became a list",
    live: { a: { b: 1 } },
    wanted: { a: ["b"] },
    is: [{ path: ["a"], kind: "update" }],
  },
  {
    name: "undefined as absent, and null as a value",
    live: { a: undefined, b: null },
    wanted: { a: undefined, b: undefined },
    is: [{ path: ["b"], kind: "delete" }],
  },
  {
    name: "an unknown value",
    live: { a: "x", b: ["y"] },
    wanted: { a: unknown, b: [unknown] },
    is: [
      { path: ["a"], kind: "update" },
      { path: ["b"], kind: "update" },
    ],
  },
  {
    name: "keys named as those of every object",
    live: {},
    wanted: { constructor: "x" },
    is: [{ path: ["constructor"], kind: "add" }],
  },
];

for (const { name, live, wanted, keys, is } of cases) {
  test(`compare names ${name}`, (t) => t.deepEqual(compare(live, wanted, keys), is));
}

test("isSame ignores the order of keys and heeds that of lists", (t) => {
  t.true(isSame({ a: 1, b: 2 }, { b: 2, a: 1 }));
  t.false(isSame([1, 2], [2, 1]));
});

test("a value differs from itself nowhere", (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      t.deepEqual(compare(value, structuredClone(value)), []);
    }),
  );
});
