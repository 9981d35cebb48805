/** `npm run verify [-- --json] [--read-only] [--stack NAME]`: checks a running stack from outside; status 1 when a check fails. */
import { parseArgs } from "node:util";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { renderJson, renderTable } from "./verify/report";
import { verifyStack } from "./verify/verify-stack";

runMain(async () => {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      "read-only": { type: "boolean", default: false },
      stack: { type: "string", default: "dev" },
    },
  });
  const outputs = await readOutputs(values.stack);
  const changes = values["read-only"] ? "none" : "allowed";
  const verdicts = await verifyStack(outputs, { changes });
  const report = { stack: values.stack, url: outputs.endpoints.url, verdicts };
  process.stdout.write(values.json ? renderJson(report) : renderTable(report));
  return verdicts.every(({ passed }) => passed) ? 0 : 1;
});
