/**
 * What the engine keeps of a resource: the kind's own properties, and beside them outputs of the protocol's own, which
 * no kind sees. A state of an older version is brought forward as it is opened.
 */

import { isSame } from "../difference";
import type { AnyKind, Properties } from "../kind";
import type { PlannedStep } from "../resources/planned-step";
import { digests } from "./drift";
import { hiddenTexts } from "./secrets";
import {
  isProperties,
  type Path,
  pathsHolding,
  pathsOf,
  type Received,
  secretTexts,
  unknown,
} from "./values";

/** Why a host could not be asked; what it holds makes the resource differ until the host answers. */
export const unreachableOutput = "unreachable";
/** Digests of what was last applied. Secret, since a digest of a short password would give it away. */
export const appliedOutput = "applied";
const claimOutput = "claim";
const planOutput = "plan";
const versionOutput = "stateVersion";
const ownOutputs: readonly string[] = [
  ...[unreachableOutput, appliedOutput, claimOutput, planOutput, versionOutput],
];

/** What the protocol keeps beside a kind's properties. A state of 0.1.0 gets the first three when it is first changed. */
export interface Kept {
  readonly version?: number;
  readonly claim?: string;
  /** What the last change did; in the answer to a preview, what it would do. */
  readonly plan?: readonly PlannedStep[];
  readonly applied?: Properties;
  readonly unreachable?: string;
}

/** A state as it was received: the kind's properties in their present form, and what was kept beside them. */
export interface OpenState extends Received {
  readonly kept: Kept;
}

/** A state as it is answered. */
export interface State extends Received {
  readonly id: string;
  readonly isReadBeforeUpdate: boolean;
}

export function openState(kind: AnyKind, { properties, secrets }: Received): OpenState {
  const { claim, applied, plan, unreachable } = properties;
  const own = Object.entries(properties).filter(
    ([name]) => !ownOutputs.includes(name) && !isOfOtherPlugin(kind, name),
  );
  const version = currentVersion(kind);
  const opened = migrate(kind, versionOf(kind, properties), {
    properties: Object.fromEntries(own),
    secrets: secrets.filter(([name = ""]) => !ownOutputs.includes(name)),
  });
  return {
    ...opened,
    kept: {
      // Of a state that stays as it was, a refresh has nothing to show.
      ...((versionOutput in properties || version > 0) && { version }),
      ...(typeof claim === "string" && { claim }),
      ...(isProperties(applied) && { applied }),
      // Only this plugin writes it.
      ...(Array.isArray(plan) && { plan: plan as readonly PlannedStep[] }),
      ...(typeof unreachable === "string" && { unreachable }),
    },
  };
}

/**
 * What an official plugin notes for itself about the other outputs (`__pulumi_raw_state_delta`) is true only as long as it
 * alone writes them: it does without, but ends in a panic over a note that does not fit.
 */
function isOfOtherPlugin({ keeps }: AnyKind, name: string): boolean {
  return keeps === "properties only" && name.startsWith("__");
}

/** A state with the inputs that were recorded together with it. */
export function openRecorded(kind: AnyKind, olds: Received, recorded: Received) {
  const state = openState(kind, olds);
  const version = versionOf(kind, olds.properties);
  const inputs = migrate(kind, version, recorded);
  const { applied } = state.kept;
  const isOlder = version < currentVersion(kind);
  if (!isOlder || !isDigestOf(applied, recorded.properties)) return { state, inputs };
  // A digest cannot be brought forward, but that from which it was made can.
  const forward = digests(kind.check(inputs.properties).args);
  return { state: { ...state, kept: { ...state.kept, applied: forward } }, inputs };
}

export function stateOf(
  kind: AnyKind,
  properties: Properties,
  secrets: readonly Path[],
  kept: Kept,
): State {
  const { derivedOutputs = [], secretOutputs = [] } = kind;
  // Once secret, an output does not stay secret: it follows what it is derived from.
  const given = secrets.filter(([name = ""]) => !derivedOutputs.includes(name));
  const derived = given.length > 0 ? derivedOutputs : [];
  const outputs = [...secretOutputs, ...derived].map((name) => name.split("."));
  const hidden = new Set(hiddenTexts(kind, { properties, secrets: [...given, ...outputs] }));
  return {
    id: typeof properties.id === "string" ? properties.id : kind.id(properties),
    properties: { ...outputsOf(kind, properties), ...keptOutputs(kind, kept) },
    secrets: [...given, ...outputs, ...pathsOf(hidden, properties), [appliedOutput]],
    isReadBeforeUpdate: kind.hosts(properties).length > 0,
  };
}

/** The answer to a preview shows its plan, whatever the kind keeps: it is not stored. */
export function previewed(state: State, plan: readonly PlannedStep[]): State {
  return { ...state, properties: { ...state.properties, [planOutput]: propertiesOf(plan) } };
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

/** What was received, with the resource's id where the kind knows it as a property of its own. */
export function withId(kind: AnyKind, id: string, received: Received): Received {
  const { properties, secrets } = received;
  const isOwn = kind.computedOutputs?.includes("id") === true;
  if (!isOwn || id === "" || properties.id !== undefined) return received;
  return { properties: { ...properties, id }, secrets };
}

function outputsOf({ keepsIdAs }: AnyKind, properties: Properties): Properties {
  const { id: _, ...others } = properties;
  return keepsIdAs === "id only" ? others : properties;
}

function keptOutputs(kind: AnyKind, kept: Kept): Properties {
  if (kind.keeps === "properties only") return {};
  const { version, claim, plan, applied, unreachable } = kept;
  return {
    [versionOutput]: version,
    [claimOutput]: claim,
    [planOutput]: plan && propertiesOf(plan),
    [appliedOutput]: applied,
    [unreachableOutput]: unreachable,
  };
}

function propertiesOf(plan: readonly PlannedStep[]): Properties[] {
  return plan.map((step) => ({ ...step }));
}

/** Of states that the kind writes. */
export function currentVersion({ migrations = [] }: AnyKind): number {
  return migrations.length;
}

/** Version 0.1.0 kept none. */
function versionOf(kind: AnyKind, properties: Properties): number {
  const version = kind.isOfAnotherKind?.(properties) ? 0 : (properties[versionOutput] ?? 0);
  if (typeof version === "number" && version <= currentVersion(kind)) return version;
  throw new Error(
    `${kind.type}: the state was written by a later version of this plugin ` +
      `(version of the state: ${version}, known here: ${currentVersion(kind)}); use that version or a later one`,
  );
}

/** A property that moves takes its secret along. */
function migrate(kind: AnyKind, from: number, received: Received): Received {
  const steps = (kind.migrations ?? []).slice(from);
  if (steps.length === 0) return received;
  const properties = steps.reduce((older, step) => step(older), received.properties);
  const texts = secretTexts(received).filter((text) => text !== "");
  return { properties, secrets: [...received.secrets, ...pathsHolding(texts, properties)] };
}

function isDigestOf(applied: Properties | undefined, properties: Properties): boolean {
  return applied !== undefined && isSame(applied, digests(properties));
}
