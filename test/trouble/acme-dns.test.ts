/**
 * A certificate for names that the authority (pebble) finds in the DNS alone: lego changes the zone (RFC 2136, Knot), and what it needs
 * for that is in one file.
 */
import { join } from "node:path";
import test from "ava";
import { root } from "../../scripts/setup/environment";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { Authority } from "./acme/authority";
import { Handshakes } from "./acme/handshakes";
import { until } from "./until";

const stackName = "acme-dns";
const net = "172.31.119";
const address = `${net}.11`;
const server = `${net}.50`;
const domain = "www.foobar.com";
const secret = "c2VjcmV0IG9mIHRoZSBuYW1lIHNlcnZlcg==";
const file = "/etc/haproxy/acme-environment";

function settings(https: unknown): Settings {
  return {
    "trilithon:domain": domain,
    "trilithon:hosts": [{ name: "lb-01", address, roles: ["load-balancer", "web"] }],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8819, sshPortBase: 15_800, memoryMegabytes: 512 },
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    // The load balancer has 80.
    "trilithon:web": { port: 8080 },
    "trilithon:https": https,
  };
}

const knot = `server:
    listen: 0.0.0.0@53
    rundir: /root
database:
    storage: /root
key:
  - id: acme
    algorithm: hmac-sha256
    secret: ${secret}
acl:
  - id: change
    key: acme
    action: update
zone:
  - domain: foobar.com
    storage: /root
    file: foobar.com.zone
    acl: change
`;

/** The page's name leads to somebody else: at port 80 nobody could be asked. */
const zone = `$ORIGIN foobar.com.
$TTL 60
@ SOA ns hostmaster 1 3600 600 604800 60
@ NS ns
ns A ${server}
www A ${server}
`;

let stack: TestStack;
let authority: Authority;
const handshakes = new Handshakes(domain);

test.before(async () => {
  stack = await TestStack.make(stackName, settings("own-ca"));
});

test.after.always(async () => {
  await handshakes.endAll();
  await stack?.remove();
});

/** With the TSIG secret that the name server has, or another one. */
async function configure(tsigSecret: string, ca: string): Promise<void> {
  const { directory, directoryCa } = authority;
  const environment = {
    ...{ DNSUPDATE_NAMESERVER: server, DNSUPDATE_TSIG_KEY: "acme" },
    ...{ DNSUPDATE_TSIG_ALGORITHM: "hmac-sha256", DNSUPDATE_TTL: 60 },
  };
  const challenge = { "dns-01": { provider: "rfc2136", environment } };
  const acme = { email: "admin@foobar.com", directory, directoryCa, challenge };
  await stack.configure(settings({ acme, ca }));
  await stack.setSecretAt(
    "trilithon:https.acme.challenge.dns-01.environment.DNSUPDATE_TSIG_SECRET",
    tsigSecret,
  );
}

const said = () => stack.on("lb-01", "journalctl -q -o cat --no-pager -u trilithon-acme -n 30");
let issuer = "";

test.serial("a certificate by the DNS, in the place of another one", async (t) => {
  [, authority] = await Promise.all([
    stack.up(),
    Authority.make({ stack: stackName, address: server, packages: ["knot"] }),
  ]);
  await authority.put({ "knot.conf": knot, "foobar.com.zone": zone });
  await authority.start("knotd -c /root/knot.conf");
  issuer = await authority.run({ lifeSeconds: 90 * 24 * 3600, nameServer: "127.0.0.1:53" });
  const { ca = "" } = parseEndpoints(await stack.output("endpoints"));
  handshakes.trusted.push(ca, issuer);
  handshakes.begin(address);
  // From then on the host knows no names but these.
  await stack.on(
    "lb-01",
    `DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends lego && echo 'nameserver ${server}' >/etc/resolv.conf`,
  );
  await configure(secret, issuer);
  await stack.up();
  await until(
    "a certificate of the authority",
    () => (handshakes.shown(address).length > 1 ? true : undefined),
    180,
  ).catch(async (error: Error) => t.fail(`${error.message}\n${await said()}`));
  t.regex(await said(), /DNS-01/);
  t.deepEqual(handshakes.refused, []);
});

test.serial("what lego is told is in one file, and only root reads it", async (t) => {
  t.is(await stack.on("lb-01", `stat -c '%a %U' ${file}`), "600 root\n");
  const found = await stack.on("lb-01", `grep -rlF -e '${secret}' /etc /var/lib /tmp /run`);
  t.is(found, `${file}\n`);
  t.is((await stack.try("lb-01", `journalctl -o cat | grep -qF -e '${secret}'`)).status, 1);
  const state = (await stack.pulumi("stack", "export")).stdout;
  for (const text of [state, ...stack.said]) t.false(text.includes(secret));
  t.is(
    (await stack.try("lb-01", `tr '\\0' '\\n' </proc/1/environ | grep -qF '${secret}'`)).status,
    1,
  );
});

test.serial("a name server that refuses changes nothing", async (t) => {
  await configure("YW5vdGhlciBvbmU=", issuer);
  const preview = await stack.preview();
  t.false(preview.includes("YW5vdGhlciBvbmU="));
  await stack.up();
  const before = handshakes.shown(address).length;
  await stack.on("lb-01", "rm /var/lib/trilithon/acme/issued");
  t.not((await stack.try("lb-01", "systemctl start trilithon-acme.service")).status, 0);
  t.regex(await said(), /dnsupdate: failed to insert/);
  t.is(handshakes.shown(address).length, before);
  await configure(secret, issuer);
  // The timer begins anew, and its first run comes at once.
  await stack.up();
  await until("a certificate again", () =>
    handshakes.shown(address).length > before ? true : undefined,
  );
  t.deepEqual(handshakes.refused, []);
  t.deepEqual(handshakes.lost, []);
});
