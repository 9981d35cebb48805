/** `npm run diagram [-- --stack NAME]`: draws docs/infrastructure.svg from the running stack's own data. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { renderDiagram } from "./diagram/render";
import { root } from "./setup/environment";
import { runMain, say } from "./setup/say";
import { readEndpoints } from "./verify/outputs";

const file = join(root, "docs", "infrastructure.svg");

runMain(async () => {
  const { values } = parseArgs({ options: { stack: { type: "string", default: "dev" } } });
  const endpoints = await readEndpoints(values.stack);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, renderDiagram(endpoints));
  say("docs/infrastructure.svg", `drawn from stack ${values.stack}`);
});
