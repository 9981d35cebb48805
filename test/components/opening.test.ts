/** How many replicas have to follow a pair's primary before it opens by itself after a start. */
import test from "ava";
import { mockPulumi, settle } from "./mocks";

const program = run();

async function run() {
  const world = await mockPulumi();
  const { MysqlPair } = await import("../../components/database");
  const { ExistingHost } = await import("../../components/existing-host");
  const machine = (name: string, address: string) =>
    new ExistingHost(name, {
      ...{ address, user: "root", hostKey: "ssh-ed25519 AAAA" },
      privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n",
    });
  const [one, two] = [machine("one", "10.0.0.1"), machine("two", "10.0.0.2")];
  const { name, address, host, machine: reached } = machine("three", "10.0.0.3");
  const three = { name, address, host, machine: reached, away: true };
  new MysqlPair("database", { primary: one, replicas: [two, three], name: "shop" });
  await settle();
  return world;
}

test("one that is away counts beside others: it may follow a primary that was replaced", async (t) => {
  const world = await program;
  const { inputs } = world.find("trilithon:index:Service", "database-one-opening");
  t.regex(JSON.stringify(inputs), /\\nreplicas=2\\n/);
});
