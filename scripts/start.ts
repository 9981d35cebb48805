/** `npm start`: sets the machine up where it is not, brings the dev stack up, and says where its page is. */
import { devStack } from "./setup/environment";
import { startStopped } from "./setup/labelled";
import { runMain, say } from "./setup/say";
import { setUp } from "./setup/setup";
import { capturePulumi, selectStack, showPulumi } from "./setup/stack";

runMain(async () => {
  await setUp();
  await selectStack(devStack);
  const stopped = await startStopped(devStack.stack);
  if (stopped > 0) say(`stack ${devStack.stack}`, `started ${stopped} stopped containers`);
  say(`stack ${devStack.stack}`, "pulumi up");
  const status = await showPulumi(devStack, ["up", "--yes", "--skip-preview"]);
  if (status !== 0) return status;
  const { stdout } = await capturePulumi(devStack, ["stack", "output", "endpoints", "--json"]);
  process.stdout.write(`\n${JSON.parse(stdout).url}\n`);
  return 0;
});
