/** `npm run restore`: the database as it was, on a mysqld beside the one that serves. */
import { readCommandLine, UsageError } from "./command-line";
import { parseReport, renderReport } from "./restore/report";
import { removeScratch, restoreIntoScratch } from "./restore/scratch";
import { parsePlace, parseTarget } from "./restore/target";
import { runMain } from "./setup/say";
import { databaseHosts } from "./verify/endpoints";
import { readBackupKeys, readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

const name = "npm run restore --";

runMain(async () => {
  const line = readCommandLine({
    name,
    about:
      "Restores the database into a mysqld of its own at 127.0.0.1 of a member, beside the one that serves, and shows what is in it.\n" +
      "It stays, to be looked at, until --remove or the next one. Status 1 where what was wanted cannot be restored whole.",
    options: {
      to: {
        ...{ type: "string", value: "latest|TIME|GTID" },
        about: "all that committed before 2026-11-30T05:37:09Z, or up to UUID:NUMBER",
      },
      into: { type: "string", value: "HOST:scratch", about: "a member of the database" },
      remove: { type: "boolean", about: "end what was restored there, and remove its data" },
      json: { type: "boolean", about: "one JSON document instead of tables" },
    },
  });
  if (line === undefined) return 0;
  const { to, into, remove, json } = line.values;
  if (into === undefined || (to === undefined) !== remove) {
    const expected = "--into HOST:scratch with either --to or --remove";
    throw new UsageError(`expected ${expected}: see ${name} --help`);
  }
  const target = to === undefined ? undefined : parseTarget(to);
  const outputs = await readOutputs(line.stack);
  if (outputs.endpoints.backup === undefined) {
    throw new UsageError(`stack ${line.stack}: nothing is backed up`);
  }
  const host = parsePlace(into, databaseHosts(outputs.endpoints));
  return withSite(outputs, "restoring", async (site) => {
    if (target === undefined) {
      await removeScratch(site, host);
      return 0;
    }
    const keys = await readBackupKeys(line.stack);
    const report = parseReport(await restoreIntoScratch(site, host, { target, keys }));
    process.stdout.write(
      json ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report, host.name),
    );
    return 0;
  });
});
