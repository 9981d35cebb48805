/** `npm run pulumi -- ARGS`: the CLI with the state, passphrase and plugins of the stack that ARGS name or that is selected. */
import { devStack } from "./setup/environment";
import { runMain } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { ensureStack, showPulumi } from "./setup/stack";
import { addressedStack, placeOf } from "./setup/stack-place";

runMain(async () => {
  const args = process.argv.slice(2);
  const place = placeOf(addressedStack(args));
  const isInit = args.join(" ").startsWith("stack init");
  if (isInit && place === devStack && !args.includes(devStack.stack)) {
    // A stack that Pulumi asks the name of would get the passphrase of the dev stack.
    throw new Error("stack init: expected a name: npm run pulumi -- stack init NAME");
  }
  await setUpPulumi();
  // The dev stack alone needs no decision: it is made where it is missing.
  if (place === devStack && !isInit) await ensureStack(place);
  return showPulumi(place, args, { stdin: "inherit", stack: "as selected" });
});
