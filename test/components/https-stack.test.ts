/** A stack whose load balancers end TLS by its own authority: what is declared, and what the outside is told. */
import test from "ava";
import { http3Check, lackingHttp3 } from "../../components/render/http3";
import { plain, runStack } from "./run-stack";

const source = "./test/components/render";
const start = ["node", "server.js"];

const program = runStack({
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "lb-02", address: "172.31.64.12", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web"] },
  ],
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { name: "press", source, start, healthPath: "/ready" },
  applications: { shop: { source, start, port: 3001, domains: ["shop.foobar.com"] } },
  loadBalancer: {
    ...{ virtualAddress: "172.31.64.10", redirects: { "foobar.com": "www.foobar.com" } },
    aliases: ["www.foobar.org"],
  },
  https: { ownCa: true, hsts: { days: 30 }, http3: true },
});

test("the authority signs for all names, and for the addresses at which a load balancer answers", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Certificate", "load-balancer-certificate");
  t.deepEqual(inputs.addresses, [
    ...["www.foobar.com", "www.foobar.org", "shop.foobar.com", "foobar.com"],
    ...["172.31.64.11", "172.31.64.12", "172.31.64.10"],
  ]);
  t.is(inputs.days, 365);
  t.is(inputs.authorityCertificate, "certificate-of-load-balancer-authority");
});

test("each load balancer has the certificate, and its key where only root reads it", async (t) => {
  const { world } = await program;
  for (const host of ["lb-01", "lb-02"]) {
    const { inputs } = world.find("trilithon:index:Service", `load-balancer-${host}-service`);
    const files = Object(plain(inputs.files));
    t.is(
      plain(files["/etc/haproxy/certificates.list"].content),
      "/etc/haproxy/certificates/1.pem\n",
    );
    const certificate = files["/etc/haproxy/certificates/1.pem"];
    t.is(plain(certificate.content), "certificate-of-load-balancer-certificate");
    const key = files["/etc/haproxy/certificates/1.pem.key"];
    t.is(plain(key.content), "private-key-of-load-balancer-certificate");
    t.is(key.mode, "0600");
    const config = String(plain(files["/etc/haproxy/haproxy.cfg"].content));
    t.regex(
      config,
      /\n {4}bind :443 ssl crt-list \/etc\/haproxy\/certificates\.list alpn h2,http\/1\.1\n/,
    );
    t.regex(config, /\n {4}acl answered_plain path \/\S+ \/ready \/healthz\n/);
    t.regex(config, /hdr X-Forwarded-Proto https\n/);
    t.regex(config, /max-age=2592000"/);
    t.false(config.includes("private-key"));
  }
});

test("the outside is told where the page is, and whom to trust", async (t) => {
  const { told } = await program;
  t.like(told, {
    url: "https://172.31.64.10",
    scheme: "https",
    ca: "certificate-of-load-balancer-authority",
  });
  t.deepEqual(
    Object.values(told.loadBalancers).map(({ url }) => url),
    ["https://172.31.64.11", "https://172.31.64.12"],
  );
  t.like(told.ports, { loadBalancer: 80, loadBalancerTls: 443 });
  const listens = told.listens.filter(({ what }) => what === "page over TLS");
  t.deepEqual(
    listens.map(({ host, address, port, unit }) => [host, address, port, unit]),
    ["lb-01", "lb-02"].map((host) => [host, "0.0.0.0", 443, "haproxy.service"]),
  );
  t.deepEqual(
    told.dns.map(({ name }) => name),
    ["www.foobar.com", "www.foobar.org", "shop.foobar.com", "foobar.com"],
  );
});

test("HTTP/3 is declared and let in, and refused where HAProxy cannot speak it", async (t) => {
  const { world, told } = await program;
  t.deepEqual(
    told.listens.filter(({ protocol }) => protocol === "udp"),
    ["lb-01", "lb-02"].map((host) => ({
      ...{ host, protocol: "udp" as const, address: "0.0.0.0", port: 443 },
      ...{ unit: "haproxy.service", what: "page over HTTP/3", for: { anyone: true as const } },
    })),
  );
  const firewall = world.find("trilithon:index:Service", "firewall-lb-01").inputs;
  const rules = Object(plain(firewall.files))["/etc/trilithon-firewall/declared.nft"];
  t.regex(
    String(plain(rules.content)),
    /\n {4}meta nfproto ipv4 udp dport 443 accept comment "page over HTTP\/3: anyone"\n/,
  );
  const { inputs } = world.find("trilithon:index:Service", "load-balancer-lb-01-service");
  const [, , check = ""] = (inputs.check ?? []) as readonly string[];
  t.true(check.includes(`${http3Check} && haproxy -c `), check);
  t.deepEqual(inputs.forewarningCommand, lackingHttp3);
});

test("web servers ask applications for their health as visitors come", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Service", "web-01-nginx-service");
  t.is(Object(inputs.ready).headers["X-Forwarded-Proto"], "https");
});
