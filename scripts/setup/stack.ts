/** Runs Pulumi's CLI on one stack. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cliFolder, pulumiEnvironment, type StackPlace } from "./environment";
import { asksForLog, maskLog, maskRecord } from "./masked-log";
import { capture, type Finished, must, show } from "./run";
import { selectedStack } from "./stack-place";
import { removeStaleLocks } from "./stale-lock";

const cli = join(cliFolder, "pulumi");

/** Makes the stack where it is not there yet, and selects it. */
export async function selectStack(place: StackPlace): Promise<void> {
  await makeFolder(place);
  await must(`stack ${place.stack}`, cli, ["stack", "select", "--create", place.stack], at(place));
}

/** Makes the stack where it is not there yet. The selection stays, if there is one. */
export async function ensureStack(place: StackPlace): Promise<void> {
  await makeFolder(place);
  const { stack } = place;
  if (!(await hasStack(place))) {
    await must(`stack ${stack}`, cli, ["stack", "init", "--no-select", stack], at(place));
  }
  if (selectedStack() === undefined) {
    await must(`stack ${stack}`, cli, ["stack", "select", stack], at(place));
  }
}

export async function hasStack(place: StackPlace): Promise<boolean> {
  await makeFolder(place);
  const args = ["stack", "--show-name", "--stack", place.stack];
  const { status, stderr } = await capture(cli, args, at(place));
  if (status === 0 || /no stack named|not found/.test(stderr)) return status === 0;
  throw new Error(`stack ${place.stack}: ${stderr.trim()}`);
}

/** Forgets the stack, with whatever its state still lists; its settings stay. */
export async function removeStack(place: StackPlace): Promise<void> {
  await removeStaleLocks(place);
  const args = ["stack", "rm", "--yes", "--force", "--preserve-config", place.stack];
  await must(`stack ${place.stack}`, cli, args, at(place));
}

export interface ShowPulumiOptions {
  /** Hands on what the user types. Default `ignore`. */
  readonly stdin?: "inherit" | "ignore";
  /** `as selected` leaves it to Pulumi which stack is meant. Default: the place's. */
  readonly stack?: "of the place" | "as selected";
}

/** The user sees what it prints; answers the exit status. */
export async function showPulumi(
  place: StackPlace,
  args: readonly string[],
  { stdin = "ignore", stack = "of the place" }: ShowPulumiOptions = {},
): Promise<number> {
  await makeFolder(place);
  await removeStaleLocks(place);
  const { cwd, env } = at(place);
  const options = {
    cwd,
    env: stack === "of the place" ? env : { ...env, PULUMI_STACK: process.env.PULUMI_STACK },
    stdin,
  };
  if (!asksForLog(args)) return show(cli, args, options);
  // Without this the log would go into a file, as it is.
  return show(cli, ["--logtostderr", ...args], { ...options, mapErrorLine: maskRecord });
}

/** `input`: what it reads, such as a secret. Default: nothing. */
export async function capturePulumi(
  place: StackPlace,
  args: readonly string[],
  input?: string,
): Promise<Finished> {
  await removeStaleLocks(place);
  // A runner of CI has its own on PATH.
  const program = existsSync(cli) ? cli : "pulumi";
  const finished = await capture(program, args, { ...at(place), input });
  return { ...finished, stderr: maskLog(finished.stderr) };
}

/** Pulumi makes the folders in a folder of states, but not that folder. */
async function makeFolder({ backend }: StackPlace): Promise<void> {
  if (!backend.includes("://")) await mkdir(backend, { recursive: true });
}

function at(place: StackPlace) {
  return { cwd: place.project, env: pulumiEnvironment(place) };
}
