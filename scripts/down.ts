/** `npm run down`: removes the dev stack, and what is left of it where its state was lost. */

import { prepareEngine } from "./setup/engine";
import { devStack } from "./setup/environment";
import { listLabelled, removeLabelled } from "./setup/labelled";
import { runMain, say } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { capturePulumi, hasStack, removeStack, showPulumi } from "./setup/stack";

runMain(async () => {
  // An engine that is down would keep the containers, and Pulumi would forget what runs in them.
  say("Docker engine", await prepareEngine());
  await setUpPulumi();
  const { stack } = devStack;
  if (await hasStack(devStack)) {
    // Hosts with data are protected; whoever runs this means them too.
    await capturePulumi(devStack, ["state", "unprotect", "--all", "--yes"]);
    const status = await showPulumi(devStack, ["destroy", "--yes", "--skip-preview"]);
    const hasContainers = (await listLabelled(stack)).containers.length > 0;
    if (status !== 0 && !hasContainers) return status;
    if (status !== 0) say(`stack ${stack}`, "destroy failed, removing the containers themselves");
  }
  const removed = await removeLabelled(stack);
  if (removed > 0) say(`stack ${stack}`, `removed ${removed} containers and networks left behind`);
  if (await hasStack(devStack)) await removeStack(devStack);
  say(`stack ${stack}`, "is gone");
  return 0;
});
