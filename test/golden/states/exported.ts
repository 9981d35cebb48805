/** What `pulumi stack export --show-secrets` prints, and its values as the engine sends them to a plugin. */

import type { Properties } from "../../../provider/kind";
import { secret, type Wire, type WireMap } from "../../support/wire";

export interface Exported {
  readonly version: number;
  readonly deployment: { readonly resources: readonly ExportedResource[] };
}

export interface ExportedResource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly inputs?: WireMap;
  readonly outputs?: WireMap;
  readonly refreshBeforeUpdate?: boolean;
  readonly created?: string;
  readonly modified?: string;
  readonly sourcePosition?: string;
  readonly stackTrace?: unknown;
}

/** With secrets as the engine sends them. */
export function wireOf(map: WireMap = {}): WireMap {
  return mapped(map, (plaintext) => secret(plaintext));
}

/** With secrets in plain. */
export function plainOf(map: WireMap): Properties {
  return mapped(map, (plaintext) => plaintext) as Properties;
}

function mapped(map: WireMap, secretOf: (plaintext: Wire) => Wire): WireMap {
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [name, valueOf(value, secretOf)]),
  );
}

function valueOf(value: Wire, secretOf: (plaintext: Wire) => Wire): Wire {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => valueOf(item, secretOf));
  const { plaintext } = value;
  const isSecret = typeof plaintext === "string" && Object.keys(value).length === 2;
  return isSecret ? secretOf(valueOf(JSON.parse(plaintext), secretOf)) : mapped(value, secretOf);
}

function isList(value: readonly Wire[] | WireMap): value is readonly Wire[] {
  return Array.isArray(value);
}
