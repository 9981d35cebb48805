/** A stack whose load balancers answer over IPv6 as well, with an address of both families that moves. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const program = runStack({
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", roles: ["load-balancer", "name-server"] },
    { name: "lb-02", roles: ["load-balancer", "name-server"] },
    { name: "web-01", roles: ["web"] },
  ].map((host, index) => ({
    ...host,
    address: `172.31.64.1${index + 1}`,
    address6: `fd00:172:31:64::1${index + 1}`,
  })),
  containers: {
    ...{ subnet: "172.31.64.0/24", subnet6: "fd00:172:31:64::/64" },
    ...{ cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  },
  loadBalancer: { virtualAddress: "172.31.64.10", virtualAddress6: "fd00:172:31:64::10" },
  https: "own-ca",
  // The second one has this machine's own address in the containers' network.
  firewall: { operators: ["2001:db8::/32", "172.31.64.0/24"] },
  application: { source: "./test/components/render" },
});

const service = "trilithon:index:Service";

async function filesOf(name: string): Promise<Record<string, string>> {
  const { world } = await program;
  const files: Record<string, { content: unknown }> = Object(
    plain(world.find(service, name).inputs.files),
  );
  return Object.fromEntries(
    Object.entries(files).map(([path, { content }]) => [path, String(plain(content))]),
  );
}

test("its containers are in a network of both families", async (t) => {
  const { world } = await program;
  const network = world.find("docker:index/network:Network", "hosts-network").inputs;
  t.like(network, {
    ipv6: true,
    ipamConfigs: [{ subnet: "172.31.64.0/24" }, { subnet: "fd00:172:31:64::/64" }],
  });
  t.deepEqual(world.find("docker:index/container:Container", "lb-02").inputs.networksAdvanced, [
    {
      name: "trilithon-test",
      ipv4Address: "172.31.64.12",
      ipv6Address: "fd00:172:31:64::12",
    },
  ]);
});

test("HAProxy has a socket for each family, and speaks IPv4 with web servers", async (t) => {
  const { "/etc/haproxy/haproxy.cfg": config = "" } = await filesOf("load-balancer-lb-01-service");
  const tls = "ssl crt-list /etc/haproxy/certificates.list alpn h2,http/1.1";
  t.deepEqual(config.match(/^ {4}bind .*$/gm), [
    "    bind :80",
    "    bind [::]:80 v6only",
    `    bind :443 ${tls}`,
    `    bind [::]:443 v6only ${tls}`,
    "    bind 172.31.64.11:8404",
  ]);
  t.regex(config, /server web-01 172\.31\.64\.13:4443 /);
});

test("what listens and who comes in is told for both", async (t) => {
  const { told } = await program;
  const listens = told.listens.filter(
    ({ host, unit }) => host === "lb-01" && unit !== "ssh.service",
  );
  t.deepEqual(
    listens.map(({ address, port, protocol }) => `${protocol} ${address}:${port ?? "-"}`),
    [
      ...["tcp 0.0.0.0:80", "tcp [::]:80", "tcp 0.0.0.0:443", "tcp [::]:443"],
      ...["tcp 172.31.64.11:8404", "vrrp 172.31.64.11:-"],
      ...["udp 172.31.64.11:53", "tcp 172.31.64.11:53"],
      ...["udp [fd00:172:31:64::11]:53", "tcp [fd00:172:31:64::11]:53"],
    ],
  );
  const { "/etc/trilithon-firewall/declared.nft": rules = "" } = await filesOf("firewall-lb-01");
  const page = (port: number, name: string) =>
    [4, 6].map(
      (family) => `meta nfproto ipv${family} tcp dport ${port} accept comment "${name}: anyone"`,
    );
  const dns = [4, 6].flatMap((family) =>
    ["udp", "tcp"].map(
      (protocol) => `meta nfproto ipv${family} ${protocol} dport 53 accept comment "DNS: anyone"`,
    ),
  );
  t.deepEqual(
    rules.split("\n").flatMap((line) => (/^ {4}(?!ip saddr)/.test(line) ? [line.trim()] : [])),
    [
      'ip6 saddr { fd00:172:31:64::1/128, 2001:db8::/32 } tcp dport 22 accept comment "SSH: operators"',
      'ip6 saddr { fd00:172:31:64::1/128, 2001:db8::/32 } tcp dport 2211 accept comment "SSH: operators"',
      ...[...page(80, "page"), ...page(443, "page over TLS"), ...dns],
    ],
  );
  t.regex(rules, /ip saddr \{ 172\.31\.64\.0\/24 \} tcp dport 22 accept comment "SSH: operators"/);
  t.notRegex(
    (await filesOf("firewall-web-01"))["/etc/trilithon-firewall/declared.nft"] ?? "",
    /ipv6|dport (80|4443).*ip6/,
  );
});

test("the names lead to the addresses that move, and the name servers are found over both", async (t) => {
  const { told } = await program;
  t.deepEqual(told.dns, [
    { name: "www.foobar.com", type: "A", ttl: 60, values: ["172.31.64.10"] },
    { name: "www.foobar.com", type: "AAAA", ttl: 60, values: ["fd00:172:31:64::10"] },
  ]);
  const files = await filesOf("name-server-lb-02-service");
  t.regex(
    files["/etc/nsd/nsd.conf"] ?? "",
    /ip-address: 172\.31\.64\.12\n {2}ip-address: fd00:172:31:64::12\n/,
  );
  t.regex(
    files["/etc/nsd/trilithon-zones/foobar.com.zone"] ?? "",
    /\nlb-02\.ns\.foobar\.com 3600 IN A 172\.31\.64\.12\nlb-02\.ns\.foobar\.com 3600 IN AAAA fd00:172:31:64::12\n/,
  );
  t.like(told.nameServers?.["lb-01"], { address6: "fd00:172:31:64::11" });
  t.is(told.virtualAddress6, "fd00:172:31:64::10");
  t.is(told.hosts["web-01"]?.address6, "fd00:172:31:64::13");
});

test("keepalived moves both, and the kernel answers for neither unless they are announced", async (t) => {
  const files = await filesOf("load-balancer-lb-02-keepalived-service");
  t.regex(
    files["/etc/keepalived/keepalived.conf"] ?? "",
    /virtual_ipaddress \{\n {8}172\.31\.64\.10\/32 dev \$INTERFACE\n {4}\}\n.*\n {4}virtual_ipaddress_excluded \{\n {8}fd00:172:31:64::10\/128 dev \$INTERFACE\n {4}\}\n/,
  );
  const script = files["/etc/keepalived/trilithon-address"] ?? "";
  t.regex(script, /\nHOST_ADDRESS6=fd00:172:31:64::12\nVIRTUAL_ADDRESS6=fd00:172:31:64::10\n/);
  t.regex(
    script,
    /nd-neighbor-advert @th,64,128 0xfd000172003100640000000000000010 meta oif != @announces drop\n/,
  );
});

test("the certificate has all addresses", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Certificate", "load-balancer-certificate");
  t.deepEqual(plain(inputs.addresses), [
    "www.foobar.com",
    ...["172.31.64.11", "172.31.64.12", "172.31.64.10"],
    ...["fd00:172:31:64::11", "fd00:172:31:64::12", "fd00:172:31:64::10"],
  ]);
});
