/** What the settings and components take, the plugin takes, and the other way round. */
import test from "ava";
import fc from "fast-check";
import * as v from "valibot";
import { applicationOptions, databaseOptions } from "../../components/options";
import { hostKey, hostName, port, privateKey, sshAddress, userName } from "../../components/rules";
import { hostSchema } from "../../provider/check";
import { check as checkContent } from "../../provider/kinds/mysql-content/args";
import { check } from "../../provider/kinds/mysql-replication/args";
import { checkPackages } from "../../provider/kinds/packages/args";
import { checkRelease } from "../../provider/kinds/service/check";
import { unknown } from "../../provider/protocol/values";
import { clusterInputs, contentInputs } from "../support/mysql-inputs";

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
const host = {
  ...{ name: "web-01", address: "10.0.0.1", port: 22, user: "root" },
  ...{ hostKey: "ssh-ed25519 AAAA", privateKey: key },
};
const release = {
  ...{ host, unit: "shop.service", root: "/srv/shop", source: "app", version: "1" },
};
const isGood = (inputs: typeof release & Record<string, unknown>) =>
  checkRelease(JSON.parse(JSON.stringify(inputs))).failures.length === 0;
const isGoodSet = (packages: unknown) =>
  checkPackages(JSON.parse(JSON.stringify({ host, packages }))).failures.length === 0;

const texts = fc.oneof(
  fc.string({ maxLength: 70 }),
  fc.string({ unit: fc.constantFrom(..."aZ09._-@:%$ /\n"), maxLength: 70 }),
);
const someTexts = [
  ...["jane.doe", "Jane", "jane@corp.example.com", "web-01.example.com", "1a", "-a", "a-", ""],
  ...["ssh-ed25519 AAAA root@web-01", "ssh-ed25519 AAAA\n", "SHA256:abc", key, key.trim()],
  ...["public", "public/uploads", "a/../b", "a//b", ".cache/x", ".."],
  ...["fe80::1%eth0", "mysql", "root", "Shop", "a".repeat(31), "a".repeat(32), "a".repeat(65)],
];
const numbers = fc.oneof(fc.integer({ min: -1, max: 100_000 }), fc.double());

type Pair = readonly [name: string, (value: unknown) => boolean, (value: unknown) => boolean];

const taken = (schema: v.GenericSchema) => (value: unknown) => v.is(schema, value);
const { entries } = hostSchema;
const { name, drainSeconds, readySeconds, stopSeconds, packages } = applicationOptions;

const pairs: readonly Pair[] = [
  ["a host's name", taken(hostName), taken(entries.name)],
  ["a host's SSH address", taken(sshAddress), taken(entries.address)],
  ["a host's port", taken(port), taken(entries.port)],
  ["a host's user", taken(userName), taken(entries.user)],
  ["a host's key", taken(hostKey), taken(entries.hostKey)],
  ["a host's private key", taken(privateKey), taken(entries.privateKey)],
  [
    "the seconds to drain",
    taken(drainSeconds.wrapped),
    (seconds) => isGood({ ...release, drain: { file: "/run/x", seconds } }),
  ],
  [
    "the seconds to become ready",
    taken(readySeconds.wrapped),
    (deadlineSeconds) => isGood({ ...release, ready: { deadlineSeconds } }),
  ],
  [
    "the seconds of the release command",
    (deadlineSeconds) => v.is(applicationOptions.release, { command: ["x"], deadlineSeconds }),
    (deadlineSeconds) =>
      isGood({ ...release, releaseCommand: { command: ["x"], unit: "x", deadlineSeconds } }),
  ],
  [
    "a folder that outlives versions",
    (path) => v.is(applicationOptions.persistent, [path]) || path === "public",
    (path) => {
      const persistent = { [String(path)]: { folder: "/var/lib/shop/x", owner: "shop" } };
      return typeof path === "string" && isGood({ ...release, persistent });
    },
  ],
  [
    "a package",
    (text) => v.is(packages.wrapped, { [String(text)]: "present" }),
    (text) => isGoodSet({ [String(text)]: "present" }),
  ],
  [
    "a package's version",
    (version) => v.is(packages.wrapped, { nginx: version }),
    (version) => isGoodSet({ nginx: version }),
  ],
  [
    "the seconds until the primary carries on",
    (value) => v.is(databaseOptions.durability, { carryOnAfterSeconds: value }),
    (value) =>
      check(clusterInputs({ durability: { carryOnAfterSeconds: Number(value) } })).failures
        .length === 0,
  ],
];

for (const [title, inComponents, inPlugin] of pairs) {
  test(`${title} is one thing for settings and plugin`, (t) => {
    const values = fc.oneof(texts, fc.constantFrom(...someTexts), numbers);
    fc.assert(
      fc.property(values, (value) => {
        if (typeof value === "string" && title.includes("seconds")) return true;
        return inComponents(value) === inPlugin(value);
      }),
      { numRuns: 2000 },
    );
    t.pass();
  });
}

test("what the settings take as an application's or a database's name, the plugin takes", (t) => {
  fc.assert(
    fc.property(fc.oneof(texts, fc.constantFrom(...someTexts)), (text) => {
      if (v.is(name, text) && !isGood({ ...release, users: { [text]: "/srv/x" } })) return false;
      if (!v.is(databaseOptions.name, text)) return true;
      const account = { password: unknown, grants: { [`${text}.*`]: ["SELECT"] } };
      const inputs = contentInputs({ databases: [text], accounts: { [text]: account } });
      return checkContent(inputs).failures.length === 0;
    }),
    { numRuns: 5000 },
  );
  t.false(v.is(databaseOptions.name, "mysql"));
  t.false(v.is(databaseOptions.name, "root"));
});

test("the user jane.doe is taken by both", (t) => {
  t.true(v.is(userName, "jane.doe"));
  t.true(isGood({ ...release, host: { ...host, user: "jane.doe" } }));
});

test("every wait that is allowed is allowed in sum", (t) => {
  for (const wait of [readySeconds, stopSeconds]) t.true(v.is(wait.wrapped, 3600));
  t.true(v.is(drainSeconds.wrapped, 600));
  const all = { drain: { file: "/run/x", seconds: 600 }, ready: { deadlineSeconds: 3600 } };
  t.true(isGood({ ...release, ...all }));
});
