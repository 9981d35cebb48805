/** `npm run pulumi -- ARGS`: the CLI with the dev stack's backend, passphrase and plugins. */
import { devStack } from "./setup/environment";
import { runMain } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { selectStack, showPulumi } from "./setup/stack";

/** Of Pulumi's ways to name a stack. */
const naming = /(?:^| )(?:--stack[= ]|-s[= ]?|stack (?:init|select) (?:--\S+ )*)([^\s-]\S*)/;

/** The dev stack's passphrase is published with the sources: it keeps no other stack's secrets. */
function requireOwnPassphrase(args: readonly string[]): void {
  const { PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE } = process.env;
  const [, stack = devStack.stack] = naming.exec(args.join(" ")) ?? [];
  const isGiven = PULUMI_CONFIG_PASSPHRASE !== undefined || PULUMI_CONFIG_PASSPHRASE_FILE;
  if (isGiven || stack.split("/").at(-1) === devStack.stack) return;
  throw new Error(
    `stack ${stack}: expected a passphrase of its own: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE`,
  );
}

runMain(async () => {
  requireOwnPassphrase(process.argv.slice(2));
  await setUpPulumi();
  await selectStack(devStack);
  return showPulumi(devStack, process.argv.slice(2), "inherit");
});
