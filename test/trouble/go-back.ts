/** `npm run rollback`, as somebody who agrees. */
import { rollBack } from "../../scripts/operate/rollback";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import type { TestStack } from "../end-to-end/support/test-stack";

export async function readOutputs(stack: TestStack) {
  const endpoints = parseEndpoints(await stack.output("endpoints"));
  const privateKeys = (await stack.output("sshKeys", "--show-secrets")) as Record<string, string>;
  return { endpoints, privateKeys };
}

/** Whether it was done. Default: to the version before. */
export async function goBack(
  stack: TestStack,
  say: (message: string) => void,
  version?: string,
): Promise<boolean> {
  const given = { version, host: undefined, isAgreed: async () => true, say };
  return rollBack(await readOutputs(stack), given);
}
