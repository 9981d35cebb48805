/** A live command on a host of a stack, to its end: over a connection of its own, as `npm run exec` does it. */
import { text } from "node:stream/consumers";
import { type LiveCommandArgs, startLiveCommand } from "../../../provider/ssh/live-command";
import { findHost } from "../../../scripts/maintenance/drain";
import type { StackOutputs } from "../../../scripts/verify/outputs";
import { reached } from "../../../scripts/verify/site";

export async function runLive(
  { endpoints, privateKeys }: StackOutputs,
  name: string,
  args: LiveCommandArgs,
  input = "",
) {
  const host = findHost({ endpoints }, name);
  const command = await startLiveCommand(reached(host, privateKeys), args);
  // A terminal's input has no end.
  if (args.terminal === undefined) command.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(command.stdout), text(command.stderr)]);
  return { stdout, stderr, end: await command.end };
}
