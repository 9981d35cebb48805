/** Whatever values arrive, with secrets and unknowns anywhere: no secret is in a plan's data, a message or an error. */

import test from "ava";
import fc from "fast-check";
import { type AnyKind, anyKind, type Kind, type Properties } from "../../../provider/kind";
import { TestPlugin } from "../../support/plugin";
import { output, secret, unknownValue, type Wire, type WireMap } from "../../support/wire";

const runs = 150;
const named = { type: "test:index:Chatty" };

/** Says all that it knows, wherever a kind can say something. */
const chatty: Kind<Properties> = {
  type: named.type,
  check: (inputs) => ({ args: inputs, failures: [] }),
  id: () => "chatty",
  hosts: () => [{ ...host }],
  read: async (expected) => expected,
  diff: (live, wanted) =>
    JSON.stringify(live) === JSON.stringify(wanted) ? [] : [{ path: ["value"], kind: "update" }],
  plan: (live, wanted) => {
    const all = `from ${JSON.stringify(live)} to ${spoken(wanted)}`;
    return [{ host: "web-01", unit: spoken(wanted), action: "say", sentence: all, warning: all }];
  },
  apply: async (_, live, wanted, { tell, progress }) => {
    tell("info", spoken(wanted));
    progress(JSON.stringify(wanted));
    if (JSON.stringify(wanted).includes("planted-fails")) throw new Error(spoken(wanted));
    return live === undefined ? wanted : { ...wanted };
  },
  remove: async (live) => {
    throw new Error(`cannot remove ${spoken(live)}`);
  },
};

const host = {
  ...{ name: "web-01", address: "127.0.0.1", port: 1, user: "root" },
  ...{ hostKey: "ssh-ed25519 AAAA", privateKey: "" },
};

/** Every leaf as it is, and not as JSON writes it. */
function spoken(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.values(value).map(spoken).join(" ");
}

/** No two alike, and with what has to be escaped somewhere. */
const plantedText = fc
  .tuple(fc.stringMatching(/^[a-z]{12}$/), fc.constantFrom("", '"', "\\", "\n", "$&", " é"))
  .map(([word, odd]) => `planted-${word}${odd}end`);
const leaf = fc.oneof(
  fc.constantFrom<Wire>("public", "", true, null, 7, unknownValue, "planted-fails"),
  fc.string({ maxLength: 5 }),
);
const tree: fc.Arbitrary<Wire> = fc.letrec<{ tree: Wire; wrapped: Wire }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("wrapped"),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie("tree"), { maxKeys: 3 }),
  ),
  wrapped: fc.oneof(
    plantedText.map((text): Wire => secret(text)),
    plantedText.map((text): Wire => output({ value: text, secret: true })),
    plantedText.map((text): Wire => secret({ deep: [text, { deeper: text }] })),
    fc
      .integer({ min: 100_000, max: 999_999 })
      .map((number): Wire => secret(770_000_000_000 + number)),
    fc.constant<Wire>(output({ secret: true })),
  ),
})).tree;
const inputs = fc.record({ value: tree, other: tree });

test("no secret is in plan, messages or errors, whatever values arrive", async (t) => {
  const plugin = await TestPlugin.start({ kinds: [anyKind(chatty) satisfies AnyKind] });
  t.teardown(() => plugin.stop());
  let shownSecrets = 0;
  await fc.assert(
    fc.asyncProperty(inputs, inputs, async (olds, news) => {
      plugin.seen.length = 0;
      plugin.engine.clear();
      await goThrough(plugin, olds, news);
      const seen = [...plugin.seen, ...plugin.engine.messages.map(({ text }) => text)].join("\n");
      if (seen.includes("[secret]")) shownSecrets += 1;
      return (
        (seen.replaceAll("planted-fails", "").match(/planted-[a-z]{12}|770000\d{6}/) ?? [])[0] ===
        undefined
      );
    }),
    { numRuns: runs },
  );
  t.true(shownSecrets > runs / 4, "secrets were there to be hidden");
});

/** All calls that may say something; those that fail have said why. */
async function goThrough(plugin: TestPlugin, olds: WireMap, news: WireMap): Promise<void> {
  const quiet = (work: Promise<unknown>) => work.catch(() => undefined);
  const state = { id: "chatty", properties: olds, inputs: olds, isReadBeforeUpdate: true };
  await quiet(plugin.create(named, news, "preview"));
  await quiet(plugin.create(named, news));
  await quiet(plugin.read(named, state));
  await quiet(plugin.diff(named, olds, news));
  await quiet(plugin.update(named, state, news, "preview"));
  await quiet(plugin.update(named, state, news));
  await quiet(plugin.delete(named, state));
}
