/** `npm run pulumi -- ARGS`: the CLI with the dev stack's backend, passphrase and plugins. */
import { devStack } from "./setup/environment";
import { runMain } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { selectStack, showPulumi } from "./setup/stack";

runMain(async () => {
  await setUpPulumi();
  await selectStack(devStack);
  return showPulumi(devStack, process.argv.slice(2), "inherit");
});
