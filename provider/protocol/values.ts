/** Pulumi's wire values and ours: plain properties, an `unknown`, and beside them the paths of what is secret. */

import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Properties, Property } from "../kind";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Stands for a value that a preview does not know yet. Never equal to any other value. */
export const unknown = unknownText;

export function isUnknown(value: unknown): boolean {
  return value === unknownText;
}

/** Whether something in it is unknown. */
export function hasUnknown(value: unknown): boolean {
  if (isUnknown(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasUnknown);
}

export type Path = readonly string[];

export interface Received {
  readonly properties: Properties;
  /** Where secrets stood. All below such a path is secret. */
  readonly secrets: readonly Path[];
}

/** Takes the wrappers off. */
export function receive(struct: Struct | undefined): Received {
  const secrets: Path[] = [];
  const properties = struct === undefined ? {} : unwrap(struct.toJavaScript(), [], secrets);
  return { properties: isProperties(properties) ? properties : {}, secrets };
}

/** Puts the secret wrappers on again. What is `undefined` is left out. */
export function send(properties: Properties, secrets: readonly Path[]): Struct {
  return Struct.fromJavaScript(wrap(properties, secrets) as Record<string, JavaScriptValue>);
}

/** Every secret text and number in it, for masking. */
export function secretTexts({ properties, secrets }: Received): string[] {
  return secrets.flatMap((path) => texts(at(properties, path)));
}

/** Every name, text and number in it that is no part of a secret. */
export function openTexts({ properties, secrets }: Received): string[] {
  const isSecret = new Set(secrets.map((path) => JSON.stringify(path)));
  const open = (value: Property | undefined, path: Path): string[] => {
    if (isSecret.has(JSON.stringify(path))) return [];
    if (typeof value !== "object" || value === null) return texts(value);
    return Object.entries(value).flatMap(([name, item]) => [name, ...open(item, [...path, name])]);
  };
  return open(properties, []);
}

/** Where one of the texts stands again: what a machine answers may be a secret that it was told. */
export function pathsOf(texts: ReadonlySet<string>, value: Property | undefined): Path[] {
  if (typeof value === "string") return texts.has(value) ? [[]] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    pathsOf(texts, item).map((path) => [name, ...path]),
  );
}

/** Where a text holds one of the texts, be it as a part. */
export function pathsHolding(texts: readonly string[], value: Property | undefined): Path[] {
  if (typeof value === "string") return texts.some((text) => value.includes(text)) ? [[]] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    pathsHolding(texts, item).map((path) => [name, ...path]),
  );
}

export function at(value: Property | undefined, path: Path): Property | undefined {
  return path.reduce<Property | undefined>(
    (inner, name) =>
      typeof inner === "object" && inner !== null ? (inner as Properties)[name] : undefined,
    value,
  );
}

export function isProperties(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `news` laid over `olds`, maps merged all the way down: everything that either of the two speaks of. */
export function merge(olds: Properties, news: Properties): Properties {
  const merged: Record<string, Property | undefined> = { ...olds };
  for (const [name, value] of Object.entries(news)) {
    const old = merged[name];
    merged[name] = isProperties(old) && isProperties(value) ? merge(old, value) : value;
  }
  return merged;
}

/** What is known of both, and what is secret in either. */
export function mergeReceived(olds: Received, news: Received): Received {
  return {
    properties: merge(olds.properties, news.properties),
    secrets: [...olds.secrets, ...news.secrets],
  };
}

function unwrap(value: JavaScriptValue, path: Path, secrets: Path[]): Property {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((item, i) => unwrap(item, [...path, String(i)], secrets));
  return unwrapMap(value as Record<string, JavaScriptValue>, path, secrets);
}

function unwrapMap(value: Record<string, JavaScriptValue>, path: Path, secrets: Path[]): Property {
  const signature = value[signatureKey];
  if (signature === secretSignature || (signature === outputSignature && value.secret === true)) {
    secrets.push(path);
  }
  if (signature === secretSignature || signature === outputSignature) {
    return "value" in value ? unwrap(value.value ?? null, path, secrets) : unknown;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, unwrap(item, [...path, name], secrets)]),
  );
}

function wrap(value: Property, secrets: readonly Path[]): JavaScriptValue {
  if (secrets.some((path) => path.length === 0)) {
    const inner = wrap(value, []);
    return inner === unknownText ? inner : { [signatureKey]: secretSignature, value: inner };
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, i) => wrap(item, below(String(i), secrets)));
  const wrapped: Record<string, JavaScriptValue> = {};
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) wrapped[name] = wrap(item, below(name, secrets));
  }
  return wrapped;
}

function below(name: string, secrets: readonly Path[]): Path[] {
  return secrets.filter((path) => path[0] === name).map((path) => path.slice(1));
}

function texts(value: Property | undefined): string[] {
  if (typeof value === "string") return isUnknown(value) ? [] : [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((item) => texts(item));
}
