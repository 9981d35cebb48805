/** Every unit runs on its host. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type EndpointHost, type Endpoints, startCommand } from "../endpoints";

export const unitProperties = ["ActiveState", "SubState", "Result", "LoadState", "UnitFileState"];

export function unitChecks({ stack, hosts }: Endpoints): readonly Check[] {
  return hosts.flatMap((host) =>
    [...host.services.map(({ unit }) => unit), ...host.helpers].map((unit) =>
      unitCheck(host, unit, stack),
    ),
  );
}

function unitCheck(host: EndpointHost, unit: string, stack: string): Check {
  const question = sh`LC_ALL=C systemctl show -p ${unitProperties.join()} -- ${unit}`;
  return {
    name: `${host.name}: ${unit} is running`,
    expected: "active, and enabled at boot",
    remedy: `${startCommand(stack)} brings it back; why it ended: journalctl -u ${unit} on ${host.name}`,
    deadlineSeconds: 25,
    run: async (site) => judgeUnit(await site.run(host, question.text, 10)),
  };
}

/** Judges what `systemctl show` says of a unit. */
export function judgeUnit(text: string): Finding {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  if (value("LoadState") === "not-found") return failed("there is no such unit");
  const state = `${value("ActiveState")} (${value("SubState")})`;
  // A reload is a moment in the life of a unit that serves.
  if (!["active", "reloading"].includes(value("ActiveState"))) {
    const result = value("Result");
    return failed(result === "success" ? state : `${state}, ${result}`);
  }
  const isEnabled = ["enabled", "static", "alias", "indirect"].includes(value("UnitFileState"));
  return isEnabled ? passed(state) : failed(`${state}, but ${value("UnitFileState")} at boot`);
}
