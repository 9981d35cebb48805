import test from "ava";
import { mockPulumi, resolved, settle } from "./mocks";

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(70)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "node-01", address: "10.0.0.1", roles: ["load-balancer", "database"], hostKey },
    { name: "node-02", address: "10.0.0.2", roles: ["web", "database"], hostKey },
    { name: "node-03", address: "10.0.0.3", roles: ["web", "database"], hostKey, away: true },
  ],
  privateKey,
  application: { source: "./test/components/render" },
  database: { primary: "node-02" },
};

const program = run();

async function run() {
  const world = await mockPulumi({ config });
  const { endpoints } = await import("../../index");
  await settle();
  return { world, told: await resolved(endpoints) };
}

/** What holds a secret is wrapped by the SDK. */
function plain(value: unknown) {
  return Object(Object(value).value ?? value);
}

test("three hosts with the role database are a group, whose primary the settings wish for", async (t) => {
  const { world, told } = await program;
  const { inputs } = world.find("trilithon:index:MysqlGroup", "database-group");
  t.like(inputs, { cluster: "trilithon_test_database", primary: "node-02", away: ["node-03"] });
  t.deepEqual(Object.keys(plain(inputs.members)), ["node-01", "node-02", "node-03"]);
  t.deepEqual(told.database, {
    ...{ primary: "node-02", replicas: ["node-01"], name: "guestbook", topology: "group" },
    isPrimaryWanted: true,
  });
  t.deepEqual(told.hosts["node-02"]?.roles, ["web", "database"]);
  t.false(world.resources.some(({ name }) => name.endsWith("-opening")));
});

test("each member has a certificate of its own, by the cluster's authority", async (t) => {
  const { world } = await program;
  for (const number of [1, 2, 3]) {
    const name = `database-node-0${number}`;
    const { inputs } = world.find("trilithon:index:Certificate", `${name}-certificate`);
    const proxied = ["127.0.0.1", "127.0.0.2", "localhost"];
    const addresses = [`10.0.0.${number}`, `node-0${number}`, ...proxied];
    t.like(inputs, { name: `node-0${number}`, addresses });
    const { files } = world.find("trilithon:index:Service", `${name}-service`).inputs;
    t.like(plain(files)["/etc/mysql/trilithon/server-key.pem"], { mode: "0600", owner: "mysql" });
  }
});

test("members are restarted one at a time, and the group is formed once all of them run", async (t) => {
  const { world } = await program;
  const services = [1, 2, 3].map((number) =>
    world.find("trilithon:index:Service", `database-node-0${number}-service`),
  );
  services.slice(1).forEach((service, index) => {
    t.true(service.startedAt > (services[index]?.endedAt ?? Number.POSITIVE_INFINITY));
  });
  const group = world.find("trilithon:index:MysqlGroup", "database-group");
  t.true(group.startedAt > Math.max(...services.map(({ endedAt }) => endedAt)));
  t.true(world.find("trilithon:index:MysqlContent", "database-content").startedAt > group.endedAt);
});
