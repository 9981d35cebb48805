/** The way of `npm run restore -- --cluster`: beside the primary, shown and agreed to, and then into it. */

import { sh } from "../../provider/ssh/shell";
import { setMaintenance } from "../maintenance/closing";
import { whoIsIt } from "../operate/rollback-plan";
import type { Site } from "../verify/check";
import { type EndpointHost, hostsWith } from "../verify/endpoints";
import { askMembers } from "../verify/mysql";
import {
  awaitMembers,
  closePrimary,
  differences,
  liveTables,
  load,
  makeDefiners,
  missingDefiners,
  openPrimary,
  planCluster,
  renderPlan,
  roundedTables,
  tryDump,
} from "./cluster";
import { parseReport, renderReport } from "./report";
import { removeScratch, restoreIntoScratch, type Wanted } from "./scratch";

export interface ClusterRestore extends Wanted {
  readonly only: string | undefined;
  /** Whether somebody agrees. Default: nobody is asked. */
  readonly ask: (() => Promise<boolean>) | undefined;
  readonly say: (message: string) => void;
  readonly tell: (message: string) => void;
}

/** Status 0 once it is done. What fails after the primary was closed leaves it closed: half of it is worse than none. */
export async function restoreCluster(site: Site, wish: ClusterRestore): Promise<number> {
  const { only, ask, say, tell } = wish;
  const primary = await findWritable(site);
  const report = parseReport(await restoreIntoScratch(site, primary, wish));
  const rounded = await roundedTables(site, primary, report);
  const plan = planCluster(report, await liveTables(site, primary), only);
  const named = rounded.filter((name) => plan.changes.some((change) => change.name === name));
  const definers = await missingDefiners(site, primary, plan);
  await tryDump(site, primary, { ...report, ...plan });
  say(renderReport(report, primary.name));
  say(renderPlan(plan, primary.name, { rounded: named, definers }));
  if (ask !== undefined && !(await ask())) {
    await removeScratch(site, primary);
    tell("nothing was changed");
    return 1;
  }
  const wasClosed = await isSiteClosed(site);
  const page = { who: whoIsIt(), say, tell };
  if (!wasClosed) await setMaintenance(site, { ...page, state: "on" });
  try {
    const closedAt = new Date().toISOString();
    await closePrimary(site, primary);
    say(`${primary.name}: closed for writes; what was before: --to ${closedAt}`);
    await load(site, primary, { ...report, ...plan });
    if (definers.length > 0) for (const said of await makeDefiners(site, primary, plan)) tell(said);
    const live = await liveTables(site, primary);
    const other = differences(report.tables, live, { changes: plan.changes, rounded });
    if (other.length > 0) {
      throw new Error(`${primary.name}: not as they were restored: ${other.join(", ")}`);
    }
  } catch (error) {
    tell(`the site and ${primary.name} stay closed: run it again, or take what was before`);
    throw error;
  }
  return finish(site, { ...wish, primary, wasClosed });
}

/** The primary. One that an earlier run closed is `read_only` alone, which no other member is. */
async function findWritable(site: Site): Promise<EndpointHost> {
  const members = (await askMembers(site)).flatMap((one) => (one instanceof Error ? [] : [one]));
  const primaries = members.filter(({ isPrimary }) => isPrimary);
  const found = primaries.length > 0 ? primaries : members.filter(({ isClosed }) => !isClosed);
  const [primary, ...others] = found;
  if (primary !== undefined && others.length === 0) return primary.host;
  const who = found.map(({ host }) => host.name).join(" and ") || "no member";
  throw new Error(`expected one member that takes writes, got ${who}: npm run verify tells more`);
}

interface Loaded extends ClusterRestore {
  readonly primary: EndpointHost;
  readonly wasClosed: boolean;
}

/** Opened once it was compared. A member that lags is told, and gets no reads by itself. */
async function finish(site: Site, { primary, wasClosed, say, tell }: Loaded): Promise<number> {
  for (const fault of await awaitMembers(site, primary)) tell(fault);
  await openPrimary(site, primary);
  if (!wasClosed) await setMaintenance(site, { state: "off", who: whoIsIt(), say, tell });
  await removeScratch(site, primary);
  say(`${primary.name}: all rows are as they were restored, and it takes writes`);
  if (wasClosed && site.endpoints.edgeCommand !== undefined) {
    tell("the site was closed before, and stays so: npm run maintenance -- off opens it");
  }
  return 0;
}

/** By somebody else, before: it stays so. */
async function isSiteClosed(site: Site): Promise<boolean> {
  const { edgeCommand } = site.endpoints;
  const [first] = hostsWith(site.endpoints, "load-balancer");
  if (edgeCommand === undefined || first === undefined) return true;
  return (await site.run(first, sh`${edgeCommand} maintenance`.text, 10)).trim() !== "off";
}
