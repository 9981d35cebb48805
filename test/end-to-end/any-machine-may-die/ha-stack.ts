/** The stack of `Pulumi.ha.yaml` on container hosts of its own, and one round of a fault on it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { CORE_SCHEMA, load } from "js-yaml";
import * as v from "valibot";
import type { Fault } from "../../../scripts/drill/faults";
import { type Machines, reachMachines } from "../../../scripts/drill/machines";
import { runRound } from "../../../scripts/drill/round";
import { liveTables } from "../../../scripts/restore/cluster";
import { parseReport } from "../../../scripts/restore/report";
import { removeScratch, restoreIntoScratch } from "../../../scripts/restore/scratch";
import { root } from "../../../scripts/setup/environment";
import { databaseHosts } from "../../../scripts/verify/endpoints";
import { parseBackupKeys } from "../../../scripts/verify/outputs";
import { renderTable } from "../../../scripts/verify/report";
import { withSite } from "../../../scripts/verify/site";
import { verifyStack } from "../../../scripts/verify/verify-stack";
import { readListening } from "../support/listening";
import { readPreview } from "../support/preview";
import { type Settings, TestStack } from "../support/test-stack";

export class HaStack {
  private constructor(
    readonly stack: TestStack,
    private readonly machines: Machines,
  ) {}

  /**
   * `number` is the third part of its network's addresses, of which its ports follow: two of them for the two load balancers.
   * `without`: roles that its faults are not about.
   */
  static async up(
    name: string,
    number: number,
    without: readonly ("monitoring" | "backup")[],
  ): Promise<HaStack> {
    const stack = await TestStack.make(name, settingsElsewhere(number, without));
    await stack.up();
    const outputs = await stack.outputs();
    const machines = reachMachines(outputs, {
      areContainers: true,
      up: async () => void (await stack.up()),
    });
    return new HaStack(stack, machines);
  }

  async remove(): Promise<void> {
    if (process.env.TRILITHON_KEEP === undefined) await this.stack.remove();
  }

  /** After the fault no acknowledged entry is missing, no address was held twice, all is well again by itself, and the preview is empty. */
  async survives(t: ExecutionContext, fault: Fault): Promise<void> {
    const args = { readsPerSecond: 10, writesPerSecond: 10, seconds: 8 };
    const round = await runRound(this.machines, fault, args, (line) => t.log(line));
    if (typeof round === "string") return void t.fail(`left out: ${round}`);
    const { reads, writes, recovery } = round;
    t.log(
      `without a read ${reads.seconds.toFixed(1)} s, without a write ${writes.seconds.toFixed(1)} s`,
    );
    t.true(round.acknowledged > 0);
    t.deepEqual(round.missing, []);
    t.is(round.doubleHolderSeconds, 0);
    t.deepEqual("faults" in recovery ? recovery.faults : [], []);
    const { updates, warnings } = await readPreview(this.stack);
    t.deepEqual(updates, [], warnings.join("\n"));
  }

  async listensAsDeclared(t: ExecutionContext): Promise<void> {
    const hosts = this.machines.outputs.endpoints.hosts.map(({ name }) => name);
    const { declared, seen } = await readListening(this.stack, hosts);
    t.deepEqual(seen, declared);
  }

  /** From copies that were made through all faults, all tables come as the members have them. */
  async isRestored(t: ExecutionContext): Promise<void> {
    const { outputs } = this.machines;
    const keys = parseBackupKeys(await this.stack.output("backupKeys", "--show-secrets"));
    const [first, ...others] = databaseHosts(outputs.endpoints);
    if (first === undefined) return void t.fail("no member");
    await withSite(outputs, "restoring", async (site) => {
      // Whoever does not make the copies makes none.
      for (const member of [first, ...others]) {
        await site.run(member, "systemctl start trilithon-backup-logs.service", 120);
      }
      const said = await restoreIntoScratch(site, first, { target: "latest", keys });
      t.deepEqual(parseReport(said).tables, await liveTables(site, first));
      await removeScratch(site, first);
    });
  }

  async verifies(t: ExecutionContext): Promise<void> {
    const { outputs } = this.machines;
    const verdicts = await verifyStack(outputs, { changes: "none" });
    const { stack: name, url } = outputs.endpoints;
    t.is(
      verdicts.filter(({ passed }) => !passed).length,
      0,
      renderTable({ stack: name, url, verdicts }),
    );
  }
}

/** In a network and at ports of their own. */
function settingsElsewhere(number: number, without: readonly string[]): Settings {
  const text = readFileSync(join(root, "Pulumi.ha.yaml"), "utf8");
  const moved = without.reduce(
    (rest, role) => rest.replaceAll(`, ${role}`, ""),
    text.replaceAll("172.31.65.", `172.31.${number}.`),
  );
  const { config } = v.parse(
    v.object({ config: v.record(v.string(), v.unknown()) }),
    load(moved, { schema: CORE_SCHEMA }),
  );
  return {
    ...config,
    "trilithon:containers": {
      subnet: `172.31.${number}.0/24`,
      publish: 8000 + number,
      sshPortBase: 10_000 + number * 256,
    },
  };
}
