/** The database of three machines, and all of them at once: one round of each of these faults, under load. */
import test from "ava";
import { databaseFaults } from "../../../scripts/drill/faults";
import { readPreview } from "../support/preview";
import { HaStack } from "./ha-stack";

let ha: HaStack;

test.before(async () => {
  ha = await HaStack.up("ha-database", 87, ["monitoring"]);
});

test.after.always(() => ha?.remove());

test.serial("three machines are a stack with nothing left to do", async (t) => {
  t.deepEqual((await readPreview(ha.stack)).updates, []);
});

for (const fault of databaseFaults) {
  test.serial(`${fault.kind}: ${fault.about}`, async (t) => {
    await ha.survives(t, fault);
    if (fault.kind === "primary-killed") t.true((await refusedDials()) > 0);
  });
}

test.serial("rules of nftables that somebody flushed are told, and loaded again", async (t) => {
  const table = "ip trilithon_mysql_dial";
  await ha.stack.on("node-01", `nft delete table ${table}`);
  // A member that has just not answered is no change of the rules.
  const member = "{ 192.0.2.1 timeout 600s }";
  await ha.stack.on("node-02", `nft add element ${table} unanswered '${member}'`);
  const { updates } = await readPreview(ha.stack);
  t.deepEqual(
    updates.map(({ resource }) => resource),
    ["database-node-01-dial"],
  );
  await ha.stack.up();
  await ha.stack.on("node-01", "nft list table ip trilithon_mysql_dial");
  t.deepEqual((await readPreview(ha.stack)).updates, []);
});

test.serial("the stack verifies after all that", (t) => ha.verifies(t));

test.serial("what was written meanwhile comes back from the copies", (t) => ha.isRestored(t));

/** How many connections to a member that had not answered were refused on the hosts that were not killed since. */
async function refusedDials(): Promise<number> {
  const rules = await Promise.all(
    ["node-01", "node-02", "node-03"].map((name) =>
      ha.stack.on(name, "nft list chain ip trilithon_mysql_dial dial"),
    ),
  );
  return rules
    .map((text) => Number(/counter packets (\d+)/.exec(text)?.[1]))
    .reduce((sum, count) => sum + count, 0);
}
