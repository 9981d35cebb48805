/** What the units of a Service have to do: start, take in a change, stop, and be waited for. */

import type { OnChange, Service } from "./args";
import { noteOfProbation } from "./confirm";
import type { ServiceStep, UnitAction } from "./plan";
import { upgrades } from "./runs-with";
import { changesFor, droppedUnits, nameOf, unitsOf, viewOf } from "./units";

/** All act before any is waited for. The host is drained until its own unit is ready, and is that last. */
export function planUnits(
  observed: Service,
  desired: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const units = bothUnits(observed, desired);
  const steps = unitsOf(desired).flatMap((unit) => {
    const [now, wanted] = [viewOf(observed, unit, units), viewOf(desired, unit, units)];
    const planned = planUnit(now, wanted, changesFor(unit, changes, units));
    return unit === desired.unit ? planned : planned.map((step) => ofUnit(step, wanted));
  });
  const phases: readonly ((step: ServiceStep) => boolean)[] = [
    (step) => step.do === "unmask",
    (step) => step.do === "unit",
    (step) => step.do === "wait" && step.unit !== undefined,
    (step) => step.do === "wait" && step.unit === undefined,
    (step) => step.do === "enable" || step.do === "disable",
  ];
  return phases.flatMap((isIn) => steps.filter(isIn));
}

/** Says which unit it is about. */
function ofUnit(step: ServiceStep, { unit = "", name }: Service): ServiceStep {
  switch (step.do) {
    case "wait":
      return { ...step, unit, sentence: `wait until ${name} is ready` };
    case "unit":
    case "enable":
    case "disable":
    case "unmask":
      return { ...step, unit };
    default:
      return step;
  }
}

export function bothUnits(observed: Service, desired: Service): string[] {
  return [...new Set([...unitsOf(desired), ...Object.keys(observed.moreUnits ?? {})])];
}

/** Before their files go. */
export function planDropped(observed: Service, desired: Service): ServiceStep[] {
  return droppedUnits(observed, desired).flatMap((unit) => {
    const { state, enabled } = viewOf(observed, unit);
    const name = nameOf(unit);
    const stop: ServiceStep = {
      ...{ do: "unit", action: "stop", drains: false, unit },
      sentence: `stop ${name}`,
    };
    const disable: ServiceStep = { do: "disable", unit, sentence: `disable ${name} at boot` };
    return [...(state === "stopped" ? [] : [stop]), ...(enabled === true ? [disable] : [])];
  });
}

function planUnit(
  observed: Service,
  desired: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const { unit, name, state } = desired;
  if (unit === undefined) return [];
  const enabling = planEnablement(observed, desired);
  if (state === "stopped") {
    if (observed.state === "stopped") return enabling;
    return [{ do: "unit", action: "stop", drains: false, sentence: `stop ${name}` }, ...enabling];
  }
  const upgraded = upgrades(observed, desired).map(([, text]) => text);
  const action = unitAction(observed, desired, changes);
  const unmasking: ServiceStep[] =
    observed.masked === undefined ? [] : [{ do: "unmask", sentence: `unmask ${name}` }];
  if (action === undefined) return [...unmasking, ...enabling];
  const drains = action === "restart" && desired.drain !== undefined;
  const why = observed.process ?? (observed.answers === undefined ? undefined : "does not answer");
  const sentence = unitSentence(action, desired, {
    drains,
    why:
      upgraded.length > 0
        ? `takes in ${upgraded.join(" and ")}`
        : action === "restart"
          ? why
          : undefined,
    moved: portMove(observed, desired),
  });
  return [
    ...unmasking,
    { do: "unit", action, drains, sentence },
    { do: "wait", sentence: "wait until it is ready" },
    ...enabling,
  ];
}

function planEnablement(observed: Service, { name, enabled }: Service): ServiceStep[] {
  if (enabled === false && observed.enabled === true) {
    return [{ do: "disable", sentence: `disable ${name} at boot` }];
  }
  if (enabled === true && observed.enabled === false) {
    return [{ do: "enable", sentence: `enable ${name} at boot` }];
  }
  return [];
}

function unitAction(
  observed: Service,
  desired: Service,
  changes: readonly ServiceStep[],
): UnitAction | undefined {
  // One that is stuck half way is not moved by a start: systemd would go on waiting for the first.
  if (observed.state === "activating" || observed.state === "deactivating") return "restart";
  if (observed.state !== "running") return "start";
  const { onUpgrade = "restart" } = desired;
  const isUpgraded = observed.process !== undefined || upgrades(observed, desired).length > 0;
  const effects = [
    ...changes.map((step) => effect(step, observed)),
    stale(observed),
    isUpgraded ? (onUpgrade === "nothing" ? "restart" : onUpgrade) : "nothing",
  ];
  if (effects.includes("restart")) return "restart";
  if (effects.includes("reload")) return "reload";
  // What changes may well be why it does not answer; the wait after it finds out.
  return observed.answers === undefined ? undefined : "restart";
}

/** What a change asks of the unit that runs. */
export function effect(step: ServiceStep, observed: Service): OnChange {
  switch (step.do) {
    case "switch":
    case "link":
    // It may have the former folder open.
    case "keep":
    case "let go":
      return "restart";
    case "write":
      return step.file.onChange;
    case "remove":
      return observed.files[step.path]?.onChange ?? observed.onChange;
    case "move aside":
      return observed.onChange;
    default:
      return "nothing";
  }
}

function stale({ configuration }: Service): OnChange {
  if (configuration === "restart needed") return "restart";
  return configuration === "reload needed" ? "reload" : "nothing";
}

function unitSentence(
  action: UnitAction,
  service: Service,
  {
    drains,
    why,
    moved,
  }: {
    readonly drains: boolean;
    readonly why: string | undefined;
    readonly moved: string | undefined;
  },
): string {
  const { name, drain, reloaded, reloadNote, restartNote } = service;
  const probation = noteOfProbation(service);
  const because = why === undefined ? "" : `; it ${why}`;
  if (action === "reload" && moved !== undefined) return `reload ${name} (${moved}${because})`;
  if (action === "reload") {
    const kept = reloaded?.endsConnections ? "open connections end" : "no connection dropped";
    const notes = [kept, reloadNote, probation].filter((note) => note !== undefined);
    return `reload ${name} (${notes.join("; ")}${because})`;
  }
  const lost = drain?.allowed ? "no request lost while another server serves" : "no request lost";
  if (drains) return `drain the host and restart ${name} (${lost}${because})`;
  const notes = [
    ...(action === "restart" && restartNote !== undefined ? [restartNote] : []),
    ...(probation === undefined ? [] : [probation]),
    ...(why === undefined ? [] : [`it ${why}`]),
  ];
  return `${action} ${name}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

/** What a new address costs: nobody can be told of it before it is there. */
function portMove({ port: before }: Service, { port: after }: Service): string | undefined {
  if (before === undefined || after === undefined || before === after) return undefined;
  return `from port ${before} to ${after}: requests fail until what sends them there is changed as well`;
}
