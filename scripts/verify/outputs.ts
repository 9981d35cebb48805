/** Asks Pulumi for the outputs of a stack that the scripts need. */
import * as v from "valibot";
import type { StackPlace } from "../setup/environment";
import { capturePulumi } from "../setup/stack";
import { placeOf } from "../setup/stack-place";
import { type Endpoints, parseEndpoints, startCommand } from "./endpoints";

export interface StackOutputs {
  readonly endpoints: Endpoints;
  /** Host name to private key. */
  readonly privateKeys: Readonly<Record<string, string>>;
}

export async function readEndpoints(stack: string, place = placeOf(stack)): Promise<Endpoints> {
  return parseEndpoints(await readOutput(place, "endpoints"));
}

export async function readOutputs(stack: string, place = placeOf(stack)): Promise<StackOutputs> {
  const [endpoints, sshKeys] = await Promise.all([
    readEndpoints(stack, place),
    readOutput(place, "sshKeys", "--show-secrets"),
  ]);
  return { endpoints, privateKeys: v.parse(v.record(v.string(), v.string()), sshKeys) };
}

const backupKey = v.object({
  repository: v.string(),
  password: v.string(),
  ca: v.optional(v.string()),
  environment: v.optional(v.record(v.string(), v.string()), {}),
});
/** How a repository of restic's is reached. */
export type BackupKey = v.InferOutput<typeof backupKey>;
export type BackupKeys = Readonly<Record<string, Readonly<Record<string, BackupKey>>>>;

/** Machine to place to its repository. */
export async function readBackupKeys(stack: string, place = placeOf(stack)): Promise<BackupKeys> {
  return parseBackupKeys(await readOutput(place, "backupKeys", "--show-secrets"));
}

export function parseBackupKeys(keys: unknown): BackupKeys {
  return v.parse(v.record(v.string(), v.record(v.string(), backupKey)), keys);
}

/** Its secrets stay encrypted, by the stack's passphrase or provider. */
export async function exportState(stack: string, place = placeOf(stack)): Promise<string> {
  const { status, stdout, stderr } = await capturePulumi(place, [
    "stack",
    "export",
    "--stack",
    stack,
  ]);
  if (status === 0) return stdout;
  throw new Error(
    `stack ${stack}: its state cannot be exported: ${stderr.trim().split("\n").at(-1) ?? ""}`,
  );
}

async function readOutput(place: StackPlace, name: string, ...options: string[]): Promise<unknown> {
  const { stack } = place;
  const args = ["stack", "output", name, "--json", "--stack", stack, ...options];
  const { status, stdout, stderr } = await capturePulumi(place, args);
  if (status === 0) return JSON.parse(stdout);
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(
    `stack ${stack}: no output ${name}: ${reason}\nbring it up first: ${startCommand(stack)}`,
  );
}
