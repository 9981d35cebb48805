/** What a check for drift found, for the stack's Prometheus: the node exporter of each host with the role `monitoring` tells it. */
import { sh } from "../../provider/ssh/shell";
import { hostsWith } from "../verify/endpoints";
import { factsFolder } from "../verify/monitoring";
import { readEndpoints, readOutputs, type StackOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";
import type { Found } from "./comment";

const file = `${factsFolder}/trilithon-drift.prom`;

export function renderFound({ changes, unchecked }: Found): string {
  const facts = [
    ["trilithon_drift_found", changes],
    ["trilithon_drift_unchecked", unchecked],
  ];
  return facts.map(([name, value]) => `# TYPE ${name} gauge\n${name} ${value}\n`).join("");
}

/** By the clock of the host, as Prometheus compares it with what happens on hosts. */
export function leaveCommand(found: Found): string {
  return sh`umask 022
{
  printf %s ${renderFound(found)}
  echo '# TYPE trilithon_drift_check_seconds gauge'
  echo "trilithon_drift_check_seconds $(date +%s)"
} >${file}.new && mv -f -- ${file}.new ${file}`.text;
}

/** A check is one also where nobody could be told. */
export async function tellMonitors(stack: string, found: Found): Promise<void> {
  try {
    if (hostsWith(await readEndpoints(stack), "monitoring").length === 0) return;
    await leave(await readOutputs(stack), found);
  } catch (error) {
    process.stderr.write(`monitoring was not told of this check: ${(error as Error).message}\n`);
  }
}

export async function leave(outputs: StackOutputs, found: Found): Promise<void> {
  const command = leaveCommand(found);
  await withSite(outputs, "telling what a check found", (site) =>
    Promise.all(
      hostsWith(outputs.endpoints, "monitoring").map((host) => site.run(host, command, 15)),
    ),
  );
}
