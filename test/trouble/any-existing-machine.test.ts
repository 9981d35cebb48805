/** The stack of `Pulumi.ha.yaml` on machines that were there before, one of them reached by sudo: the same code survives the same faults. */
import test from "ava";
import { faults } from "../../scripts/drill/faults";
import { type Machines, reachMachines } from "../../scripts/drill/machines";
import { runRound } from "../../scripts/drill/round";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack } from "../end-to-end/support/test-stack";

const stackName = "ha-existing";
const net = "172.31.151";
const nodes = [
  { name: "node-01", address: `${net}.11`, roles: ["load-balancer", "database"] },
  {
    name: "node-02",
    address: `${net}.12`,
    roles: ["load-balancer", "web", "database"],
    user: "deploy",
  },
  { name: "node-03", address: `${net}.13`, roles: ["web", "database"] },
];

let stack: TestStack;
let machines: Machines;

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  const { hosts, privateKey } = await startMachines(stackName, `${net}.0/24`, nodes);
  await stack.configure({
    "trilithon:domain": "www.foobar.com",
    // A machine that is started again gets another published port: it is reached at its own address.
    "trilithon:hosts": hosts.map((host) => ({ ...host, sshAddress: host.address, port: 22 })),
    "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
    "trilithon:web": { port: 8080 },
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
  });
  await stack.setSecret("trilithon:privateKey", privateKey);
  await stack.up();
  const { endpoints, privateKeys } = await stack.outputs();
  const outputs = {
    // On the machine where the test runs nobody knows the site's name.
    endpoints: { ...endpoints, url: `http://${net}.10` },
    privateKeys,
  };
  machines = reachMachines(outputs, {
    areContainers: true,
    up: async () => void (await stack.up()),
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("nothing is left to do", async (t) => {
  t.deepEqual((await readPreview(stack)).updates, []);
});

for (const fault of faults) {
  test.serial(`${fault.kind}: ${fault.about}`, async (t) => {
    const args = { readsPerSecond: 10, writesPerSecond: 10, seconds: 10 };
    const round = await runRound(machines, fault, args, (line) => t.log(line));
    if (typeof round === "string") return t.fail(`left out: ${round}`);
    t.deepEqual(round.missing, []);
    t.is(round.doubleHolderSeconds, 0);
    t.deepEqual("faults" in round.recovery ? round.recovery.faults : [], []);
    const { updates, warnings } = await readPreview(stack);
    t.deepEqual(updates, [], warnings.join("\n"));
  });
}
