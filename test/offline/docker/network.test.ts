import test from "ava";
import { network } from "../../../offline/docker/network";
import { labelled } from "../../../offline/docker/ownership";
import { fakeContext, owner } from "../context";
import { engine } from "./tiny-image";

const prefix = `trilithon-test-${process.pid}-net`;
const context = fakeContext();

test.after.always(async () => {
  const all = await engine.listNetworks({ filters: { name: [prefix] } });
  await Promise.all(all.map(({ Id }) => engine.getNetwork(Id).remove()));
});

test("makes a network of which a following read finds nothing different", async (t) => {
  const wanted = {
    name: `${prefix}-whole`,
    ipamConfigs: [{ subnet: "172.31.252.0/26" }],
    labels: [{ label: "trilithon.stack", value: "mine" }],
    options: { "com.docker.network.driver.mtu": "1400" },
  };
  const state = await make(wanted);
  t.like(state, { driver: "bridge", internal: false, scope: "local" });
  t.deepEqual(await network.read(state, context), state);
  t.deepEqual(network.diff(state, wanted), []);
  t.deepEqual(network.plan(state, wanted, owner), []);
  t.deepEqual(network.diff(state, { ...wanted, ipamConfigs: [{ subnet: "172.31.252.64/26" }] }), [
    { path: ["ipamConfigs"], kind: "update", replace: true },
  ]);
  await network.remove(state, context);
  t.is(await network.read(state, context), undefined);
  await t.notThrowsAsync(network.remove(state, context));
});

test("names the network that has the subnet", async (t) => {
  const ipamConfigs = [{ subnet: "172.31.252.64/26" }];
  const holder = await make({ name: `${prefix}-holder`, ipamConfigs });
  await t.throwsAsync(make({ name: `${prefix}-late`, ipamConfigs }), {
    message: new RegExp(`: network ${holder.name} has 172\\.31\\.252\\.64/26$`),
  });
});

test("makes anew what an interrupted run left, and refuses what is another's", async (t) => {
  const wanted = { name: `${prefix}-left`, ipamConfigs: [{ subnet: "172.31.252.128/26" }] };
  const former = await engine.createNetwork({ Name: wanted.name, Labels: labelled(wanted) });
  t.not((await make(wanted)).id, former.id);
  const foreign = { name: `${prefix}-foreign` };
  await engine.createNetwork({ Name: foreign.name });
  await t.throwsAsync(make(foreign), { message: /that is not of this stack/ });
});

function make(wanted: Parameters<typeof network.id>[0]) {
  return network.apply(network.plan(undefined, wanted, owner), undefined, wanted, context);
}
