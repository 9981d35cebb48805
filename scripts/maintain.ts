/** `npm run maintain`: package updates, and a reboot if wanted, on one host after the other. */
import { readCommandLine } from "./command-line";
import { maintain } from "./maintenance/maintain";
import { finishSeconds, saying } from "./maintenance/options";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run maintain --",
    about:
      "Lists package updates, then takes one host after the other out of service, updates it, restarts what runs old code\n" +
      "(or reboots it), waits until it is healthy and in step, and takes it back in. Stops at the first that does not come back.",
    options: {
      host: { type: "string", value: "HOST", about: "this host only (default: all)" },
      list: { type: "boolean", about: "list the updates, and change nothing" },
      security: { type: "boolean", about: "only updates from a security archive" },
      reboot: { type: "boolean", about: "reboot each host, be there updates or not" },
    },
  });
  if (line === undefined) return 0;
  const { host, list, security, reboot } = line.values;
  const isDone = await maintain(await readOutputs(line.stack), {
    ...{ host, reboot, finishSeconds, say: saying },
    ...{ isSecurityOnly: security, isListOnly: list },
  });
  return isDone ? 0 : 1;
});
