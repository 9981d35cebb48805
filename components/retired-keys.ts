/** By which SSH keys nobody is let in any more. */
import * as pulumi from "@pulumi/pulumi";
import { RetiredKeys } from "../provider/resources/retired-keys";
import type { StackHosts } from "./hosts";

/** On each host, after all else on it: until then that may be reached by a former key alone. */
export function retireKeys(
  { all, retiredKeys }: StackHosts,
  after: readonly pulumi.Resource[],
): void {
  if (retiredKeys === undefined) return;
  for (const { name, host, machine, deletedWith } of all) {
    new RetiredKeys(
      `${name}-retired-keys`,
      { host, keys: retiredKeys },
      { dependsOn: [machine, ...after], ...(deletedWith && { deletedWith }) },
    );
  }
}

/** Those of the settings, and those that gave way to another one. */
export function retiredKeysOf(
  given: readonly string[],
  former: pulumi.Output<readonly string[]> | undefined,
): pulumi.Output<readonly string[]> | undefined {
  if (former === undefined && given.length === 0) return undefined;
  return pulumi.output(former ?? []).apply((keys) => [...given, ...keys]);
}
