/** `npm run exec -- COMMAND`: runs a command as the application does, on a web server. */
import { readCommandLine, UsageError } from "./command-line";
import { applicationOption, ofApplication } from "./operate/hosts";
import { runInPlace } from "./operate/run-in-place";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";

/** Linux takes 131072 bytes in one argument, and sshd hands all words to the login shell in one, two digits for each byte. */
const bytesAtMost = 60_000;
const name = "npm run exec --";

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
      process: {
        type: "string",
        value: "NAME",
        about: "as this process or job of the application",
      },
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
  const { host, process, application } = line.values;
  if (process !== undefined && !/^[a-z][a-z0-9-]*$/.test(process)) {
    throw new UsageError(`--process: expected a process or job of the application, got ${process}`);
  }
  const outputs = ofApplication(await readOutputs(line.stack), application);
  return runInPlace(outputs, { host, process, command: line.rest });
});
