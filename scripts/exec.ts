/** `npm run exec -- COMMAND`: runs a command as the application does, on a web server. */
import { startLiveCommand } from "../provider/ssh/live-command";
import { readCommandLine, UsageError } from "./command-line";
import { attach, ownTerminal, statusOf } from "./operate/attach";
import {
  applicationOption,
  hostsServing,
  ofApplication,
  onFirstThatAnswers,
} from "./operate/hosts";
import { inApplication } from "./operate/in-application";
import { runMain } from "./setup/say";
import { serviceOf } from "./verify/endpoints";
import { readOutputs } from "./verify/outputs";
import { reached } from "./verify/site";

/** Linux takes 131072 bytes in one argument, and sshd hands all words to the login shell in one, two digits for each byte. */
const bytesAtMost = 60_000;
const name = "npm run exec --";
const tell = (message: string) => process.stderr.write(`${message}\n`);

runMain(async () => {
  const line = readCommandLine({
    name,
    rest: "[--] COMMAND [ARGS...]",
    about:
      "Runs a command in the folder of the version that is live, with the application's user, environment and sandbox, on the\n" +
      "first web server that answers. Its input, its output and its terminal are this one's, and so is its exit status; 255 where\n" +
      "that is not known.",
    options: {
      host: { type: "string", value: "HOST", about: "this web server" },
      ...applicationOption,
    },
  });
  if (line === undefined) return 0;
  const [command] = line.rest;
  if (command === undefined) throw new UsageError(`expected a COMMAND: see ${name} --help`);
  const length = Buffer.byteLength(line.rest.join(""));
  if (length > bytesAtMost) {
    throw new UsageError(
      `COMMAND: expected at most ${bytesAtMost} bytes, got ${length}: send what is long on standard input`,
    );
  }
  const { endpoints: all, privateKeys } = await readOutputs(line.stack);
  const endpoints = ofApplication(all, line.values.application);
  const hosts = hostsServing(endpoints, "application", line.values.host);
  const terminal = ownTerminal();
  const run = () =>
    onFirstThatAnswers({ hosts, tell }, async (host) => {
      const unit = serviceOf(host, "application")?.unit ?? "";
      const args = inApplication({ unit, command: line.rest, terminal });
      return attach(host.name, await startLiveCommand(reached(host, privateKeys), args), terminal);
    });
  return statusOf(run, tell);
});
