/** What has to be done to the unit of a Service: what changed decides between reload and restart. */

import type { OnChange, Service } from "./args";
import type { ServiceStep, UnitAction } from "./step";

export function planUnit(
  live: Service,
  wanted: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const { unit, name, state } = wanted;
  if (unit === undefined) return [];
  const enabling = planEnablement(live, wanted, changes);
  if (state === "stopped") {
    if (live.state === "stopped") return enabling;
    return [{ do: "unit", action: "stop", drains: false, sentence: `stop ${name}` }, ...enabling];
  }
  const action = unitAction(live, changes);
  if (action === undefined) return enabling;
  const drains = action === "restart" && wanted.drain !== undefined;
  return [
    { do: "unit", action, drains, sentence: unitSentence(action, name, drains) },
    { do: "wait", sentence: "wait until it is ready" },
    ...enabling,
  ];
}

/** Debian's packages enable their units as they are installed. */
function planEnablement(
  live: Service,
  { name, enabled }: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const installs = changes.some(({ do: what }) => what === "install");
  if (enabled === false && (live.enabled === true || installs)) {
    return [{ do: "disable", sentence: `disable ${name} at boot` }];
  }
  if (enabled === true && live.enabled === false) {
    return [{ do: "enable", sentence: `enable ${name} at boot` }];
  }
  return [];
}

function unitAction(live: Service, changes: readonly ServiceStep[]): UnitAction | undefined {
  if (live.state !== "running") return "start";
  const effects = [...changes.map((step) => effect(step, live)), stale(live)];
  return effects.includes("restart")
    ? "restart"
    : effects.includes("reload")
      ? "reload"
      : undefined;
}

/** What a change asks of the unit that runs. */
export function effect(step: ServiceStep, live: Service): OnChange {
  switch (step.do) {
    case "install":
    case "switch":
      return "restart";
    case "write":
      return step.file.onChange;
    case "remove":
      return live.files[step.path]?.onChange ?? live.onChange;
    case "move aside":
      return live.onChange;
    default:
      return "nothing";
  }
}

function stale({ configuration }: Service): OnChange {
  if (configuration === "restart needed") return "restart";
  return configuration === "reload needed" ? "reload" : "nothing";
}

function unitSentence(action: UnitAction, name: string, drains: boolean): string {
  if (action === "reload") return `reload ${name} (no connection dropped)`;
  return drains ? `drain the host and restart ${name} (no request lost)` : `${action} ${name}`;
}
