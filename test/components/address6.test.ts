/** What IPv6 addresses of a stack must be. */
import test from "ava";
import * as v from "valibot";
import { address6, firstAddress6, placeIn6, subnet6 } from "../../components/address6";
import { hexOfIpv6 } from "../../components/render/ipv6";
import { parseSettings } from "../../components/settings";

type Values = Readonly<Record<string, unknown>>;

const subnet = "fd00:172:31:64::/64";
const inSubnet = (place: number) => `fd00:172:31:64::${place}`;
const hosts = [
  { name: "lb-01", address: "172.31.64.11", address6: inSubnet(11), roles: ["load-balancer"] },
  { name: "lb-02", address: "172.31.64.12", address6: inSubnet(12), roles: ["load-balancer"] },
  { name: "web-01", address: "172.31.64.21", address6: inSubnet(21), roles: ["web"] },
];
const containers = { subnet: "172.31.64.0/24", subnet6: subnet };
const virtual = { virtualAddress: "172.31.64.10", virtualAddress6: inSubnet(10) };
const good = { domain: "www.foobar.com", hosts, containers, loadBalancer: virtual };

function faultsOf(values: Values): readonly string[] {
  const result = parseSettings({ ...good, ...values });
  return "faults" in result ? result.faults : [];
}

function withHost(index: number, change: Values): Values {
  return { hosts: hosts.map((host, at) => (at === index ? { ...host, ...change } : host)) };
}

test("takes addresses of both families, on containers and on machines", (t) => {
  t.deepEqual(faultsOf({}), []);
  const dns = { addresses: ["203.0.113.9", "2001:db8::9"], resolvers: ["2606:4700:4700::1111"] };
  const trustedProxies = ["203.0.113.9", "203.0.113.0/24", "2001:db8::/32"];
  t.deepEqual(faultsOf({ dns, loadBalancer: { trustedProxies } }), []);
  const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
  const privateKey =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  const machines = hosts.map((host, index) => ({
    ...{ ...host, hostKey, address6: index === 2 ? undefined : `2001:db8::${index + 1}` },
  }));
  const loadBalancer = { ...virtual, virtualAddress6: "2001:db8::10" };
  const stack = { ...good, containers: undefined, privateKey, loadBalancer };
  const known = JSON.parse(JSON.stringify({ ...stack, hosts: machines }));
  const result = parseSettings(known);
  t.deepEqual("faults" in result ? result.faults : [], []);
});

const address = "an IPv6 address such as 2001:db8::11";
const network = "an IPv6 network in fd00::/8 from /64 to /112 such as fd00:172:31:64::/64";
const anyNetwork =
  "a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix";

const bad: readonly (readonly [string, Values, ...string[]])[] = [
  [
    "an address of IPv4",
    withHost(2, { address6: "172.31.64.21" }),
    `hosts[2].address6: expected ${address}, got "172.31.64.21"`,
  ],
  [
    "an address in brackets",
    withHost(2, { address6: "[fd00::1]" }),
    `hosts[2].address6: expected ${address}, got "[fd00::1]"`,
  ],
  [
    "an address with its prefix",
    withHost(2, { address6: "fd00::1/64" }),
    `hosts[2].address6: expected ${address}, got "fd00::1/64"`,
  ],
  [
    "two gaps",
    withHost(2, { address6: "fd00::1::2" }),
    `hosts[2].address6: expected ${address}, got "fd00::1::2"`,
  ],
  ["a number", withHost(2, { address6: 6 }), `hosts[2].address6: expected ${address}, got 6`],
  [
    "one that stands for IPv4",
    withHost(2, { address6: "::ffff:172.31.64.21" }),
    `hosts[2].address6: expected ${address}, got "::ffff:172.31.64.21": it stands for an IPv4 address`,
  ],
  [
    "a link-local one",
    withHost(2, { address6: "fe80::1" }),
    `hosts[2].address6: expected ${address}, got "fe80::1": it is link-local, and other networks do not reach it`,
  ],
  [
    "a link-local one with its interface",
    withHost(2, { address6: "fe80::1%eth0" }),
    `hosts[2].address6: expected ${address}, got "fe80::1%eth0"`,
  ],
  [
    "a multicast one",
    withHost(2, { address6: "ff02::1" }),
    `hosts[2].address6: expected ${address}, got "ff02::1": it is a multicast address`,
  ],
  [
    "the host's own",
    withHost(2, { address6: "::1" }),
    `hosts[2].address6: expected ${address}, got "::1": no other machine reaches it`,
  ],
  [
    "one that is not written as the hosts write it",
    withHost(2, { address6: "FD00:172:31:64:0::21" }),
    `hosts[2].address6: expected ${address}, got "FD00:172:31:64:0::21": write it as fd00:172:31:64::21`,
  ],
  [
    "one that another host has",
    withHost(2, { address6: inSubnet(11) }),
    `hosts[2].address6: expected an address that no other host has, got "${inSubnet(11)}": hosts[0] has it`,
  ],
  [
    "none on a container of a network with IPv6",
    {
      hosts: hosts.map(({ address6, ...host }) =>
        host.name === "web-01" ? host : { ...host, address6 },
      ),
    },
    `hosts[2].address6: expected an address in ${subnet}, got nothing`,
  ],
  [
    "one outside of the containers' network",
    withHost(2, { address6: "fd00::21" }),
    `hosts[2].address6: expected an address in ${subnet}, got "fd00::21"`,
  ],
  [
    "the engine's own",
    withHost(2, { address6: inSubnet(1) }),
    `hosts[2].address6: expected a free address in ${subnet}, got "${inSubnet(1)}": the first two belong to the network`,
  ],
  [
    "one of a container whose network has none",
    {
      containers: { subnet: "172.31.64.0/24" },
      loadBalancer: {},
      hosts: hosts.map(({ address6: _, ...host }, at) =>
        at === 0 ? { ...host, address6: inSubnet(11) } : host,
      ),
    },
    `hosts[0].address6: expected nothing, got "${inSubnet(11)}": give containers.subnet6 as well, which makes their network anew`,
  ],
  [
    "a network of containers that others may have",
    { containers: { ...containers, subnet6: "2001:db8::/64" } },
    `containers.subnet6: expected ${network}, got "2001:db8::/64"`,
  ],
  [
    "a network of containers that is too wide",
    { containers: { ...containers, subnet6: "fd00::/48" } },
    `containers.subnet6: expected ${network}, got "fd00::/48"`,
  ],
  [
    "a network of containers with bits after its prefix",
    { containers: { ...containers, subnet6: "fd00:172:31:64::1/64" } },
    `containers.subnet6: expected ${network}, got "fd00:172:31:64::1/64"`,
  ],
  [
    "an address that moves without one of IPv4",
    { loadBalancer: { virtualAddress6: inSubnet(10) } },
    `loadBalancer.virtualAddress6: expected nothing, got "${inSubnet(10)}": it moves with virtualAddress: give that as well`,
  ],
  [
    "an address that moves and that a load balancer has",
    { loadBalancer: { ...virtual, virtualAddress6: inSubnet(12) } },
    `loadBalancer.virtualAddress6: expected an address that no host has, got "${inSubnet(12)}": lb-02 has it`,
  ],
  [
    "an address that moves and that a web server has",
    { loadBalancer: { ...virtual, virtualAddress6: inSubnet(21) } },
    `loadBalancer.virtualAddress6: expected an address that no host has, got "${inSubnet(21)}": web-01 has it`,
  ],
  [
    "an address that moves outside of the containers' network",
    { loadBalancer: { ...virtual, virtualAddress6: "fd00::10" } },
    `loadBalancer.virtualAddress6: expected an address in ${subnet}, got "fd00::10"`,
  ],
  [
    "an address that moves and is link-local",
    { loadBalancer: { ...virtual, virtualAddress6: "fe80::10" } },
    `loadBalancer.virtualAddress6: expected ${address}, got "fe80::10": it is link-local, and other networks do not reach it`,
  ],
  [
    "a load balancer without one",
    {
      containers: { subnet: "172.31.64.0/24" },
      hosts: hosts.map(({ address6: _, ...host }) => host),
    },
    `loadBalancer.virtualAddress6: expected nothing, got "${inSubnet(10)}": give lb-01 and lb-02 an address6`,
  ],
  [
    "an address for the names that is in no form of either",
    { dns: { addresses: ["203.0.113.9", "fd00:1"] } },
    `dns.addresses[1]: expected ${address}, got "fd00:1"`,
  ],
  [
    "a resolver that is link-local",
    { dns: { resolvers: ["fe80::1"] } },
    `dns.resolvers[0]: expected ${address}, got "fe80::1": it is link-local, and other networks do not reach it`,
  ],
  [
    "a proxy's network with bits after its prefix",
    { loadBalancer: { trustedProxies: ["2001:db8::1/32"] } },
    `loadBalancer.trustedProxies[0]: expected ${anyNetwork}, got "2001:db8::1/32"`,
  ],
  [
    "an operator's network of IPv6 with bits after its prefix",
    { firewall: { operators: ["2001:db8::1/32"] } },
    `firewall.operators[0]: expected ${anyNetwork}, got "2001:db8::1/32"`,
  ],
  [
    "an operator's network with a prefix that is too long",
    { firewall: { operators: ["2001:db8::/129"] } },
    `firewall.operators[0]: expected ${anyNetwork}, got "2001:db8::/129"`,
  ],
];

for (const [title, values, ...faults] of bad) {
  test(`refuses ${title}`, (t) => {
    t.deepEqual(
      faultsOf(values),
      faults.map((fault) => `trilithon:${fault}`),
    );
  });
}

test("a network of containers begins with two that are taken", (t) => {
  t.is(firstAddress6(subnet), inSubnet(1));
  t.is(firstAddress6("fd00:1:2:3:4:5:6:0/112"), "fd00:1:2:3:4:5:6:1");
  t.true(v.is(subnet6, "fd00:1:2:3:4:5:6:0/112"));
  t.deepEqual(
    ["fd00:172:31:64::", inSubnet(1), inSubnet(2), "fd00:172:31:65::2"].map((one) =>
      placeIn6(subnet, one),
    ),
    ["taken", "taken", "free", "outside"],
  );
});

test("all 16 bytes of an address are there", (t) => {
  t.is(hexOfIpv6("2001:db8::11"), `0x20010db8${"0".repeat(22)}11`);
  t.true(v.is(address6, "2001:db8::11"));
});
