/** What holds for every Service, Release and machine. */

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import type { Properties } from "../../../../provider/kind";
import type { Service } from "../../../../provider/kinds/service/args";
import { diff } from "../../../../provider/kinds/service/diff";
import { parseObservation } from "../../../../provider/kinds/service/observe";
import { plan } from "../../../../provider/kinds/service/plan";
import { merge, unknown } from "../../../../provider/protocol/values";
import { holds } from "../../../support/holds";
import { answer, carryOut, type Model } from "../../../support/model";
import { changes, models, owner } from "../../../support/services";

const instances = fc.constantFrom("1", "2");

const planned = (observed: Service | undefined, desired: Service) => plan(observed, desired, owner);

function read(model: Model, expected: Service): Service | undefined {
  return parseObservation(answer(model, expected), expected, owner);
}

/** What an update reads: everything that the state or the program speaks of. */
function both(known: Service, wanted: Service): Service {
  const merged = merge(known as unknown as Properties, wanted as unknown as Properties);
  return merged as unknown as Service;
}

test("diff is empty exactly when plan is", (t) => {
  holds(
    t,
    fc.property(changes, models, instances, ({ former, wanted }, model, instance) => {
      const next = { ...wanted, host: { ...wanted.host, instance } };
      for (const expected of [former, both(former, next)]) {
        const live = read(model, expected);
        if (live === undefined) continue;
        assert.equal(diff(live, next).length === 0, planned(live, next).length === 0);
      }
    }),
  );
});

test("once the plan is carried out, diff is empty and nothing is left to do", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ former, wanted }, model) => {
      const live = read(model, both(former, wanted));
      const after = carryOut(model, planned(live, wanted));
      const now = read(after, wanted);
      if (now === undefined) return assert.deepEqual(planned(undefined, wanted), []);
      assert.deepEqual(diff(now, wanted), []);
      assert.deepEqual(planned(now, wanted), []);
    }),
  );
});

test("a creation on any machine makes it true", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ wanted }, model) => {
      const after = carryOut(model, planned(read(model, wanted), wanted));
      const now = read(after, wanted);
      assert.deepEqual(now === undefined ? planned(now, wanted) : diff(now, wanted), []);
    }),
  );
});

test("where a preview sees no difference, an update would find nothing to do", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ former, wanted }, model) => {
      const made = carryOut(model, planned(read(model, former), former));
      const known = read(made, former);
      if (known === undefined || diff(known, wanted).length > 0) return;
      assert.deepEqual(planned(read(made, both(known, wanted)), wanted), []);
    }),
  );
});

test("each step says what it does, in one line, and no two say the same", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ former, wanted }, model) => {
      const sentences = planned(read(model, former), wanted).map(({ sentence }) => sentence);
      assert.equal(new Set(sentences).size, sentences.length);
      for (const sentence of sentences) assert.match(sentence, /^[a-z][^\n]*[^.\n]$/);
    }),
  );
});

test("a machine made anew gets everything, whatever was known of it", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ former, wanted }, model) => {
      const next = { ...wanted, host: { ...wanted.host, instance: "2" } };
      const known = read(model, former);
      if (known === undefined) return;
      assert.deepEqual(planned(known, next), planned(undefined, next));
    }),
  );
});

test("what a preview does not know yet is planned for too", (t) => {
  const known = [
    "host",
    "state",
    "users",
    "files",
    "absent",
    "onChange",
    "check",
    "releaseCommand",
    "afterCommand",
  ];
  holds(
    t,
    fc.property(changes, models, fc.subarray(known), ({ former, wanted }, model, properties) => {
      const later = Object.fromEntries(properties.map((property) => [property, unknown]));
      const next: Service = { ...wanted, ...later };
      const live = read(model, former);
      const steps = planned(live, next);
      assert.ok(!steps.some(({ sentence }) => sentence.includes(unknown)));
      if (live !== undefined) assert.equal(diff(live, next).length === 0, steps.length === 0);
    }),
  );
});

test("a content that a preview does not know is said to be so", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ former, wanted }, model) => {
      const file = { content: unknown, mode: "0644", owner: "root", group: "root" };
      const next: Service = {
        ...wanted,
        files: { "/etc/a": { ...file, onChange: "restart" } },
      };
      const sentences = planned(read(model, former), next).map(({ sentence }) => sentence);
      assert.ok(sentences.includes("write /etc/a (content not known yet)"));
    }),
  );
});

test("files that grow while they are read are an error, and never another one's text", (t) => {
  holds(
    t,
    fc.property(changes, models, ({ wanted }, model) => {
      const said = answer(model, wanted);
      const there = Object.keys(wanted.files).flatMap((path) => model.files[path] ?? []);
      const text = there.map(({ content }) => content).join("");
      if (text === "") return;
      const grown = said.replace(base64(text), base64(`${text}more`));
      assert.throws(() => parseObservation(grown, wanted, owner), /changed while they were read/);
    }),
  );
});

const base64 = (text: string) => Buffer.from(text).toString("base64");
