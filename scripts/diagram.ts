/** `npm run diagram [-- STACK]`: draws docs/infrastructure.svg from a running stack's own data. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readCommandLine } from "./command-line";
import { renderDiagram } from "./diagram/render";
import { root } from "./setup/environment";
import { runMain, say } from "./setup/say";
import { readEndpoints } from "./verify/outputs";

const file = join(root, "docs", "infrastructure.svg");

runMain(async () => {
  const line = readCommandLine({
    name: "npm run diagram --",
    about: "Draws docs/infrastructure.svg from a running stack's own data.",
    options: {},
  });
  if (line === undefined) return;
  const endpoints = await readEndpoints(line.stack);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, renderDiagram(endpoints));
  say("docs/infrastructure.svg", `drawn from stack ${line.stack}`);
});
