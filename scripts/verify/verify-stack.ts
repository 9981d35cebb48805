/** Runs all checks of a stack: side by side, and one after the other those that want it for themselves. */
import { runCheck, type Verdict } from "./check";
import { listChecks } from "./checks/all";
import type { StackOutputs } from "./outputs";
import { withSite } from "./site";

export interface VerifyOptions {
  /** `none` leaves out what writes an entry or stops a server. */
  readonly changes: "allowed" | "none";
}

export async function verifyStack(
  outputs: StackOutputs,
  options: VerifyOptions,
): Promise<readonly Verdict[]> {
  const checks = listChecks(outputs.endpoints, options);
  return withSite(outputs, "checking", async (site) => {
    const verdicts = await Promise.all(checks.together.map((check) => runCheck(check, site)));
    for (const check of checks.alone) verdicts.push(await runCheck(check, site));
    return verdicts;
  });
}
