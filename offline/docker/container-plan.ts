/** What differs, and what is done about it. Pure. */

import type { Difference, Step } from "../../provider/kind";
import { hasUnknown } from "../../provider/protocol/values";
import { agrees } from "./container-agreement";
import { type Container, type ContainerArgs, isInput } from "./container-args";

export interface ContainerStep extends Step {
  readonly action: "create" | "replace" | "limit" | "start" | "remember";
}

/** As in the official plugin, all else makes a new container. */
const changeable: readonly (keyof ContainerArgs)[] = [
  "memory",
  "memorySwap",
  "restart",
  "destroyGraceSeconds",
  "mustRun",
];

/** What the engine chooses where the program says nothing. */
const computed: readonly (keyof ContainerArgs)[] = [
  ...(["hostname", "memorySwap", "mustRun", "networkMode", "stopSignal", "stopTimeout"] as const),
];

const limitKeys: readonly unknown[] = ["memory", "memorySwap", "restart"];

export function differencesOf(live: Container, wanted: ContainerArgs): Difference[] {
  const keys = new Set([...Object.keys(wanted), ...Object.keys(live)].filter(isInput));
  return [...keys].flatMap((key) => difference(key, live, wanted));
}

export function planContainer(
  live: Container | undefined,
  wanted: ContainerArgs,
): readonly ContainerStep[] {
  if (live === undefined) {
    const start = wanted.start === false ? "" : " and start it";
    return [{ action: "create", sentence: `create container ${wanted.name}${start}` }];
  }
  const differences = differencesOf(live, wanted);
  if (differences.some(({ replace }) => replace)) {
    const warning = `container ${live.name} is made anew: everything in it is lost`;
    return [{ action: "replace", sentence: `make container ${wanted.name} anew`, warning }];
  }
  const changed = differences.map(({ path }) => path[0]);
  const limits = changed.filter((key) => limitKeys.includes(key));
  return [
    ...step(limits.length > 0, "limit", `set ${limits.join(" and ")} of container ${wanted.name}`),
    ...step(changed.includes("mustRun"), "start", `start container ${wanted.name}`),
    ...step(changed.includes("destroyGraceSeconds"), "remember", "keep how long a stop may take"),
  ];
}

function difference(
  key: keyof ContainerArgs,
  live: Container,
  wanted: ContainerArgs,
): Difference[] {
  // The official plugin's default: a stopped container is a difference.
  if (key === "mustRun") {
    const isStopped = wanted.mustRun !== false && live.mustRun === false;
    return isStopped ? [{ path: [key], kind: "update" }] : [];
  }
  // Says how it is made, and nothing of what it is.
  if (key === "networkMode" || key === "start") return [];
  // A state of before this property was served does not have it.
  if (key === "memorySwap" && live.memorySwap === undefined && isTwice(live.memory, wanted)) {
    return [];
  }
  if (!hasUnknown(wanted[key]) && agrees(key, live[key], wanted[key])) return [];
  if (wanted[key] === undefined && computed.includes(key)) return [];
  const kind = wanted[key] === undefined ? "delete" : live[key] === undefined ? "add" : "update";
  // A limit can be changed, but not taken away again.
  const isInPlace = changeable.includes(key) && !(key === "memory" && kind === "delete");
  return [{ path: [key], kind, ...(!isInPlace && { replace: true }) }];
}

/** What the engine chose itself. */
function isTwice(memory: number | undefined, { memorySwap }: ContainerArgs): boolean {
  return memory !== undefined && memorySwap === 2 * memory;
}

function step(
  isNeeded: boolean,
  action: ContainerStep["action"],
  sentence: string,
): ContainerStep[] {
  return isNeeded ? [{ action, sentence }] : [];
}
