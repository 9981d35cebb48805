/** Who comes in where, as it follows from what the components of a stack listen on. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const source = "./test/components/render";
const program = runStack({
  domain: "www.foobar.com",
  hosts: ["lb-01", "lb-02", "web-01", "web-02", "web-03"].map((name, index) => ({
    ...{
      name,
      address: `10.0.0.1${index + 1}`,
      hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    },
    roles: name.startsWith("lb") ? ["load-balancer"] : ["web", "database"],
  })),
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  loadBalancer: { virtualAddress: "10.0.0.10" },
  firewall: {
    operators: ["203.0.113.0/24", "2001:db8::/32"],
    allow: [
      { port: 9100, from: ["10.0.0.99/32"] },
      { port: 53, protocol: "udp", hosts: ["lb-02"] },
    ],
  },
  application: { name: "press", source, start: ["node", "server.js"] },
  services: { cache: { kind: "valkey", hosts: ["lb-01"] } },
});

async function rulesOf(host: string) {
  const { world } = await program;
  const { files } = world.find("trilithon:index:Service", `firewall-${host}`).inputs;
  const { content } = Object(files)["/etc/trilithon-firewall/declared.nft"];
  const text: string = plain(content);
  return text.split("\n").flatMap((line) => (/^ {4}/.test(line) ? [line.trim()] : []));
}

test("a load balancer: the page for anyone, all else for operators, partners and applications", async (t) => {
  t.deepEqual(await rulesOf("lb-01"), [
    'ip saddr { 203.0.113.0/24 } tcp dport 22 accept comment "SSH: operators"',
    'ip6 saddr { 2001:db8::/32 } tcp dport 22 accept comment "SSH: operators"',
    'meta nfproto ipv4 tcp dport 80 accept comment "page: anyone"',
    'ip saddr { 203.0.113.0/24 } tcp dport 8404 accept comment "statistics: operators"',
    'ip saddr { 10.0.0.13, 10.0.0.14, 10.0.0.15 } tcp dport 8404 accept comment "statistics: web-01 web-02 web-03"',
    'ip saddr { 10.0.0.12 } ip protocol 112 accept comment "VRRP: lb-02"',
    'ip saddr { 10.0.0.13, 10.0.0.14, 10.0.0.15 } tcp dport 7379 accept comment "valkey over TLS: web-01 web-02 web-03"',
    'ip saddr { 10.0.0.99/32 } tcp dport 9100 accept comment "allowed: 10.0.0.99/32"',
  ]);
  t.deepEqual((await rulesOf("lb-02")).slice(-2), [
    'ip saddr { 10.0.0.99/32 } tcp dport 9100 accept comment "allowed: 10.0.0.99/32"',
    'udp dport 53 accept comment "allowed: anyone"',
  ]);
});

test("a web server with a member of the database", async (t) => {
  t.deepEqual(await rulesOf("web-01"), [
    'ip saddr { 203.0.113.0/24 } tcp dport 22 accept comment "SSH: operators"',
    'ip6 saddr { 2001:db8::/32 } tcp dport 22 accept comment "SSH: operators"',
    'ip saddr { 10.0.0.11, 10.0.0.12 } tcp dport 80 accept comment "Nginx: lb-01 lb-02"',
    'ip saddr { 10.0.0.11, 10.0.0.12 } tcp dport 4443 accept comment "Nginx over TLS: lb-01 lb-02"',
    'ip saddr { 10.0.0.14, 10.0.0.15 } tcp dport 3306 accept comment "MySQL: web-02 web-03"',
    'ip saddr { 10.0.0.14, 10.0.0.15 } tcp dport 9200 accept comment "MySQL\'s role: web-02 web-03"',
    'ip saddr { 10.0.0.99/32 } tcp dport 9100 accept comment "allowed: 10.0.0.99/32"',
  ]);
});
