/** What a page of docs/applications tells its reader to write, so that a trial does just that. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CORE_SCHEMA, load } from "js-yaml";
import { root } from "../../../scripts/setup/environment";
import type { Settings } from "../../end-to-end/support/test-stack";

const mostLines = 20;

export const readPage = (page: string) =>
  readFile(join(root, "docs/applications", `${page}.md`), "utf8");

/** The settings of a page; `replaced` has the texts that are other ones in the trial: paths and addresses. */
export async function recipe(
  page: string,
  replaced: Readonly<Record<string, string>>,
): Promise<Settings> {
  const [, block = ""] = /^```yaml\n([\s\S]*?)^```$/m.exec(await readPage(page)) ?? [];
  const lines = block.trimEnd().split("\n").length;
  if (block === "" || lines > mostLines) {
    throw new Error(`docs/applications/${page}.md: expected 1 to ${mostLines} lines of settings`);
  }
  const own = Object.entries(replaced).reduce((said, [from, to]) => {
    if (!said.includes(from)) throw new Error(`docs/applications/${page}.md has no ${from}`);
    return said.replaceAll(from, to);
  }, block);
  return load(own, { schema: CORE_SCHEMA }) as Settings;
}

/** The files that a page shows, each in a block that has its name. */
export async function writeFilesOf(page: string, folder: string): Promise<void> {
  const blocks = (await readPage(page)).matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm);
  for (const [, name = "", content = ""] of blocks) {
    await writeFile(join(folder, name), content, { mode: 0o755 });
  }
}
