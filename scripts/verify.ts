/** `npm run verify [-- STACK]`: checks a running stack from outside; status 1 when a check fails. */
import { readCommandLine } from "./command-line";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { renderJson, renderTable } from "./verify/report";
import { verifyStack } from "./verify/verify-stack";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run verify --",
    about:
      "Checks a running stack from outside: stops a server for seconds, and writes an entry of the guest book.",
    options: {
      json: { type: "boolean", about: "one JSON document instead of a table" },
      "read-only": { type: "boolean", about: "write nothing and stop nothing" },
    },
  });
  if (line === undefined) return 0;
  const { stack, values } = line;
  const outputs = await readOutputs(stack);
  const changes = values["read-only"] ? "none" : "allowed";
  const verdicts = await verifyStack(outputs, { changes });
  const { url, away } = outputs.endpoints;
  const report = { stack, url, away, verdicts };
  process.stdout.write(values.json ? renderJson(report) : renderTable(report));
  return verdicts.every(({ passed }) => passed) ? 0 : 1;
});
