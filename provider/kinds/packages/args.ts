/** What a set of packages is told: checked, and with every default filled in. */

import * as v from "valibot";
import { failures, hostSchema, text, textOf } from "../../check";
import type { Failure, Host, Properties, Property } from "../../kind";
import { isProperties, isUnknown, unknown } from "../../protocol/values";
import * as values from "../../schema/values";
import type { Changes } from "./changes";
import { normalizeKey, type Source } from "./source";

export interface Packages {
  readonly host: Host;
  readonly name: string;
  /** What is as it is wanted stands as it is wanted; of anything else, the version that is installed. */
  readonly packages: Readonly<Record<string, string>>;
  /** Names of what is held. A map, so that two wishes can be laid over each other. */
  readonly hold: Readonly<Record<string, "held">>;
  readonly sources: Readonly<Record<string, Source>>;
  /** Sources that another resource writes on the same host before: asked in a preview as if they were there. */
  readonly hostSources: Readonly<Record<string, Source>>;
  readonly allowRemoval: readonly string[];
  /** Units that cannot run while their package is upgraded. */
  readonly mayStop: readonly string[];
  /** What is installed, by package. Output only: a version below it is drift. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Source to whose it is, `shop/prod web-01-packages`, where another resource has it. Only where a plan is to be made. */
  readonly owners?: Readonly<Record<string, string>> | undefined;
  /** What apt would do on the host to make it true. Only where a plan is to be made. */
  readonly changes?: Changes | undefined;
}

const packageName = textOf(values.packageName);
const word = text(/^\S+$/, "a word");
const wordList = v.pipe(
  v.array(word, "expected a list of words"),
  v.minLength(1, "expected at least one word"),
);

const sourceSchema = v.strictObject({
  uris: v.pipe(
    v.array(text(/^[a-z+]+:\S+$/, 'a URI such as "https://packages.example.com/debian"')),
    v.minLength(1, "expected at least one URI"),
  ),
  suites: wordList,
  components: v.optional(v.array(word, "expected a list of words")),
  architectures: v.optional(wordList),
  key: v.optional(
    text(
      /^(\/[^\0\n]+|\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\s[\s\S]+-----END PGP PUBLIC KEY BLOCK-----\s*)$/,
      "an armoured public key (-----BEGIN PGP PUBLIC KEY BLOCK-----), or a file's path on the host",
    ),
  ),
});
const sources = v.record(
  text(/^[a-z0-9][a-z0-9-]*$/, "a name of lower-case letters, digits and -"),
  sourceSchema,
);

const schema = v.strictObject({
  host: hostSchema,
  name: v.optional(text(/^[A-Za-z0-9][A-Za-z0-9@._-]*$/, "a name of letters, digits, @ . _ -")),
  packages: v.optional(v.record(packageName, textOf(values.packageVersion))),
  hold: v.optional(
    v.union(
      [v.boolean(), v.array(packageName), v.record(packageName, v.literal("held"))],
      "expected true, or a list of package names",
    ),
  ),
  sources: v.optional(sources),
  hostSources: v.optional(sources),
  allowRemoval: v.optional(v.array(packageName, "expected a list of package names")),
  mayStop: v.optional(
    v.array(
      text(/^[A-Za-z0-9@:._\\-]+\.service$/, "a unit such as mysql.service"),
      "expected a list of units",
    ),
  ),
});

export function checkPackages(inputs: Properties): { args: Properties; failures: Failure[] } {
  return {
    args: withDefaults(inputs),
    failures: [...failures(schema, inputs), ...holdFailures(inputs), ...suiteFailures(inputs)],
  };
}

/** Only what the program installs is its to hold. */
function holdFailures({ packages, hold }: Properties): Failure[] {
  if (!Array.isArray(hold) || isUnknown(packages)) return [];
  const names = isProperties(packages) ? packages : {};
  return hold.flatMap((name, index) =>
    typeof name !== "string" || isUnknown(name) || name in names
      ? []
      : [{ property: `hold[${index}]`, reason: `expected a name among packages, got "${name}"` }],
  );
}

/** A suite that is a path has no components; every other has. */
function suiteFailures({ sources: given }: Properties): Failure[] {
  if (!isProperties(given)) return [];
  return Object.entries(given).flatMap(([name, source]) => {
    if (!isProperties(source) || !Array.isArray(source.suites)) return [];
    const isPath = source.suites.some((suite) => typeof suite === "string" && suite.endsWith("/"));
    const has = Array.isArray(source.components) && source.components.length > 0;
    if (isUnknown(source.components) || source.suites.some(isUnknown) || isPath !== has) return [];
    const expected = isPath
      ? "expected none, since a suite that ends with / has no components"
      : 'expected at least one such as "main"';
    return [{ property: `sources.${name}.components`, reason: expected }];
  });
}

function withDefaults(inputs: Properties): Properties {
  return {
    ...inputs,
    name: inputs.name ?? "packages",
    packages: inputs.packages ?? {},
    hold: holdMap(inputs.hold, inputs.packages),
    sources: withKeys(inputs.sources),
    hostSources: withKeys(inputs.hostSources),
    allowRemoval: inputs.allowRemoval ?? [],
    mayStop: inputs.mayStop ?? [],
  };
}

function holdMap(hold: Property | undefined, packages: Property | undefined): Property {
  if (isUnknown(hold) || (hold === true && isUnknown(packages))) return unknown;
  if (isProperties(hold)) return hold;
  const names = Array.isArray(hold)
    ? hold.map(String)
    : hold === true && isProperties(packages)
      ? Object.keys(packages)
      : [];
  return Object.fromEntries(names.map((name) => [name, "held"]));
}

function withKeys(sources: Property | undefined): Property {
  if (!isProperties(sources)) return sources ?? {};
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => {
      if (!isProperties(source)) return [name, source];
      const { key } = source;
      const plain = typeof key === "string" && !isUnknown(key) ? normalizeKey(key) : key;
      return [
        name,
        {
          ...source,
          components: source.components ?? [],
          ...(key !== undefined && { key: plain }),
        },
      ];
    }),
  );
}
