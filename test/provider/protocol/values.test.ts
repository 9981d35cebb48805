import test from "ava";
import fc from "fast-check";
import type { Properties, Property } from "../../../provider/kind";
import {
  hasUnknown,
  merge,
  openTexts,
  type Path,
  receive,
  secretTexts,
  send,
  unknown,
} from "../../../provider/protocol/values";
import {
  fromStruct,
  output,
  plain,
  secret,
  toStruct,
  unknownValue,
  visible,
  type WireMap,
} from "../../support/wire";

const cases: { name: string; sent: WireMap; properties: Properties; secrets: Path[] }[] = [
  {
    name: "plain values",
    sent: { a: 1, b: ["x", null], c: { d: true } },
    properties: { a: 1, b: ["x", null], c: { d: true } },
    secrets: [],
  },
  {
    name: "a secret deep in a map",
    sent: { files: { "/etc/a": { content: secret("s") } } },
    properties: { files: { "/etc/a": { content: "s" } } },
    secrets: [["files", "/etc/a", "content"]],
  },
  {
    name: "a secret in a list",
    sent: { list: ["a", secret("s")] },
    properties: { list: ["a", "s"] },
    secrets: [["list", "1"]],
  },
  {
    name: "a whole map as one secret",
    sent: { host: secret({ name: "web-01", port: 22 }) },
    properties: { host: { name: "web-01", port: 22 } },
    secrets: [["host"]],
  },
  {
    name: "a secret inside a secret",
    sent: { a: secret({ b: secret("s") }) },
    properties: { a: { b: "s" } },
    secrets: [["a"], ["a", "b"]],
  },
  { name: "an unknown", sent: { a: unknownValue }, properties: { a: unknown }, secrets: [] },
  {
    name: "an unknown secret",
    sent: { a: secret(unknownValue) },
    properties: { a: unknown },
    secrets: [["a"]],
  },
  {
    name: "an output with its value",
    sent: { a: output({ value: "x", dependencies: ["urn:x"] }) },
    properties: { a: "x" },
    secrets: [],
  },
  {
    name: "a secret output",
    sent: { a: output({ value: { b: 1 }, secret: true }) },
    properties: { a: { b: 1 } },
    secrets: [["a"]],
  },
  {
    name: "an output without a value",
    sent: { a: output({ secret: true }), b: output({}) },
    properties: { a: unknown, b: unknown },
    secrets: [["a"]],
  },
  { name: "a secret null", sent: { a: secret(null) }, properties: { a: null }, secrets: [["a"]] },
];

for (const { name, sent, properties, secrets } of cases) {
  test(`receives ${name}`, (t) => t.deepEqual(receive(toStruct(sent)), { properties, secrets }));
}

test("no struct is no properties", (t) => {
  t.deepEqual(receive(undefined), { properties: {}, secrets: [] });
});

const leaf = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.constant(null));
const name = fc.string().filter((text) => text !== "__proto__");
const tree: fc.Arbitrary<Property> = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("tree") as fc.Arbitrary<Property>),
    fc.dictionary(name, tie("tree") as fc.Arbitrary<Property>),
  ),
})).tree as fc.Arbitrary<Property>;
const properties = fc.dictionary(name, tree);

function pathsIn(value: Property | undefined, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

const withSecrets: fc.Arbitrary<{ map: Properties; secrets: Path[] }> = properties.chain((map) => {
  const paths = pathsIn(map).filter((path) => path.length > 0);
  return fc.record({
    map: fc.constant(map),
    secrets: paths.length === 0 ? fc.constant([]) : fc.uniqueArray(fc.constantFrom(...paths)),
  });
});

test("what is sent arrives with the same values, and secret where it was", (t) => {
  fc.assert(
    fc.property(withSecrets, ({ map, secrets }) => {
      const arrived = receive(send(map, secrets));
      t.deepEqual(arrived.properties, map);
      const outermost = secrets.filter(
        (path) =>
          !secrets.some(
            (other) => other.length < path.length && other.every((key, at) => key === path[at]),
          ),
      );
      t.deepEqual(arrived.secrets.map(String).sort(), outermost.map(String).sort());
    }),
  );
});

test("a planted secret is nowhere in sight once it was sent", (t) => {
  const planted = "planted-5f1c";
  fc.assert(
    fc.property(withSecrets, ({ map, secrets }) => {
      const sent = send({ ...map, box: { deep: [planted, { deeper: planted }] } }, [
        ...secrets,
        ["box", "deep"],
      ]);
      t.false(JSON.stringify(visible(fromStruct(sent))).includes(planted));
      t.true(JSON.stringify(plain(fromStruct(sent))).includes(planted));
    }),
  );
});

test("what is undefined is left out, and an unknown needs no wrapper", (t) => {
  t.deepEqual(fromStruct(send({ a: undefined, b: { c: undefined } }, [])), { b: {} });
  t.deepEqual(fromStruct(send({ a: unknown }, [["a"]])), { a: unknownValue });
});

test("a path that leads nowhere is no fault", (t) => {
  t.deepEqual(
    fromStruct(
      send({ a: "x" }, [
        ["b", "c"],
        ["a", "b"],
      ]),
    ),
    { a: "x" },
  );
});

test("secret texts are all texts and numbers below a secret path", (t) => {
  const texts = secretTexts({
    properties: { a: { b: ["x", { c: "y" }], n: 1, u: unknown }, d: "open" },
    secrets: [["a"]],
  });
  t.deepEqual(texts, ["x", "y", "1"]);
});

test("open texts are all names, texts and numbers elsewhere", (t) => {
  const texts = openTexts({
    properties: { a: { b: "x", c: ["y", 2] }, d: { e: "open", u: unknown } },
    secrets: [
      ["a", "b"],
      ["a", "c", "0"],
    ],
  });
  t.deepEqual(texts, ["a", "b", "c", "0", "1", "2", "d", "e", "open", "u"]);
});

test("an unknown is found however deep", (t) => {
  t.true(hasUnknown([{ a: { b: [unknown] } }]));
  t.false(hasUnknown([{ a: { b: ["known"] } }]));
});

test("merge keeps what either speaks of, the newer value first", (t) => {
  t.deepEqual(merge({ a: { b: 1, c: 2 }, l: [1, 2], d: 1 }, { a: { b: 3, e: 4 }, l: [3], f: 5 }), {
    a: { b: 3, c: 2, e: 4 },
    l: [3],
    d: 1,
    f: 5,
  });
});
