import test from "ava";
import { plain, runStack } from "./run-stack";

const program = runStack({
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web", "database-primary"] },
    { name: "web-02", address: "172.31.64.22", roles: ["web", "database-replica"] },
  ],
  containers: { subnet: "172.31.64.0/24", keyKeeper: "2" },
  retiredKeys: ["ssh-ed25519 AAAA lost"],
  application: { source: "./test/components/render" },
  database: { passwordKeeper: "3", replicationKeeper: "4" },
  https: { ownCa: true, authorityKeeper: "5" },
});

const keepers = {
  "SshKey hosts-key-in-use": "2",
  "Password database-password": "3",
  "Password database-replication-password": "4",
  "CertificateAuthority load-balancer-authority": "5",
};

for (const [resource, keeper] of Object.entries(keepers)) {
  test(`${resource} is made anew by its setting`, async (t) => {
    const { world } = await program;
    const [type, name = ""] = resource.split(" ");
    t.is(world.find(`trilithon:index:${type}`, name).inputs.keeper, keeper);
  });
}

test("containers are made with the first key, and reached by the one in use", async (t) => {
  const { world, keys } = await program;
  const { uploads } = world.find("docker:index/container:Container", "web-01").inputs;
  const authorized = plain(uploads).find(({ file }: { file: string }) =>
    /authorized_keys$/.test(file),
  );
  t.is(authorized.content, "ssh-ed25519 hosts-key");
  const host = plain(world.find("trilithon:index:Machine", "web-01").inputs.host);
  t.is(plain(host.privateKey), "private-key-of-hosts-key-in-use");
  t.deepEqual(plain(host.formerPrivateKeys), ["private-key-of-hosts-key"]);
  t.is(keys["web-01"], "private-key-of-hosts-key-in-use");
});

test("retired keys end on each host, after all else is done there", async (t) => {
  const { world } = await program;
  for (const name of ["lb-01", "web-01", "web-02"]) {
    const { inputs, startedAt } = world.find("trilithon:index:RetiredKeys", `${name}-retired-keys`);
    t.deepEqual(inputs.keys, [
      "ssh-ed25519 AAAA lost",
      "ssh-ed25519 former-hosts-key-in-use",
      "ssh-ed25519 hosts-key",
    ]);
    const others = world.resources.filter(
      ({ type, inputs }) =>
        type.startsWith("trilithon:index:") &&
        !type.endsWith(":RetiredKeys") &&
        (inputs.host !== undefined || inputs.members !== undefined),
    );
    t.true(others.length > 20);
    t.deepEqual(
      others.filter(({ endedAt }) => endedAt > startedAt).map((one) => one.name),
      [],
    );
  }
});
