/** Values as Pulumi sends them, made and read without the plugin's own code: secrets, unknowns, outputs. */

import { Struct } from "google-protobuf/google/protobuf/struct_pb";

export type Wire = null | string | number | boolean | readonly Wire[] | WireMap;
export interface WireMap {
  readonly [name: string]: Wire;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** Stands where a preview does not know the value yet. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function secret(value: Wire): WireMap {
  return { [signatureKey]: secretSignature, value };
}

/** An output, as the SDK sends it to a provider that accepts them; without a value it is unknown. */
export function output(of: { value?: Wire; secret?: boolean; dependencies?: string[] }): WireMap {
  return { [signatureKey]: outputSignature, ...of };
}

/** A plain tree as wire values: what is undefined is left out. */
export function wire(tree: object): WireMap {
  return JSON.parse(JSON.stringify(tree));
}

export function toStruct(map: WireMap): Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(map)));
}

export function fromStruct(struct: Struct | undefined): WireMap {
  return JSON.parse(JSON.stringify(struct?.toJavaScript() ?? {}));
}

/** Without the wrappers. */
export function plain(value: Wire): Wire {
  if (!isTree(value)) return value;
  if (isList(value)) return value.map(plain);
  if (signatureKey in value) return plain(value.value ?? unknownValue);
  return mapped(value, plain);
}

/** What anybody may see: `[secret]` where a secret stands. */
export function visible(value: Wire): Wire {
  if (!isTree(value)) return value;
  if (isList(value)) return value.map(visible);
  if (value[signatureKey] === secretSignature || value.secret === true) return "[secret]";
  return mapped(value, visible);
}

function isTree(value: Wire): value is readonly Wire[] | WireMap {
  return typeof value === "object" && value !== null;
}

function isList(value: readonly Wire[] | WireMap): value is readonly Wire[] {
  return Array.isArray(value);
}

function mapped(map: WireMap, change: (value: Wire) => Wire): WireMap {
  return Object.fromEntries(Object.entries(map).map(([name, item]) => [name, change(item)]));
}
