import test from "ava";
import { mockPulumi, settle } from "./mocks";

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(70)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const service = "trilithon:index:Service";

const program = run();

async function run() {
  const world = await mockPulumi({
    config: {
      domain: "www.foobar.com",
      hosts: [
        { name: "lb-01", address: "10.0.0.1", roles: ["load-balancer"], hostKey },
        { name: "web-01", address: "10.0.0.2", roles: ["web", "database-primary"], hostKey },
        { name: "web-02", address: "10.0.0.3", roles: ["web", "database-replica"], hostKey },
      ],
      privateKey,
      application: { source: "./test/components/render" },
      database: { authorityKeeper: "2027" },
    },
  });
  await import("../../index");
  await settle();
  return world;
}

/** What holds a secret is wrapped by the SDK. */
function plain(value: unknown) {
  return Object(Object(value).value ?? value);
}

test("each member has a certificate for where it is reached, which a reload takes in", async (t) => {
  const world = await program;
  t.like(world.find("trilithon:index:CertificateAuthority", "database-authority").inputs, {
    keeper: "2027",
  });
  for (const [name, address] of [
    ["web-01", "10.0.0.2"],
    ["web-02", "10.0.0.3"],
  ]) {
    const { inputs } = world.find("trilithon:index:Certificate", `database-${name}-certificate`);
    t.deepEqual(inputs.addresses, [address, name, "127.0.0.1", "127.0.0.2", "localhost"]);
    const files = plain(world.find(service, `database-${name}-service`).inputs.files);
    t.like(files["/etc/mysql/trilithon/server-key.pem"], {
      ...{ mode: "0600", owner: "mysql", onChange: "reload" },
    });
    t.like(files["/etc/mysql/trilithon/server.pem"], {
      content: `certificate-of-database-${name}-certificate`,
      onChange: "reload",
    });
    t.like(files["/etc/mysql/trilithon/authority.pem"], {
      content: "certificates-of-database-authority\n",
      onChange: "reload",
    });
    t.like(files["/etc/mysql/mysql.conf.d/zz-trilithon-certificates.cnf"], { onChange: "reload" });
    t.like(files["/etc/systemd/system/mysql.service.d/trilithon-certificates.conf"], {
      onChange: "nothing",
    });
  }
});

test("replicas verify once all members have a certificate, applications before they use the database", async (t) => {
  const world = await program;
  const replication = world.find("trilithon:index:MysqlReplication", "database-replication");
  t.like(replication.inputs, { authority: "/etc/mysql/trilithon/authority.pem" });
  for (const name of ["web-01", "web-02"]) {
    t.true(
      replication.startedAt > world.find(service, `database-${name}-service`).endedAt,
      `after the certificate of ${name}`,
    );
    const authority = world.find(service, `application-${name}-database`);
    t.deepEqual(plain(authority.inputs.files), {
      "/etc/guestbook/database-authority.pem": { content: "certificates-of-database-authority\n" },
    });
    const release = world.find("trilithon:index:Release", `application-${name}`);
    t.true(release.startedAt > authority.endedAt);
    const { content } = plain(plain(release.inputs.files)["/etc/guestbook/environment"]);
    t.regex(content, /^DATABASE_SSL="verify"$/m);
    t.regex(content, /^DATABASE_SSL_CA="\/etc\/guestbook\/database-authority\.pem"$/m);
  }
});
