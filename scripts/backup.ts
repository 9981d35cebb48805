/** `npm run backup`: makes copies now, lists them, or reads all that they hold. */
import { checkRepositories, copyNow, listCopies } from "./backup/backup";
import { renderCopies, renderCopiesJson } from "./backup/copies";
import { readCommandLine, UsageError } from "./command-line";
import { tellAway } from "./operate/hosts";
import { runMain } from "./setup/say";
import { exportState, readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

const name = "npm run backup --";
const verbs = ["now", "list", "check"];

runMain(async () => {
  const line = readCommandLine({
    name,
    about:
      "now: copies the database, the folders and the state of the stack at once. list: shows what copies there are. check: reads all data of all\n" +
      "repositories, which takes as long as a restore. Status 1 where a host or a repository fails.",
    word: verbs.join("|"),
    options: { json: { type: "boolean", about: "of list: one JSON document instead of a table" } },
  });
  if (line === undefined) return 0;
  const { word, values } = line;
  if (!verbs.includes(word)) {
    throw new UsageError(`expected ${verbs.join(", ")}, got "${word}": see ${name} --help`);
  }
  const outputs = await readOutputs(line.stack);
  const { backup, stack } = outputs.endpoints;
  if (backup === undefined) {
    const remedy = "give a host the role backup, or set trilithon:backup.repository";
    throw new UsageError(`stack ${stack}: nothing is backed up: ${remedy}`);
  }
  tellAway(outputs.endpoints);
  return withSite(outputs, "backing up", async (site) => {
    if (word === "list") {
      const { copies, faults } = await listCopies(site, backup);
      process.stdout.write(values.json ? renderCopiesJson(stack, copies) : renderCopies(copies));
      return tell(faults);
    }
    if (word === "check") return tell(await checkRepositories(site, backup));
    return tell(await copyNow(site, backup, await exportState(line.stack)));
  });
});

function tell(faults: readonly string[]): number {
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}
