/** What the engine keeps of a resource. */

import type { AnyKind, Properties } from "../kind";
import { appliedOutput } from "./applied";
import { hiddenTexts } from "./secrets";
import { type Path, pathsOf, type Received, unknown } from "./values";

/** Output that says why a host could not be asked; what it holds makes the resource differ until it answers. */
export const unreachableOutput = "unreachable";

export interface State extends Received {
  readonly id: string;
  readonly isReadBeforeUpdate: boolean;
}

export function stateOf(kind: AnyKind, properties: Properties, secrets: readonly Path[]): State {
  const { derivedOutputs = [], secretOutputs = [] } = kind;
  // An output that was secret before is none for that: it follows what it is derived from.
  const made = new Set([appliedOutput, ...derivedOutputs]);
  const given = secrets.filter(([name = ""]) => !made.has(name));
  const derived = given.length > 0 ? derivedOutputs : [];
  const outputs = [...secretOutputs, ...derived].map((name) => name.split("."));
  const told = new Set(hiddenTexts(kind, { properties, secrets: [...given, ...outputs] }));
  return {
    id: typeof properties.id === "string" ? properties.id : kind.id(properties),
    properties,
    secrets: [...given, ...outputs, ...pathsOf(told, properties), [appliedOutput]],
    isReadBeforeUpdate: kind.hosts(properties).length > 0,
  };
}

/** The outputs that `apply` will make, as far as a preview knows them. */
export function foreseen(
  kind: AnyKind,
  live: Properties | undefined,
  wanted: Properties,
): Properties {
  return { ...unknowns(kind.derivedOutputs), ...kind.foresee?.(live, wanted) };
}

/** For outputs of which a preview knows nothing. */
export function unknowns(names: readonly string[] = []): Properties {
  return Object.fromEntries(names.map((name) => [name, unknown]));
}
