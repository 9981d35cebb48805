/** `npm run console`: the application's interactive program on a web server, or a shell in its place. */
import { readCommandLine, UsageError } from "./command-line";
import { applicationNamed, ofApplication } from "./operate/hosts";
import { runInPlace } from "./operate/run-in-place";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";

/** Where the settings name no program. */
const shell = ["sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"];

runMain(async () => {
  const line = readCommandLine({
    name: "npm run console --",
    words: "[APP]",
    about:
      "Opens what `application.console` names, or a shell, with the application's user, folder, environment and sandbox, on the first\n" +
      "web server that answers.",
    options: {
      host: { type: "string", value: "HOST", about: "this web server" },
    },
  });
  if (line === undefined) return 0;
  const [application, ...more] = line.rest;
  if (more.length > 0) throw new UsageError(`expected one APP, got ${line.rest.join(" ")}`);
  const all = await readOutputs(line.stack);
  if (application !== undefined && !applicationNamed(all.endpoints, application)) {
    throw new UsageError(`${application}: no application of this stack`);
  }
  const outputs = ofApplication(all, application);
  const { endpoints } = outputs;
  return runInPlace(outputs, {
    host: line.values.host,
    command: endpoints.console.length > 0 ? endpoints.console : shell,
  });
});
