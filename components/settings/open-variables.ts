/**
 * Which of the application's variables are no secrets. Pulumi marks a whole object as secret where one part of it is, and
 * tells no program which part; the stack's settings file does, in which a secret stands as `secure: v1:...`.
 */
// Pulumi checks the types of what the program imports, and finds a declaration by this line only.
/// <reference path="./js-yaml.d.ts" />
import { CORE_SCHEMA, load } from "js-yaml";
import { isRecord } from "../rule";

type Variables = Readonly<Record<string, unknown>>;

/**
 * Their names: those that stand in plain text in the file, with just this value. All others may be secrets: what another
 * file or an environment of Pulumi ESC gives, and everything where there is no such file.
 */
export function findOpenVariables(
  variables: Variables,
  settingsFile: string | undefined,
  /** Where the application stands under `config`. */
  path: readonly string[] = ["trilithon:application"],
): readonly string[] {
  const written = settingsFile === undefined ? {} : readVariables(settingsFile, path);
  return Object.keys(variables).filter(
    (name) =>
      isSame(written[name], variables[name]) ||
      isSame(textOf(written[name]), textOf(variables[name])),
  );
}

function isSame(written: unknown, known: unknown): boolean {
  return isPlain(written) && String(written) === String(known);
}

/** Of one that is made of what is known of the database. */
function textOf(value: unknown): unknown {
  return isRecord(value) ? value.database : undefined;
}

function readVariables(settingsFile: string, path: readonly string[]): Variables {
  return ["config", ...path, "environment"].reduce(entry, parse(settingsFile));
}

function entry(value: Variables, key: string): Variables {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return isRecord(found) ? found : {};
}

/** What cannot be read tells nothing: all variables are secrets then. */
function parse(text: string): Variables {
  try {
    const value = load(text, { schema: CORE_SCHEMA });
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function isPlain(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}
