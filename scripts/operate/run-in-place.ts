/** Runs a command in the application's place on the first web server that answers, joined to this process's streams. */
import { startLiveCommand } from "../../provider/ssh/live-command";
import { serviceOf } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { reached } from "../verify/site";
import { attach, ownTerminal, statusOf } from "./attach";
import { hostsServing, onFirstThatAnswers } from "./hosts";
import { inApplication } from "./in-application";

export interface RunInPlace {
  /** Default: the first that answers. */
  readonly host: string | undefined;
  /** Default: the one that serves. */
  readonly process?: string | undefined;
  readonly command: readonly string[];
}

const tell = (message: string) => process.stderr.write(`${message}\n`);

/** Answers the command's exit status. */
export function runInPlace(
  { endpoints, privateKeys }: StackOutputs,
  { host: name, process, command }: RunInPlace,
): Promise<number> {
  const hosts = hostsServing(endpoints, "application", name);
  const terminal = ownTerminal();
  const run = () =>
    onFirstThatAnswers({ hosts, tell }, async (host) => {
      const unit = serviceOf(host, "application")?.unit ?? "";
      const args = inApplication({ unit, process, command, terminal });
      return attach(host.name, await startLiveCommand(reached(host, privateKeys), args), terminal);
    });
  return statusOf(run, tell);
}
