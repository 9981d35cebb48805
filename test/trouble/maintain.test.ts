/**
 * Three machines with everything at least twice, rebooted one after the other under constant load with writes: no request
 * fails, no acknowledged entry is missing, and all is as before.
 */
import test from "ava";
import { maintain } from "../../scripts/maintenance/maintain";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { startLoad } from "../end-to-end/support/load";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";

const stackName = "away-maintain-all";
const number = 83;
const net = `172.31.${number}`;
const url = `http://${net}.10`;
const nodes = ["node-01", "node-02", "node-03"];

let stack: TestStack;
const writes = new AcknowledgedWrites(url);

test.before(async () => {
  stack = await TestStack.make(stackName, {
    ...threeHosts(number),
    "trilithon:containers": {
      subnet: `172.31.${number}.0/24`,
      // Two load balancers take two ports.
      publish: 8183,
      sshPortBase: 26_000,
    },
    "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
    // Port 80 is the load balancer's.
    "trilithon:web": { port: 8080 },
    "trilithon:hosts": [
      { name: "node-01", address: `${net}.11`, roles: ["load-balancer", "database"] },
      { name: "node-02", address: `${net}.12`, roles: ["load-balancer", "web", "database"] },
      { name: "node-03", address: `${net}.13`, roles: ["web", "database"] },
    ],
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("the stack is made", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("all machines are rebooted one after the other, and nobody notices", async (t) => {
  const { endpoints, privateKeys } = await stack.outputs();
  const outputs = { endpoints, privateKeys };
  const said: string[] = [];
  const load = startLoad({ url, requestsPerSecond: 100, writeEvery: 5 });
  const rebooting = writes.during(() =>
    maintain(outputs, {
      ...{ reboot: true, finishSeconds: 30, isSecurityOnly: false, isListOnly: false },
      say: (message) => said.push(message),
    }),
  );
  // Also of one that fails.
  await rebooting.catch(() => undefined);
  const seen = await load.stop();
  t.log(said.join("\n"));
  const { result, acknowledged, failed } = await rebooting;
  t.log(seen, { acknowledged, failed });
  for (const node of nodes.slice(1)) {
    const said = await stack.try(
      node,
      "journalctl --no-pager -u guestbook | grep -E 'could not|request failed'",
    );
    t.log(node, said.stdout);
  }
  t.true(result, "every machine was rebooted");
  t.deepEqual(seen.failures, {});
  for (const node of nodes) t.deepEqual(await writes.missingOn(stack, node), [], node);
  t.deepEqual((await readPreview(stack)).updates, []);
  const verdicts = await verifyStack(outputs, { changes: "none" });
  t.true(
    verdicts.every(({ passed }) => passed),
    renderTable({ stack: stackName, url, verdicts }),
  );
});
