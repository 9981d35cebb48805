import test from "ava";
import { mockPulumi, settle } from "./mocks";
import { plain } from "./run-stack";

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(70)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const service = "trilithon:index:Service";

const program = run();

async function run() {
  const world = await mockPulumi({
    config: {
      domain: "www.foobar.com",
      hosts: [
        { name: "node-01", address: "10.0.0.1", roles: ["load-balancer", "web"], hostKey },
        { name: "node-02", address: "10.0.0.2", roles: ["load-balancer", "web"], hostKey },
        { name: "web-03", address: "10.0.0.3", roles: ["web"], hostKey },
      ],
      privateKey,
      application: { source: "./test/components/render" },
      applications: {
        shop: {
          source: "./test/components/render",
          start: ["node", "server.js"],
          ...{ port: 3001, domains: ["shop.foobar.com"], hosts: ["web-03"] },
        },
      },
      loadBalancer: { virtualAddress: "10.0.0.9" },
      web: { port: 8080, tlsPort: 8444, authorityKeeper: "2027" },
    },
  });
  await import("../../index");
  await settle();
  const filesOf = (name: string) => Object(plain(world.find(service, name).inputs.files));
  return { world, filesOf };
}

test("each web server has a certificate for its name, which a reload takes in", async (t) => {
  const { world, filesOf } = await program;
  t.like(world.find("trilithon:index:CertificateAuthority", "web-authority").inputs, {
    keeper: "2027",
  });
  for (const [name, address] of [
    ["node-01", "10.0.0.1"],
    ["web-03", "10.0.0.3"],
  ]) {
    const { inputs } = world.find("trilithon:index:Certificate", `${name}-nginx-certificate`);
    t.deepEqual(inputs.addresses, [address, name]);
    t.like(world.find(service, `${name}-nginx-service`).inputs, { onChange: "reload" });
    const files = filesOf(`${name}-nginx-service`);
    t.is(
      plain(files["/etc/nginx/trilithon/server.pem"].content),
      `certificate-of-${name}-nginx-certificate`,
    );
    const key = files["/etc/nginx/trilithon/server-key.pem"];
    t.is(plain(key.content), `private-key-of-${name}-nginx-certificate`);
    t.is(key.mode, "0600");
    const site = String(plain(files["/etc/nginx/conf.d/trilithon.conf"].content));
    t.regex(site, /\n {4}listen 8080 default_server;\n {4}listen 8444 ssl default_server;\n/);
  }
  const shop = filesOf("web-03-nginx-service")["/etc/nginx/conf.d/trilithon_shop.conf"];
  t.regex(String(plain(shop.content)), /\n {4}listen 8080;\n {4}listen 8444 ssl;\n/);
});

test("load balancers verify those on other hosts, once they have their certificates", async (t) => {
  const { world, filesOf } = await program;
  for (const [own, other] of [
    ["node-01", "node-02"],
    ["node-02", "node-01"],
  ]) {
    const name = `load-balancer-${own}-service`;
    const files = filesOf(name);
    t.is(
      plain(files["/etc/haproxy/web-authorities.pem"].content),
      "certificates-of-web-authority\n",
    );
    const text = String(plain(files["/etc/haproxy/haproxy.cfg"].content));
    const lines = (server: string | undefined) =>
      text.split("\n").filter((line) => line.startsWith(`    server ${server} `));
    t.true(lines(own).length > 0);
    for (const line of lines(own)) t.regex(line, / 10\.0\.0\.\d:8080( track \S+)?$/);
    for (const server of [other, "web-03"]) {
      t.true(lines(server).length > 1);
      for (const line of lines(server)) {
        t.true(line.includes(":8444 ssl "), line);
        t.true(line.includes(" verify required ca-file /etc/haproxy/web-authorities.pem "), line);
        t.true(line.includes(` sni var(txn.none) verifyhost ${server} `), line);
        t.true(
          line.endsWith(` no-ssl-reuse check-sni ${server} inter 2s downinter 1s`) ||
            / track \S+$/.test(line),
          line,
        );
      }
    }
    const { startedAt } = world.find(service, name);
    for (const server of ["node-01", "node-02", "web-03"]) {
      t.true(startedAt > world.find(service, `${server}-nginx-service`).endedAt, server);
    }
  }
});

test("a load balancer goes over to TLS only where one of them is reached by it", async (t) => {
  const { world } = await program;
  const { check } = world.find(service, "load-balancer-node-01-service").inputs;
  const [shell, flag, script] = check as readonly string[];
  t.deepEqual([shell, flag], ["sh", "-c"]);
  t.true(script?.includes("haproxy -c -f /etc/haproxy/haproxy.cfg && perl "), script);
  t.true(script?.endsWith("' 10.0.0.2:8444 10.0.0.3:8444"), script);
});

test("whoever shares an address looks for the others where they are asked", async (t) => {
  const { filesOf } = await program;
  const files = filesOf("load-balancer-node-01-keepalived-service");
  const text = String(plain(files["/etc/keepalived/keepalived.conf"].content));
  t.regex(text, / others 10\.0\.0\.2:8444 10\.0\.0\.3:8444 10\.0\.0\.2:80"/);
});
