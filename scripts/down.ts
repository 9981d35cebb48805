/** `npm run down [-- STACK]`: removes a stack, and what is left of its containers where its state was lost. */

import { createInterface } from "node:readline/promises";
import { readCommandLine } from "./command-line";
import { prepareEngine } from "./setup/engine";
import { devStack, type StackPlace } from "./setup/environment";
import { listLabelled, removeLabelled } from "./setup/labelled";
import { runMain, say } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { capturePulumi, hasStack, removeStack, showPulumi } from "./setup/stack";
import { hasContainers, placeOf } from "./setup/stack-place";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run down --",
    about:
      "Removes a stack: containers with all that is in them; from existing machines, what the stack put there.\n" +
      "Asks first for any stack but dev.",
    options: { yes: { type: "boolean", about: "do not ask" } },
  });
  if (line === undefined) return 0;
  const place = placeOf(line.stack);
  if (!line.values.yes && place !== devStack && !(await isAgreed(place))) return 1;
  return hasContainers(place) ? removeContainers(place) : destroy(place);
});

/** What is removed is named: a stack may be another one than its user thinks. */
async function isAgreed({ stack }: StackPlace): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Error(`stack ${stack}: no terminal to ask on: npm run down -- ${stack} --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Remove stack ${stack}, with its data? Type its name: `);
  terminal.close();
  return answer.trim() === stack;
}

const consent = ["--yes", "--skip-preview"];

/** Its history stays, with the outputs that were. */
async function destroy(place: StackPlace): Promise<number> {
  await setUpPulumi();
  if (await hasStack(place)) return showPulumi(place, ["destroy", ...consent]);
  say(`stack ${place.stack}`, "there is none");
  return 0;
}

async function removeContainers(place: StackPlace): Promise<number> {
  const { stack } = place;
  // An engine that is down would keep the containers, and Pulumi would forget what runs in them.
  say("Docker engine", await prepareEngine());
  await setUpPulumi();
  if (await hasStack(place)) {
    // Hosts with data are protected; whoever runs this means them too.
    await capturePulumi(place, ["state", "unprotect", "--all", "--yes"]);
    const status = await showPulumi(place, ["destroy", ...consent]);
    const isLeft = (await listLabelled(stack)).containers.length > 0;
    if (status !== 0 && !isLeft) return status;
    if (status !== 0) say(`stack ${stack}`, "destroy failed, removing the containers themselves");
  }
  const removed = await removeLabelled(stack);
  if (removed > 0) say(`stack ${stack}`, `removed ${removed} containers and networks left behind`);
  if (await hasStack(place)) await removeStack(place);
  say(`stack ${stack}`, "is gone");
  return 0;
}
