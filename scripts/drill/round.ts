/** One fault under load, and what it did. */
import * as v from "valibot";
import { wait } from "../verify/check";
import { databaseHosts, trustOf } from "../verify/endpoints";
import { askMysql } from "../verify/mysql";
import { withSite } from "../verify/site";
import type { Fault } from "./faults";
import { readDoubleHolding, watchHolders } from "./holders";
import { Load, type Samples } from "./load";
import { look, type Machines, type Recovery, recovered } from "./machines";
import { type Outage, outageOf } from "./outage";

export interface RoundArgs {
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** How long the fault lasts. */
  readonly seconds: number;
}

export interface Round {
  readonly kind: string;
  readonly host: string;
  readonly reads: Outage;
  readonly writes: Outage;
  readonly acknowledged: number;
  /** Acknowledged entries that a member lacks when all is well again. */
  readonly missing: readonly string[];
  /** Failed writes whose entry is there all the same: who sent it was told that it is not known. */
  readonly writtenUnacknowledged: number;
  readonly doubleHolderSeconds: number;
  /** From the end of the fault until all was as it should be; or what was still wrong. */
  readonly recovery: { readonly seconds: number } | { readonly faults: readonly string[] };
}

const quietSeconds = 2;
/** A member that lost its group may take a minute until it joins again. */
const catchUpSeconds = 150;
const recoverySeconds = 180;

/** Or why it was left out. */
export async function runRound(
  machines: Machines,
  fault: Fault,
  args: RoundArgs,
  say: (line: string) => void,
): Promise<Round | string> {
  const { endpoints } = machines.outputs;
  // The round before has waited until all was steady.
  const before = await recovered(machines, recoverySeconds, 0);
  if ("faults" in before) {
    throw new Error(`the stack is not well before ${fault.kind}: ${before.faults.join("; ")}`);
  }
  const target = fault.target(machines, before.view);
  if (typeof target === "string") return target;
  const mark = `${Date.now()}`;
  await watchHolders(machines, mark, args.seconds + recoverySeconds);
  const { url, domain } = endpoints;
  const load = new Load({ ...args, mark, url, domain, trust: trustOf(endpoints) });
  let samples: Samples;
  let recovery: Recovery;
  let from: number;
  let to: number;
  try {
    await wait(quietSeconds);
    say(`${fault.kind}: ${target.name}, ${fault.about}`);
    from = load.now();
    await fault.cause(machines, target, args.seconds);
    await wait(args.seconds);
    await fault.end?.(machines, target);
    to = load.now();
    recovery = await recovered(machines, recoverySeconds);
    await wait(quietSeconds);
  } finally {
    samples = await load.stop();
  }
  const { primary } = "view" in recovery ? recovery.view : await look(machines);
  const stored = await readStored(machines, mark, primary);
  const all = [...samples.acknowledged];
  return {
    kind: fault.kind,
    host: target.name,
    reads: outageOf(samples.reads, from, to),
    writes: outageOf(samples.writes, from, to),
    acknowledged: all.length,
    missing: all.filter((message) => stored.some((messages) => !messages.has(message))),
    writtenUnacknowledged: [...(stored[0] ?? [])].filter(
      (message) => !samples.acknowledged.has(message),
    ).length,
    doubleHolderSeconds: await readDoubleHolding(machines, mark),
    recovery,
  };
}

/** What each member has of this run's entries, once it has what the primary has; then they are removed. */
async function readStored(
  machines: Machines,
  mark: string,
  primary: string | undefined,
): Promise<readonly ReadonlySet<string>[]> {
  const { endpoints } = machines.outputs;
  if (endpoints.database === undefined || !endpoints.isGuestBook) return [];
  const members = databaseHosts(endpoints);
  return withSite(machines.outputs, "comparing what is stored", async (site) => {
    const table = `${endpoints.database}.entries`;
    const leader = members.find(({ name }) => name === primary);
    const executed =
      leader &&
      (await askMysql(site, leader, {
        sql: "SELECT JSON_QUOTE(@@GLOBAL.gtid_executed);",
        answer: v.string(),
      }));
    const stored = await Promise.all(
      members.map(async (member) => {
        const wait = executed
          ? `DO WAIT_FOR_EXECUTED_GTID_SET('${executed.replaceAll(/\s/g, "")}', ${catchUpSeconds});`
          : "";
        const messages = await askMysql(site, member, {
          sql: `${wait} SELECT JSON_ARRAYAGG(message) FROM ${table} WHERE name = 'drill' AND message LIKE '${mark} %';`,
          answer: v.nullable(v.array(v.string())),
          deadlineSeconds: catchUpSeconds + 10,
        });
        return new Set(messages ?? []);
      }),
    );
    if (leader) {
      const sql = `DELETE FROM ${table} WHERE name = 'drill' AND message LIKE '${mark} %'; SELECT ROW_COUNT();`;
      await askMysql(site, leader, { sql, answer: v.number(), deadlineSeconds: 30 });
    }
    return stored;
  });
}
