import test from "ava";
import type { Difference, Properties } from "../../../provider/kind";
import { digests, whyOf } from "../../../provider/protocol/drift";
import type { Why } from "../../../provider/resources/planned-step";

const applied: Properties = {
  host: { name: "web-01", port: 22 },
  packages: { nginx: "present" },
  files: { "/etc/a": { content: "one", mode: "0644" }, "/etc/b": { content: "two", mode: "0644" } },
  check: ["true"],
  state: "running",
};
const path = (...names: string[]): Difference => ({ path: names, kind: "update" });

const cases: {
  name: string;
  live?: Properties;
  wanted: Properties;
  differences: Difference[];
  is: Why;
}[] = [
  {
    name: "a value that the program still wants",
    wanted: applied,
    differences: [path("files", "/etc/a", "content")],
    is: "drift",
  },
  {
    name: "a whole file that went",
    wanted: applied,
    differences: [{ path: ["files", "/etc/a"], kind: "add" }],
    is: "drift",
  },
  {
    name: "a value that the program wants otherwise",
    wanted: { ...applied, state: "stopped" },
    differences: [path("state")],
    is: "change",
  },
  {
    name: "a list that the program changed",
    wanted: { ...applied, check: ["false"] },
    differences: [path("check")],
    is: "change",
  },
  {
    name: "a file that the program no longer wants",
    wanted: { ...applied, files: {} },
    differences: [{ path: ["files", "/etc/a"], kind: "delete" }],
    is: "change",
  },
  {
    name: "a file that the program wants newly",
    wanted: { ...applied, files: { "/etc/c": { content: "three" } } },
    differences: [{ path: ["files", "/etc/c"], kind: "add" }],
    is: "change",
  },
  {
    name: "a property newly set",
    wanted: { ...applied, version: "2" },
    differences: [path("version")],
    is: "change",
  },
  {
    name: "one value each way",
    wanted: { ...applied, state: "stopped" },
    differences: [path("state"), path("packages", "nginx")],
    is: "drift and change",
  },
  {
    name: "a value that both moved",
    live: { ...applied, state: "failed" },
    wanted: { ...applied, state: "stopped" },
    differences: [path("state")],
    is: "drift and change",
  },
  {
    name: "a fault that only the machine tells",
    wanted: applied,
    differences: [path("problems")],
    is: "drift",
  },
  {
    name: "another life of the machine",
    wanted: { ...applied, host: { name: "web-01", instance: "2" } },
    differences: [path("host", "instance")],
    is: "change",
  },
];

for (const { name, live, wanted, differences, is } of cases) {
  test(`${name} is ${is}`, (t) => {
    t.is(whyOf(differences, { applied: digests(applied), live: live ?? applied, wanted }), is);
  });
}

test("with nothing applied yet, all is change", (t) => {
  t.is(whyOf([path("state")], { applied: undefined, live: {}, wanted: applied }), "change");
});

test("no digest tells a value, and connection data has none", (t) => {
  const text = JSON.stringify(digests(applied));
  t.false(text.includes("web-01"));
  t.false(text.includes("present"));
});
