/** `npm run restore`: the database as it was, on a mysqld beside the one that serves, and from there into the cluster. */
import { createInterface } from "node:readline/promises";
import { readCommandLine, UsageError } from "./command-line";
import { saying } from "./maintenance/options";
import { restoreCluster } from "./restore/into-cluster";
import { readKeysFile } from "./restore/keys-file";
import { parseReport, renderReport } from "./restore/report";
import { removeScratch, restoreIntoScratch } from "./restore/scratch";
import { parsePlace, parseTarget, parseTime } from "./restore/target";
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
      "It stays, to be looked at, until --remove or the next one. With --cluster it goes from there into the cluster: the site and the primary\n" +
      "are closed for that, and what is going to be done is shown, and asked about, before. Status 1 where what was wanted cannot be restored whole.",
    options: {
      to: {
        ...{ type: "string", value: "latest|TIME|GTID|SET" },
        about:
          "all that committed before 2026-11-30T05:37:09Z, up to UUID:NUMBER, or just UUID:1-NUMBER,...",
      },
      into: { type: "string", value: "HOST:scratch", about: "a member of the database" },
      cluster: { type: "boolean", about: "into the cluster, by way of its primary" },
      only: {
        ...{ type: "string", value: "DATABASE[.TABLE]" },
        about: "with --cluster: this one, and leave the others as they are",
      },
      keys: {
        ...{ type: "string", value: "FILE" },
        about: "of another stack's copies: what its output backupKeys was (default: this stack's)",
      },
      "copied-before": {
        ...{ type: "string", value: "TIME" },
        about: "takes no copies that were made later: those of a cluster that was made anew",
      },
      remove: { type: "boolean", about: "end what was restored there, and remove its data" },
      yes: { type: "boolean", about: "with --cluster: do not ask" },
      json: { type: "boolean", about: "one JSON document instead of tables" },
    },
  });
  if (line === undefined) return 0;
  const { to, into, cluster, only, remove, json, yes } = line.values;
  if ((into === undefined) === !cluster || (to === undefined) !== remove || (cluster && remove)) {
    const expected = "--to with either --into HOST:scratch or --cluster, or --into with --remove";
    throw new UsageError(`expected ${expected}: see ${name} --help`);
  }
  if (!cluster && (only !== undefined || yes)) {
    throw new UsageError(`--only and --yes: expected with --cluster: see ${name} --help`);
  }
  const target = to === undefined ? undefined : parseTarget(to);
  const last = line.values["copied-before"];
  const before = last === undefined ? undefined : parseTime("--copied-before", last);
  const outputs = await readOutputs(line.stack);
  if (outputs.endpoints.backup === undefined) {
    throw new UsageError(`stack ${line.stack}: nothing is backed up`);
  }
  const members = databaseHosts(outputs.endpoints);
  const host = into === undefined ? undefined : parsePlace(into, members);
  return withSite(outputs, "restoring", async (site) => {
    if (target === undefined) {
      if (host !== undefined) await removeScratch(site, host);
      return 0;
    }
    const { keys: file } = line.values;
    const keys = await (file === undefined ? readBackupKeys(line.stack) : readKeysFile(file));
    if (host === undefined) {
      const tell = (message: string) => void process.stderr.write(`${message}\n`);
      const ask = yes ? undefined : () => isAgreed(line.stack);
      return restoreCluster(site, { target, keys, before, only, ask, say: saying, tell });
    }
    const report = parseReport(await restoreIntoScratch(site, host, { target, keys, before }));
    process.stdout.write(
      json ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report, host.name),
    );
    return 0;
  });
});

/** What is replaced is named: a stack may be another one than its user thinks. */
async function isAgreed(stack: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Error(`stack ${stack}: no terminal to ask on: add --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Replace this in stack ${stack}? Type its name: `);
  terminal.close();
  return answer.trim() === stack;
}
