import test from "ava";
import { mockPulumi, resolved, settle } from "./mocks";

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const privateKey = (letter: string) =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${letter.repeat(70)}\n-----END OPENSSH PRIVATE KEY-----\n`;

const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb", address: "10.0.0.1", roles: ["load-balancer"], hostKey },
    {
      name: "one",
      address: "10.0.0.2",
      roles: ["web", "database-primary"],
      hostKey,
      sshAddress: "one.example.com",
      port: 2022,
      user: "admin",
      privateKey: privateKey("B"),
    },
  ],
  privateKey: privateKey("A"),
  application: { source: "./test/components/render" },
  loadBalancer: { port: 8000 },
};

const program = run();

async function run() {
  const world = await mockPulumi({ config, preview: true });
  const { endpoints, sshKeys } = await import("../../index");
  await settle();
  return { world, told: await resolved(endpoints), keys: await resolved(sshKeys) };
}

test("the same program runs on machines that were there before, in a preview", async (t) => {
  const { world, told, keys } = await program;
  t.deepEqual(
    world.resources.filter(({ type }) => type.startsWith("docker:")),
    [],
  );
  t.is(told.url, "http://www.foobar.com:8000");
  t.like(told.hosts.one, { sshAddress: "one.example.com", sshPort: 2022, user: "admin" });
  t.like(told.hosts.lb, { sshAddress: "10.0.0.1", sshPort: 22, user: "root" });
  t.deepEqual(keys, { lb: privateKey("A"), one: privateKey("B") });
});

test("a primary alone waits for nobody", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:MysqlReplication", "database-replication");
  t.deepEqual(inputs.durability, { carryOnAfterSeconds: 1 });
});
