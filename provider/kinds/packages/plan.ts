/** What has to be done to make a set of packages true, and what apt will do besides; nothing goes that is not named. */

import { compare } from "../../difference";
import type { Difference, Host, StepText } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import type { Packages } from "./args";
import { type Change, changeOf, isDowngrade, isRemoval } from "./changes";
import type { Source } from "./source";

export type PackagesStep = StepText &
  (
    | { readonly do: "install"; readonly name: string; readonly version: string }
    /** What apt does besides; `changes` may hold what goes, where the program allows it. */
    | { readonly do: "bring along"; readonly changes: readonly Change[] }
    | { readonly do: "keep"; readonly name: string }
    | { readonly do: "write source"; readonly name: string; readonly source: Source }
    | { readonly do: "remove source"; readonly name: string }
    | { readonly do: "hold" | "unhold"; readonly name: string }
    | { readonly do: "later" }
    | { readonly do: "refuse" }
  );

export function diff(observed: Packages, desired: Packages): Difference[] {
  const identities = (["name"] as const)
    .filter((key) => observed[key] !== desired[key])
    .map((key): Difference => ({ path: [key], kind: "update", replace: true }));
  const isMoved = !isUnknown(desired.host) && !isSameMachine(observed.host, desired.host);
  const moved: Difference = { path: ["host", "name"], kind: "update", replace: true };
  const replaced = [...(isMoved ? [moved] : []), ...identities];
  const found = compare(compared(observed, desired), compared(desired, desired), [
    ...["packages", "hold", "sources"],
  ]);
  if (!isAnotherInstance(observed.host, desired.host)) return [...replaced, ...found];
  if (plan(observed, desired).length === 0) return replaced;
  return [{ path: ["host", "instance"], kind: "update" }, ...replaced, ...found];
}

/** A machine that is called otherwise now keeps all that it has. */
function isSameMachine(one: Host, other: Host): boolean {
  const isSameKey = one.hostKey === other.hostKey;
  return (
    one.name === other.name ||
    (isSameKey && one.address === other.address && one.port === other.port)
  );
}

/** Nothing of what is known holds on a machine that was made anew. */
function isAnotherInstance(observed: Host, desired: Host): boolean {
  return !isUnknown(desired) && observed.instance !== desired.instance;
}

/** A package that the program no longer names stays: packages never go by themselves. */
function compared(packages: Packages, { packages: wanted }: Packages): object {
  if (isUnknown(packages.packages) || isUnknown(wanted)) return packages;
  const entries = Object.entries(packages.packages).filter(([name]) => name in wanted);
  return { ...packages, packages: Object.fromEntries(entries) };
}

export function plan(known: Packages | undefined, desired: Packages): PackagesStep[] {
  const observed =
    known === undefined || isAnotherInstance(known.host, desired.host) ? nothing(desired) : known;
  const later = (["packages", "hold", "sources"] as const).filter((key) => isUnknown(desired[key]));
  const wanted: Packages = {
    ...desired,
    ...Object.fromEntries(later.map((key) => [key, observed[key]])),
  };
  const installs = planPackages(observed, wanted);
  const refusals = installs.length > 0 ? planRefusals(observed, wanted) : [];
  if (refusals.length > 0) return refusals;
  const steps: PackagesStep[] = [
    ...planSources(observed, wanted),
    ...planHold(observed, wanted, "unhold"),
    ...installs,
    ...(installs.length > 0 ? planOthers(observed, wanted) : []),
    ...planHold(observed, wanted, "hold"),
    ...later.map(
      (key): PackagesStep => ({ do: "later", sentence: `see to the ${key} once known` }),
    ),
  ];
  return steps.map((step) => ({
    ...step,
    sentence: step.sentence.replaceAll(unknown, "(not known yet)"),
  }));
}

function nothing(desired: Packages): Packages {
  return { ...desired, packages: {}, hold: {}, sources: {}, versions: {}, changes: undefined };
}

function planSources(observed: Packages, desired: Packages): PackagesStep[] {
  const written = Object.entries(desired.sources).flatMap(([name, source]): PackagesStep[] => {
    const now = observed.sources[name];
    const differences = compare({ source: now }, { source });
    if (differences.length === 0) return [];
    const fields = [...new Set(differences.map(({ path }) => path[1] ?? ""))];
    const what = now === undefined ? `new, ${sourceText(source)}` : `another ${fields.join(", ")}`;
    const sentence = `write the package source ${name} (${what})`;
    return [{ do: "write source", name, source, sentence }];
  });
  const removed = Object.keys(observed.sources)
    .filter((name) => desired.sources[name] === undefined)
    .map((name): PackagesStep => {
      return { do: "remove source", name, sentence: `remove the package source ${name}` };
    });
  return [...written, ...removed];
}

function sourceText(source: Source): string {
  if (isUnknown(source)) return "not known yet";
  const { uris, suites, components } = source;
  const words = [uris, suites, components].map((list) =>
    isUnknown(list) ? "(not known yet)" : list.join(" "),
  );
  return words.filter((text) => text !== "").join(" ");
}

function planHold(observed: Packages, desired: Packages, what: "hold" | "unhold"): PackagesStep[] {
  const [of, without] =
    what === "hold" ? [desired.hold, observed.hold] : [observed.hold, desired.hold];
  return Object.keys(of)
    .filter((name) => without[name] === undefined)
    .map((name) => ({
      do: what,
      name,
      sentence: what === "hold" ? `hold ${name} at its version` : `hold ${name} no longer`,
    }));
}

function planPackages(observed: Packages, desired: Packages): PackagesStep[] {
  return Object.entries(desired.packages)
    .filter(([name, version]) => observed.packages[name] !== version)
    .map(([name, version]): PackagesStep => {
      const now = observed.packages[name];
      const { changes } = observed;
      const change = changeOf(name, changes);
      if (version === "present" && changes && change === undefined && now !== undefined) {
        const kept = now.replace(/, older than /, ", although it was ");
        return {
          do: "keep",
          name,
          sentence: `keep ${name} ${kept} (the host's package sources, pins and holds offer no newer one)`,
        };
      }
      const { mayStop } = desired;
      const stops = now !== undefined && mayStop.length > 0;
      const warning = `${mayStop.join(", ")} stops while ${name} is changed, and is started again`;
      const sentence = installSentence(name, version, now, change);
      return { do: "install", name, version, sentence, ...(stops && { warning }) };
    });
}

function installSentence(
  name: string,
  version: string,
  now: string | undefined,
  change: Change | undefined,
): string {
  const wanted = version === "present" ? name : `${name} ${version}`;
  if (change?.to === undefined) {
    return now === undefined ? `install ${wanted}` : `install ${wanted} (now ${now})`;
  }
  const held = change.isHeld ? " (it is on hold)" : "";
  if (change.from === undefined) return `install ${name} ${change.to}`;
  const verb = isDowngrade(change) ? "downgrade" : "upgrade";
  return `${verb} ${name} from ${change.from} to ${change.to}${held}`;
}

/** What apt does besides what is named: one sentence for each sort. */
function planOthers({ changes }: Packages, { packages }: Packages): PackagesStep[] {
  const named = new Set(Object.keys(packages).map((name) => changeOf(name, changes)));
  const others = (changes?.list ?? []).filter((change) => !named.has(change));
  const sorts: readonly (readonly [string, readonly Change[]])[] = [
    ["install with it", others.filter(({ from }) => from === undefined)],
    [
      "upgrade with it",
      others.filter((one) => one.from !== undefined && !isRemoval(one) && !isDowngrade(one)),
    ],
    ["downgrade with it", others.filter(isDowngrade)],
    ["remove for it", others.filter(isRemoval)],
  ];
  return sorts.flatMap(([verb, list]): PackagesStep[] =>
    list.length === 0
      ? []
      : [
          {
            do: "bring along",
            changes: list,
            sentence: `${verb} ${count(list.length)} (${list.map(changeText).join(", ")})`,
            ...(verb.startsWith("remove") && {
              warning: `${list.map(({ name }) => name).join(", ")} will be removed, as allowRemoval allows`,
            }),
          },
        ],
  );
}

function changeText({ name, from, to }: Change): string {
  if (to === undefined) return `${name} ${from}`;
  return from === undefined ? `${name} ${to}` : `${name} ${from} -> ${to}`;
}

function count(n: number): string {
  return n === 1 ? "1 package" : `${n} packages`;
}

/** What nobody has named must neither go nor become older; what is on hold stays as it is. */
function planRefusals(
  { host, changes }: Packages,
  { packages, allowRemoval }: Packages,
): PackagesStep[] {
  if (changes === undefined) return [];
  const names = changes.asked.map((target) => target.replace("=", " ")).join(", ");
  const named = new Set(Object.keys(packages).map((name) => changeOf(name, changes)));
  const refuse = (what: string, warning: string): PackagesStep => ({
    do: "refuse",
    sentence: `refuse, since ${what}`,
    warning: `${host.name}: ${warning}`,
  });
  if (changes.refusal !== undefined) {
    return [
      refuse(
        `apt cannot install ${names}`,
        `apt cannot install ${names}; nothing will be changed:\n${changes.refusal}`,
      ),
    ];
  }
  const unnamed = changes.list.filter(({ name }) => !allowRemoval.includes(name));
  const goes = unnamed.filter(isRemoval);
  const sinks = unnamed.filter((one) => isDowngrade(one) && !named.has(one));
  const held = unnamed.filter((one) => one.isHeld && !isRemoval(one) && !named.has(one));
  const sorts: readonly (readonly [string, readonly Change[], string])[] = [
    [
      "remove",
      goes,
      "take what conflicts with them out of the packages, or name in allowRemoval what may go",
    ],
    [
      "downgrade",
      sinks,
      "name their versions among the packages as well, or name them in allowRemoval",
    ],
    ["change", held, "release them with apt-mark unhold, or name them among the packages"],
  ];
  return sorts
    .filter(([, list]) => list.length > 0)
    .map(([verb, list, remedy]) => {
      const which = list.map(({ name, from }) => `${name} ${from}`).join(", ");
      const hold = verb === "change" ? ", on hold on this host" : "";
      return refuse(
        `to install ${names} would ${verb} ${list.map(({ name }) => name).join(", ")}`,
        `to install ${names}, apt would ${verb} ${which}${hold}; nothing will be changed. To go on, ${remedy}`,
      );
    });
}
