/**
 * Tells drift from change: with each resource the state keeps a digest of every value as it was last applied. Where the
 * wanted value still has that digest, the machine moved; where it has another, the program did.
 */

import { createHash } from "node:crypto";
import { isSame } from "../difference";
import type { Difference, Properties, Property } from "../kind";
import type { Why } from "../resources/planned-step";
import { at, type Path } from "./values";

export function digests(wanted: Properties): Record<string, string> {
  return Object.fromEntries(
    leaves(wanted, []).map(([path, value]) => [JSON.stringify(path), digest(value)]),
  );
}

/** What is compared to say who moved. */
export interface Sides {
  readonly applied: Properties | undefined;
  readonly live: Properties;
  readonly wanted: Properties;
}

/** Why a resource differs, over all its differences. */
export function whyOf(differences: readonly Difference[], sides: Sides): Why {
  const movers = differences.map(({ path }) => moversAt(path, sides));
  const isChange = movers.some(({ program }) => program);
  const isDrift = movers.some(({ program, machine }) => machine || !program);
  if (isDrift) return isChange ? "drift and change" : "drift";
  return "change";
}

function moversAt(path: Path, { applied = {}, live, wanted }: Sides) {
  const prefix = JSON.stringify(path).slice(0, -1);
  const before = Object.fromEntries(
    Object.entries(applied).filter(
      ([name]) => name === `${prefix}]` || name.startsWith(`${prefix},`),
    ),
  );
  const isKnown = Object.keys(before).length > 0;
  return {
    program: !isSame(before, digestsBelow(path, at(wanted, path))),
    machine: isKnown && !isSame(before, digestsBelow(path, at(live, path))),
  };
}

function digestsBelow(path: Path, value: Property | undefined): Record<string, string> {
  if (value === undefined) return {};
  return Object.fromEntries(
    leaves(value, path).map(([leaf, inner]) => [JSON.stringify(leaf), digest(inner)]),
  );
}

function leaves(value: Property, path: Path): [Path, Property][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, item]) =>
    item === undefined || (path.length === 0 && name === "host")
      ? []
      : leaves(item, [...path, name]),
  );
}

function digest(value: Property): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
