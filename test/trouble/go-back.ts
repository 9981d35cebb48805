/** `npm run rollback`, as somebody who agrees. */
import { rollBack } from "../../scripts/operate/rollback";
import type { TestStack } from "../end-to-end/support/test-stack";

/** Whether it was done. Default: to the version before. */
export async function goBack(
  stack: TestStack,
  say: (message: string) => void,
  version?: string,
): Promise<boolean> {
  const given = { version, host: undefined, isAgreed: async () => true, say };
  return rollBack(await stack.outputs(), given);
}
