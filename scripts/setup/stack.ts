/** Runs Pulumi's CLI on one stack. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cliFolder, pulumiEnvironment, type StackPlace } from "./environment";
import { asksForLog, maskLog, maskRecord } from "./masked-log";
import { capture, type Finished, must, show } from "./run";
import { removeStaleLocks } from "./stale-lock";

const cli = join(cliFolder, "pulumi");

/** Makes the stack where it is not there yet. */
export async function selectStack(place: StackPlace): Promise<void> {
  await mkdir(place.backend, { recursive: true });
  await must(`stack ${place.stack}`, cli, ["stack", "select", "--create", place.stack], at(place));
}

export async function hasStack(place: StackPlace): Promise<boolean> {
  if (!existsSync(place.backend)) return false;
  const { status } = await capture(cli, ["stack", "--show-name"], at(place));
  return status === 0;
}

/** Forgets the stack, with whatever its state still lists; its settings stay. */
export async function removeStack(place: StackPlace): Promise<void> {
  await removeStaleLocks(place);
  const args = ["stack", "rm", "--yes", "--force", "--preserve-config", place.stack];
  await must(`stack ${place.stack}`, cli, args, at(place));
}

/** The user sees what it prints; answers the exit status. */
export async function showPulumi(
  place: StackPlace,
  args: readonly string[],
  stdin: "inherit" | "ignore" = "ignore",
): Promise<number> {
  await removeStaleLocks(place);
  if (!asksForLog(args)) return show(cli, args, { ...at(place), stdin });
  // Without this the log would go into a file, as it is.
  const all = ["--logtostderr", ...args];
  return show(cli, all, { ...at(place), stdin, mapErrorLine: maskRecord });
}

export async function capturePulumi(place: StackPlace, args: readonly string[]): Promise<Finished> {
  await removeStaleLocks(place);
  const finished = await capture(cli, args, at(place));
  return { ...finished, stderr: maskLog(finished.stderr) };
}

function at(place: StackPlace) {
  return { cwd: place.project, env: pulumiEnvironment(place) };
}
