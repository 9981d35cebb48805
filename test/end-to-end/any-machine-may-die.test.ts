/**
 * The stack of `Pulumi.ha.yaml`, under other names and addresses: one round of each fault, under load. After each of them no
 * acknowledged entry is missing, no address was held twice, all is well again by itself, and the preview is empty.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { CORE_SCHEMA, load } from "js-yaml";
import * as v from "valibot";
import { faults } from "../../scripts/drill/faults";
import { type Machines, reachMachines } from "../../scripts/drill/machines";
import { runRound } from "../../scripts/drill/round";
import { root } from "../../scripts/setup/environment";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview } from "./support/preview";
import { type Settings, TestStack } from "./support/test-stack";

const stackName = "ha-trial";
const number = 87;

let stack: TestStack;
let machines: Machines;

test.before(async () => {
  stack = await TestStack.make(stackName, settingsElsewhere());
  await stack.up();
  const keys = await stack.output("sshKeys", "--show-secrets");
  const outputs = {
    endpoints: parseEndpoints(await stack.output("endpoints")),
    privateKeys: v.parse(v.record(v.string(), v.string()), keys),
  };
  machines = reachMachines(outputs, {
    areContainers: true,
    up: async () => void (await stack.up()),
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("three machines are a stack that verifies, and nothing is left to do", async (t) => {
  t.deepEqual((await readPreview(stack)).updates, []);
  await verifies(t);
});

for (const fault of faults) {
  test.serial(`${fault.kind}: ${fault.about}`, async (t) => {
    const args = { readsPerSecond: 10, writesPerSecond: 10, seconds: 8 };
    const round = await runRound(machines, fault, args, (line) => t.log(line));
    if (typeof round === "string") return t.fail(`left out: ${round}`);
    const { reads, writes, recovery } = round;
    t.log(
      `without a read ${reads.seconds.toFixed(1)} s, without a write ${writes.seconds.toFixed(1)} s`,
    );
    t.true(round.acknowledged > 0);
    t.deepEqual(round.missing, []);
    t.is(round.doubleHolderSeconds, 0);
    t.deepEqual("faults" in recovery ? recovery.faults : [], []);
    const { updates, warnings } = await readPreview(stack);
    t.deepEqual(updates, [], warnings.join("\n"));
    if (fault.kind === "primary-killed") t.true((await refusedDials()) > 0);
  });
}

test.serial("rules of nftables that somebody flushed are told, and loaded again", async (t) => {
  await stack.on("node-01", "nft delete table ip trilithon_mysql_dial");
  const { updates } = await readPreview(stack);
  t.deepEqual(
    updates.map(({ resource }) => resource),
    ["database-node-01-dial"],
  );
  await stack.up();
  await stack.on("node-01", "nft list table ip trilithon_mysql_dial");
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("the stack verifies after all that", (t) => verifies(t));

/** How many connections to a member that had not answered were refused on the hosts that were not killed since. */
async function refusedDials(): Promise<number> {
  const rules = await Promise.all(
    ["node-01", "node-02", "node-03"].map((name) =>
      stack.on(name, "nft list chain ip trilithon_mysql_dial dial"),
    ),
  );
  return rules
    .map((text) => Number(/counter packets (\d+)/.exec(text)?.[1]))
    .reduce((sum, count) => sum + count, 0);
}

async function verifies(t: { is: (a: unknown, b: unknown, message: string) => unknown }) {
  const { outputs } = machines;
  const verdicts = await verifyStack(outputs, { changes: "none" });
  const { stack: name, url } = outputs.endpoints;
  t.is(
    verdicts.filter(({ passed }) => !passed).length,
    0,
    renderTable({ stack: name, url, verdicts }),
  );
}

/** In a network and at ports of their own. */
function settingsElsewhere(): Settings {
  const text = readFileSync(join(root, "Pulumi.ha.yaml"), "utf8");
  const moved = text.replaceAll("172.31.65.", `172.31.${number}.`);
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
