/** What holds for every set of packages and every host. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import type { Properties } from "../../../../provider/kind";
import { checkPackages, type Packages } from "../../../../provider/kinds/packages/args";
import {
  type Change,
  type Changes,
  isDowngrade,
  isRemoval,
} from "../../../../provider/kinds/packages/changes";
import { parseObservation } from "../../../../provider/kinds/packages/observe";
import { diff, type PackagesStep, plan } from "../../../../provider/kinds/packages/plan";
import { parseSource, renderSource, type Source } from "../../../../provider/kinds/packages/source";
import { compareVersions, matches } from "../../../../provider/kinds/packages/version";
import { merge, unknown } from "../../../../provider/protocol/values";
import { holds } from "../../../support/holds";
import { host } from "../../../support/services";

const names = ["web", "tool", "lib:i386", "agent"];
const versions = ["1.0-1", "2.0-1", "1:1.0-1"];

const source: fc.Arbitrary<Source> = fc.record(
  {
    uris: fc.constantFrom(["https://a.example/debian"], ["https://b.example", "file:/srv/c"]),
    suites: fc.constantFrom(["sid"], ["stable", "stable-updates"]),
    components: fc.constantFrom(["main"], ["main", "contrib"]),
    architectures: fc.constantFrom(["amd64"], ["amd64", "i386"]),
    key: fc.constantFrom(
      "/usr/share/keyrings/a.gpg",
      "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n=ab\n-----END PGP PUBLIC KEY BLOCK-----",
    ),
  },
  { requiredKeys: ["uris", "suites", "components"] },
);

function some<Value>(of: readonly string[], value: fc.Arbitrary<Value>) {
  return fc
    .array(fc.tuple(fc.constantFrom(...of), value), { maxLength: of.length })
    .map((entries): Record<string, Value> => Object.fromEntries(entries));
}

const wishes = some(names, fc.constantFrom("present", ...versions, "2.*", "1:*", "*-1"));

const inputs: fc.Arbitrary<Packages> = fc
  .record({
    packages: wishes,
    hold: fc.oneof(fc.boolean(), fc.subarray(names)),
    sources: some(["vendor", "other"], source),
    allowRemoval: fc.subarray(["gone", "old"]),
    instance: fc.constantFrom("1", "1", "1", "2"),
  })
  .map(({ instance, packages, hold, ...rest }) => {
    const held = Array.isArray(hold) ? hold.filter((name) => name in packages) : hold;
    const given = { ...rest, packages, hold: held, host: { ...host, instance } };
    const { args, failures } = checkPackages(given as unknown as Properties);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    // What passed the check is a set of packages.
    return args as unknown as Packages;
  });

/** A host as a value. */
interface Model {
  readonly installed: Readonly<Record<string, string>>;
  readonly held: readonly string[];
  readonly sources: Readonly<Record<string, Source>>;
}

const models: fc.Arbitrary<Model> = fc.record({
  installed: some(names, fc.constantFrom(...versions)),
  held: fc.subarray(names),
  sources: some(["vendor", "other"], source),
});

function read(model: Model, expected: Packages): Packages | undefined {
  const lines = [
    "native amd64",
    ...Object.entries(model.installed).map(([name, version]) => {
      const full = name.includes(":") ? name : `${name}:amd64`;
      const want = model.held.includes(name) ? "hold" : "install";
      return `package ${full} installed ${want} ${version}`;
    }),
    ...Object.entries(model.sources)
      .filter(([name]) => name in expected.sources)
      .map(([name, one]) => `source ${name} ${Buffer.from(renderSource(one)).toString("base64")}`),
  ];
  return parseObservation(lines.join("\n"), expected);
}

function both(known: Packages, wanted: Packages): Packages {
  const merged = merge(known as unknown as Properties, wanted as unknown as Properties);
  return merged as unknown as Packages;
}

/** What apt answers where it can do all that is asked. */
function simulated(observed: Packages | undefined, wanted: Packages, model: Model): Changes {
  const lacking = Object.entries(wanted.packages).filter(
    ([name, version]) => observed?.packages[name] !== version,
  );
  const list = lacking.map(([name, version]): Change => {
    const from = model.installed[name];
    return { name, ...(from && { from }), to: pick(version) };
  });
  return { asked: lacking.map(([name]) => name), list };
}

function pick(wanted: string): string {
  const fitting = [...versions, "2.5"].filter((version) => matches(version, wanted));
  return fitting.sort(compareVersions).at(-1) ?? wanted;
}

function carryOut(model: Model, steps: readonly PackagesStep[], changes: Changes | undefined) {
  let now = model;
  for (const step of steps) now = after(now, step, changes);
  return now;
}

function after(now: Model, step: PackagesStep, changes: Changes | undefined): Model {
  switch (step.do) {
    case "install": {
      const to = changes?.list.find(({ name }) => name === step.name)?.to ?? pick(step.version);
      return { ...now, installed: { ...now.installed, [step.name]: to } };
    }
    case "write source":
      return { ...now, sources: { ...now.sources, [step.name]: step.source } };
    case "remove source": {
      const { [step.name]: _, ...sources } = now.sources;
      return { ...now, sources };
    }
    case "hold":
      return { ...now, held: [...now.held, step.name] };
    case "unhold":
      return { ...now, held: now.held.filter((name) => name !== step.name) };
    case "bring along":
    case "keep":
    case "later":
    case "refuse":
      return now;
    default:
      return step satisfies never;
  }
}

test("diff is empty exactly when plan is", (t) => {
  holds(
    t,
    fc.property(inputs, inputs, models, fc.boolean(), (former, wanted, model, isAsked) => {
      for (const expected of [former, both(former, wanted)]) {
        const observed = read(model, expected);
        if (observed === undefined) continue;
        const changes = isAsked ? simulated(observed, wanted, model) : undefined;
        const known = { ...observed, changes };
        assert.equal(diff(known, wanted).length === 0, plan(known, wanted).length === 0);
      }
    }),
  );
});

test("once the plan is carried out, diff is empty and nothing is left to do", (t) => {
  holds(
    t,
    fc.property(inputs, inputs, models, (former, wanted, model) => {
      const here = { ...wanted, host: former.host };
      const observed = read(model, both(former, here));
      const changes = simulated(observed, here, model);
      const after = carryOut(model, plan(observed && { ...observed, changes }, here), changes);
      const now = read(after, here);
      if (now === undefined) return assert.deepEqual(plan(undefined, here), []);
      assert.deepEqual(diff(now, here), []);
      assert.deepEqual(plan(now, here), []);
    }),
  );
});

test("what apt would remove, make older or take off its hold is refused unless it is named", (t) => {
  const bystanders = fc.uniqueArray(
    fc.record(
      {
        name: fc.constantFrom("gone", "old", "bystander", "other"),
        from: fc.constantFrom("2.0", "3.0"),
        to: fc.constantFrom("1.0", "2.5", "4.0"),
        isHeld: fc.constantFrom(true, undefined),
      },
      { requiredKeys: ["name", "from"] },
    ),
    { selector: ({ name }) => name, maxLength: 4 },
  );
  holds(
    t,
    fc.property(inputs, models, bystanders, (wanted, model, others) => {
      const observed = read(model, wanted) ?? { ...wanted, packages: {}, hold: {}, sources: {} };
      const own = simulated(observed, wanted, model);
      const changes = { ...own, list: [...own.list, ...(others as Change[])] };
      const steps = plan({ ...observed, changes }, wanted);
      const installs = Object.entries(wanted.packages).some(
        ([name, version]) => observed.packages[name] !== version,
      );
      const forbidden = (others as Change[]).filter(
        (one) =>
          (isRemoval(one) || isDowngrade(one) || one.isHeld) &&
          !wanted.allowRemoval.includes(one.name),
      );
      const isRefused = steps.some((step) => step.do === "refuse");
      assert.equal(isRefused, installs && forbidden.length > 0);
      const text = steps.map(({ sentence, warning = "" }) => sentence + warning).join("\n");
      // Everything that apt would do is told.
      if (!isRefused && installs) for (const { name } of others) assert.ok(text.includes(name));
      if (isRefused) for (const { name } of forbidden) assert.ok(text.includes(name));
    }),
  );
});

test("each step says what it does, in one line, and no two say the same", (t) => {
  holds(
    t,
    fc.property(inputs, models, fc.boolean(), (wanted, model, isAsked) => {
      const observed = read(model, wanted);
      const changes = isAsked ? simulated(observed, wanted, model) : undefined;
      const known = observed && { ...observed, changes };
      const sentences = plan(known, wanted).map(({ sentence }) => sentence);
      assert.equal(new Set(sentences).size, sentences.length);
      for (const sentence of sentences) assert.match(sentence, /^[a-z][^\n]*[^.\n]$/);
    }),
  );
});

test("what a preview does not know yet is planned for too", (t) => {
  const parts = fc.subarray(["host", "packages", "hold", "sources"]);
  holds(
    t,
    fc.property(inputs, models, parts, (wanted, model, properties) => {
      const later = Object.fromEntries(properties.map((name) => [name, unknown]));
      const next: Packages = { ...wanted, ...later };
      const observed = read(model, wanted);
      const steps = plan(observed, next);
      assert.ok(!steps.some(({ sentence }) => sentence.includes(unknown)));
      if (observed === undefined) return;
      assert.equal(diff(observed, next).length === 0, steps.length === 0);
    }),
  );
});

test("a source is read as it was written", (t) => {
  holds(
    t,
    fc.property(source, (one) => assert.deepEqual(parseSource(renderSource(one)), { ...one })),
  );
});

test("a comment and an empty line in a source make no difference, another field does", (t) => {
  const one = { uris: ["https://a.example"], suites: ["sid"], components: ["main"] };
  t.deepEqual(parseSource(`# by hand\n${renderSource(one)}\n\n`), one);
  t.deepEqual(parseSource(`${renderSource(one)}Trusted: yes\n`), {
    ...one,
    other: { Trusted: "yes" },
  });
  const two = renderSource(one).replace("Types: deb", "Types: deb deb-src");
  t.deepEqual(parseSource(two), { ...one, other: { Types: "deb deb-src" } });
});

const hasDpkg = existsSync("/usr/bin/dpkg");

(hasDpkg ? test : test.skip)("versions are ordered as dpkg orders them", (t) => {
  const part = fc.stringMatching(/^[0-9][0-9a-c.+~]{0,6}$/);
  const version = fc
    .tuple(
      fc.constantFrom("", "", "0:", "1:"),
      part,
      fc.constantFrom("", "-1", "-0", "-1~b", "-2a"),
    )
    .map((parts) => parts.join(""));
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 300, seed: 7 });
  const script =
    'while read -r a b; do dpkg --compare-versions "$a" lt "$b" && echo lt && continue; dpkg --compare-versions "$a" gt "$b" && echo gt || echo eq; done';
  const input = pairs.map((pair) => `${pair.join(" ")}\n`).join("");
  const said = execFileSync("sh", ["-c", script], { input }).toString().trim().split("\n");
  const ours = pairs.map(([a, b]) => {
    const order = compareVersions(a, b);
    return order < 0 ? "lt" : order > 0 ? "gt" : "eq";
  });
  t.deepEqual(ours, said);
});

for (const [version, pattern, isMatch] of [
  ["3.2.9-1", "present", true],
  ["3.2.9-1", "3.2.9-1", true],
  ["3.2.9-1", "3.2.9", false],
  ["3.2.9-1", "3.2.*", true],
  ["3.20.1-1", "3.2.*", false],
  ["13.2.9-1", "3.2.*", false],
  ["1:3.2.9-1", "3.2.*", false],
  ["1:3.2.9-1", "1:3.2*", true],
  ["3.2+dfsg-1", "3.2+*", true],
  ["3.22dfsg-1", "3.2+*", false],
] as const) {
  test(`${version} ${isMatch ? "is" : "is not"} ${pattern}`, (t) => {
    t.is(matches(version, pattern), isMatch);
  });
}
