/** `npm run docs`: the tables of docs/components.md, from the interfaces. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTables } from "./components-page/tables";
import { root } from "./setup/environment";
import { runMain } from "./setup/say";

runMain(async () => {
  const file = join(root, "docs", "components.md");
  await writeFile(file, withTables(await readFile(file, "utf8")));
});
