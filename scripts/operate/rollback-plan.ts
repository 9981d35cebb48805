/** The way back to a version that is on the hosts: which one, what stands against it, and what each host is to run. */
import { hostname, userInfo } from "node:os";
import { UsageError } from "../command-line";
import type { HostReleases, ReleaseEntry, UnreadHost } from "./releases";

export interface Turn {
  readonly host: string;
  readonly from: string;
}

export interface RollbackPlan {
  readonly version: string;
  /** From what commit it was, where the log knows. */
  readonly commit: string;
  /** In this order. */
  readonly turns: readonly Turn[];
  /** Hosts on which it is live already. */
  readonly done: readonly string[];
}

/** What the hosts' logs say; a refusal names all that stands against it, before anything is touched. */
export function planRollback(
  hosts: readonly (HostReleases | UnreadHost)[],
  wanted: string | undefined,
): RollbackPlan {
  const silent = hosts.flatMap((one) => ("fault" in one ? [one] : []));
  if (silent.length > 0) {
    const lines = silent.map(({ host, fault }) => `${host}: ${fault}`);
    throw new Error(
      `${lines.join("\n")}\nno host was changed: name one that answers (--host), or set \`away: true\` for the others`,
    );
  }
  const known = hosts.flatMap((one) => ("fault" in one ? [] : [one]));
  const version = wanted ?? versionBefore(known);
  const missing = known.filter(({ versions }) => !versions.includes(version));
  if (missing.length > 0) {
    const lines = missing.map(
      ({ host, versions }) =>
        `${host}: version ${version} is not there: expected one of ${versions.join(", ") || "none"}`,
    );
    throw new UsageError(`${lines.join("\n")}\nno host was changed`);
  }
  const released = known.flatMap(({ releases }) => releases).findLast(isReleaseOf(version));
  return {
    version,
    commit: released?.commit ?? "",
    turns: known
      .filter(({ current }) => current !== version)
      .map(({ host, current }) => ({ host, from: current })),
    done: known.filter(({ current }) => current === version).map(({ host }) => host),
  };
}

/** The one that was live before the latest release by `up` that is live now: not the one that was just left behind. */
function versionBefore(hosts: readonly HostReleases[]): string {
  const latest = hosts
    .flatMap(({ current, releases }) => releases.findLast(isReleaseOf(current)) ?? [])
    .toSorted((one, other) => (one.at < other.at ? -1 : 1))
    .at(-1);
  if (latest !== undefined && latest.before !== "") return latest.before;
  const there = [...new Set(hosts.flatMap(({ versions }) => versions))];
  throw new UsageError(
    `no version before is known: expected a VERSION, one of ${there.join(", ") || "none"}`,
  );
}

function isReleaseOf(version: string) {
  return (entry: ReleaseEntry) =>
    entry.result === "done" && entry.version === version && entry.before !== version;
}

/** What is going to happen, for whoever has to agree. */
export function renderRollbackPlan({ version, turns, done }: RollbackPlan): string {
  const lines = [
    ...done.map((host) => `${host}: ${version} is live already`),
    ...turns.map(({ host, from }) => `${host}: ${from || "no version"} -> ${version}`),
  ];
  return `${lines.join("\n")}\nOne host after the other. No release command is run: the database stays as it is.\n`;
}

export interface WayBack {
  readonly script: string;
  readonly deadlineSeconds: number;
}

/** Where a release left the way back of its application. */
export function wayBackPath(unit: string): string {
  return `/var/lib/trilithon/rollback/${unit.replace(/\.service$/, "")}`;
}

/** Fills in what the host's script leaves open. */
export function fillWayBack(text: string, plan: RollbackPlan, who: string): WayBack {
  const [, seconds] = /^# Written by trilithon .*deadlineSeconds=(\d+)$/m.exec(text) ?? [];
  if (seconds === undefined) throw new Error("the way back on it is cut short: run `up` once");
  const words = { VERSION: plan.version, WHO: who, COMMIT: plan.commit || "-" };
  const script = Object.entries(words).reduce(
    (filled, [name, word]) => filled.replaceAll(`@${name}@`, plain(word)),
    text,
  );
  return { script, deadlineSeconds: Number(seconds) };
}

/** They stand in a shell's words as they are. */
function plain(word: string): string {
  return word.replace(/[^A-Za-z0-9@._-]/g, "_");
}

/** `ada@laptop`, as a release has it. */
export function whoIsIt(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without a name, as in some containers.
    return `uid-${process.getuid?.()}@${hostname()}`;
  }
}
