/**
 * TLS at the load balancer, for real: what clients get and what they are refused, what a scanner finds, and that another certificate
 * costs no request.
 */
import { randomBytes } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { connect } from "node:tls";
import test, { type ExecutionContext } from "ava";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { type Endpoints, parseEndpoints, trustOf } from "../../scripts/verify/endpoints";
import { request, type Trust, tlsOptions } from "../../scripts/verify/http";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { authorityOf, changeState, makeShort } from "../support/certificates-in-state";
import { makePem } from "../support/pem";

const stackName = "https";
const net = "172.31.88";
const address = `${net}.11`;
const domain = "www.foobar.com";
const alias = "foobar.com";
const service = "load-balancer-lb-01-service";

function settings(https: unknown): Settings {
  return {
    "trilithon:domain": domain,
    "trilithon:hosts": [
      { name: "lb-01", address, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
      { name: "web-02", address: `${net}.22`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8388, sshPortBase: 13_400, memoryMegabytes: 512 },
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:loadBalancer": { redirects: { [alias]: domain }, unknownHost: "refuse" },
    "trilithon:https": https,
  };
}

const ownCa = { ownCa: true, hsts: { days: 730, includeSubDomains: true } };

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, settings(ownCa));
});

test.after.always(() => stack?.remove());

async function readEndpoints(): Promise<Endpoints> {
  return parseEndpoints(await stack.output("endpoints"));
}

async function ask(url: string, host = domain, method: "GET" | "POST" = "GET") {
  const trust = { ...trustOf(await readEndpoints()), name: host };
  const answer = await request({
    url,
    method,
    headers: { Host: host },
    trust,
    deadlineSeconds: 20,
  });
  const { status, headers, body } = answer;
  return { status, body, location: headers.location, hsts: headers["strict-transport-security"] };
}

test.serial("one `up` makes it, and all that is checked holds", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  const { endpoints, privateKeys } = await stack.outputs();
  t.is(endpoints.url, `https://${address}`);
  t.regex(endpoints.ca ?? "", /^-----BEGIN CERTIFICATE-----/);
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "allowed" });
  const { url } = endpoints;
  const failed = verdicts.filter(({ passed }) => !passed);
  t.deepEqual(failed, [], renderTable({ stack: stackName, url, verdicts }));
  const modes = await stack.on("lb-01", "stat -c '%a %U %n' /etc/haproxy/certificates/*");
  t.is(
    modes,
    "644 root /etc/haproxy/certificates/1.pem\n600 root /etc/haproxy/certificates/1.pem.key\n",
  );
  const key = await stack.on("lb-01", "sed -n 2p /etc/haproxy/certificates/1.pem.key");
  t.false(stack.said.join("").includes(key.trim()));
});

test.serial(
  "applications are told that visitors came by TLS, and browsers to come so",
  async (t) => {
    t.deepEqual(await ask(`https://${address}/a?b`), {
      ...{ status: 200, body: "/a?b by https at 443\n", location: undefined },
      hsts: "max-age=63072000; includeSubDomains",
    });
  },
);

test.serial("who comes without TLS is led to it, and other names to the site's", async (t) => {
  const nothing = { body: "", hsts: undefined };
  const hsts = "max-age=63072000; includeSubDomains";
  const to = (location: string, status = 301) => ({ ...nothing, status, location });
  const plain = `http://${address}/a?b`;
  t.deepEqual(await ask(plain), to(`https://${domain}/a?b`));
  t.deepEqual(await ask(plain, domain, "POST"), to(`https://${domain}/a?b`, 308));
  // Under its own name first, where a browser learns to come by TLS.
  t.deepEqual(await ask(plain, alias), to(`https://${alias}/a?b`));
  t.deepEqual(await ask(`https://${address}/a?b`, alias), { ...to(`https://${domain}/a?b`), hsts });
  t.deepEqual(await ask(`https://${address}/a?b`, alias, "POST"), {
    ...to(`https://${domain}/a?b`, 308),
    hsts,
  });
  const challenge = await ask(`http://${address}/.well-known/acme-challenge/x`);
  t.is(challenge.body, "/.well-known/acme-challenge/x by http at 80\n");
  t.is((await ask(`http://${address}/healthz`)).body, "healthy\n");
});

test.serial("a name that nobody has is refused", async (t) => {
  const trust = trustOf(await readEndpoints());
  for (const url of [`https://${address}/`, `http://${address}/`]) {
    const answer = await request({ url, headers: { Host: "other.com" }, trust });
    t.is(answer.status, 421, url);
  }
});

/** What is agreed on with a client that can do no more than that; or why nothing is. */
function shake(trust: Trust, options: object = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 443, ...tlsOptions(trust), ...options });
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer")));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("secureConnect", () => {
      resolve([socket.getProtocol(), socket.alpnProtocol || "nothing"].join(" "));
      socket.destroy();
    });
  });
}

test.serial("TLS 1.2 and 1.3 are spoken, nothing older, and HTTP/2 with who can", async (t) => {
  const trust = trustOf(await readEndpoints());
  const ALPNProtocols = ["h2", "http/1.1"];
  t.is(await shake(trust, { ALPNProtocols }), "TLSv1.3 h2");
  t.is(await shake(trust, { ALPNProtocols: ["http/1.1"] }), "TLSv1.3 http/1.1");
  t.is(await shake(trust, { maxVersion: "TLSv1.2" }), "TLSv1.2 nothing");
  // A client of today has to be told to try it at all.
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
  t.is(await shake(trust, old), "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  // A suite that the profile leaves out.
  const weak = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" };
  t.is(await shake(trust, weak), "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
  t.is(await askOverHttp2(trust), "200 /two by https at 443\n");
});

function askOverHttp2(trust: Trust): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${address}`, tlsOptions(trust));
    session.once("error", reject);
    const stream = session.request({ ":path": "/two", ":authority": domain });
    let [status, body] = [0, ""];
    stream.once("response", (headers) => {
      status = headers[":status"] ?? 0;
    });
    stream.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    stream.once("error", reject).once("end", () => {
      session.close();
      resolve(`${status} ${body}`);
    });
  });
}

test.serial("a session is resumed, with TLS 1.2 and with 1.3", async (t) => {
  const trust = trustOf(await readEndpoints());
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    t.deepEqual(await resume(trust, maxVersion), [false, true], maxVersion);
  }
});

/** Whether the first and the second of two connections resumed one. */
async function resume(trust: Trust, maxVersion: "TLSv1.2" | "TLSv1.3") {
  let session: Buffer | undefined;
  const once = () =>
    new Promise<boolean>((resolve, reject) => {
      const options = { host: address, port: 443, maxVersion, ...tlsOptions(trust) };
      const socket = connect({ ...options, ...(session && { session }) });
      let isReused = false;
      socket.on("session", (given: Buffer) => {
        session = given;
      });
      socket.once("secureConnect", () => {
        isReused = socket.isSessionReused();
        // With TLS 1.3 a session comes after the handshake.
        socket.write(`GET / HTTP/1.1\r\nHost: ${domain}\r\nConnection: close\r\n\r\n`);
      });
      socket.on("data", () => undefined);
      socket.once("close", () => resolve(isReused)).once("error", reject);
    });
  return [await once(), await once()];
}

interface Found {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Of an authority that nobody asks about what it revoked: it revokes nothing, and its certificate is renewed within a year. */
const explained = ["cert_revocation"];

test.serial("testssl.sh finds nothing that is worse than low", async (t) => {
  const stranger = `trilithon-${stackName}-stranger`;
  await must(stranger, "docker", [
    ...["run", "--detach", "--name", stranger, "--label", `trilithon.stack=${stackName}`],
    ...["--network", `trilithon-${stackName}`, "--ip", `${net}.90`, "--memory", "512m"],
    ...["--add-host", `${domain}:${address}`, "trilithon-host:latest", "sleep", "infinity"],
  ]);
  const inside = (script: string) =>
    must(stranger, "docker", ["exec", stranger, "sh", "-c", script]);
  await inside(
    "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends testssl.sh",
  );
  const { ca = "" } = await readEndpoints();
  await inside(`cat >/root/ca.pem <<'END'\n${ca}END`);
  // It ends with the number of what it found.
  await inside(
    `testssl --quiet --color 0 --warnings off --nodns min --add-ca /root/ca.pem --ip ${address} --jsonfile /root/found.json https://${domain}/ >/root/said 2>&1 || true`,
  );
  const found: Found[] = JSON.parse(await inside("cat /root/found.json"));
  const words = found.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`);
  t.true(found.length > 50, words.join("\n"));
  const of = (id: string) => found.find((one) => one.id === id)?.finding ?? "nothing";
  for (const old of ["SSLv2", "SSLv3", "TLS1", "TLS1_1"]) t.regex(of(old), /^not offered/, old);
  for (const spoken of ["TLS1_2", "TLS1_3"]) t.regex(of(spoken), /^offered/, spoken);
  t.regex(of("ALPN_HTTP2"), /^h2/);
  const worse = ["MEDIUM", "HIGH", "CRITICAL", "FATAL"];
  const bad = found.filter(({ severity }) => worse.includes(severity));
  t.log(words.filter((word) => !/^(OK|INFO) /.test(word)).join("\n"));
  t.deepEqual(
    bad.filter(({ id }) => !explained.some((known) => id.startsWith(known))),
    [],
  );
});

/** Each over a connection of its own, and by whom of the two it trusts. */
function startAsking(t: ExecutionContext, trust: Trust) {
  const begin = performance.now();
  const asked: Promise<string | undefined>[] = [];
  const one = async () => {
    const question = { url: `https://${address}/`, headers: { Host: domain }, trust };
    const { status } = await request({ ...question, deadlineSeconds: 30 });
    return status === 200 ? undefined : `status ${status}`;
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - begin) / 1000) * 20;
    while (asked.length < due) asked.push(one().catch((error: Error) => error.message));
  }, 5);
  t.teardown(() => clearInterval(timer));
  return async () => {
    clearInterval(timer);
    const answers = await Promise.all(asked);
    return { sent: answers.length, failed: answers.filter((answer) => answer !== undefined) };
  };
}

async function give(pair: { readonly certificate: string; readonly key: string }, ca: string) {
  const { certificate, key } = pair;
  await stack.configure(settings({ certificate, ca }));
  await stack.setSecretAt("trilithon:https.key", key);
}

/** What would be another one had anything been done. */
function look(): Promise<string> {
  return stack.on(
    "lb-01",
    "systemctl show -P InvocationID -P StateChangeTimestampMonotonic haproxy; pgrep haproxy; find /etc/haproxy -type f | sort | xargs sha256sum",
  );
}

test.serial("another certificate is told, and taken in without a failed request", async (t) => {
  const own = (await readEndpoints()).ca ?? "";
  const authority = await makePem({ names: ["Example"], isAuthority: true });
  const given = await makePem({ issuer: authority, names: [domain, alias], to: 60 });
  const stop = startAsking(t, { name: domain, ca: own + authority.certificate });
  await give(given, authority.certificate);
  const preview = await readPreview(stack);
  t.regex(
    summary(preview, service),
    /write \/etc\/haproxy\/certificates\/1\.pem \(.*reload haproxy \(no connection dropped/s,
  );
  t.false(JSON.stringify(preview).includes(given.key.split("\n")[1] ?? ""));
  await stack.up();
  const { sent, failed } = await stop();
  t.true(sent > 0);
  t.deepEqual(failed, []);
  const trust = trustOf(await readEndpoints());
  t.is(trust.ca, authority.certificate);
  t.is(await shake(trust), "TLSv1.3 nothing");
  t.not(await shake({ name: domain, ca: own }), "TLSv1.3 nothing");
  t.deepEqual((await readPreview(stack)).updates, []);

  // A key of another certificate, and garbage.
  const before = await look();
  const other = await makePem();
  await give({ ...given, key: other.key }, authority.certificate);
  const said = await stack.mustFail();
  t.regex(
    said,
    /trilithon:https\.key: expected the private key of the certificate, got another one/,
  );
  await give({ ...given, key: randomBytes(8).toString("hex") }, authority.certificate);
  t.regex(
    await stack.mustFail(),
    /trilithon:https\.key: expected a private key \(PEM\), got something else \(not shown\)/,
  );
  t.is(await look(), before);

  // Near its end.
  const short = await makePem({ issuer: authority, names: [domain, alias], to: 10 });
  await give(short, authority.certificate);
  const { warnings } = await readPreview(stack);
  t.regex(
    warnings.join("\n"),
    /https\.certificate ends on \d{4}-\d\d-\d\d, in 9 days: set a new one/,
  );
});

test.serial(
  "a certificate of the own authority is renewed before it ends, and the preview says so",
  async (t) => {
    await stack.configure(settings(ownCa));
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    const end = new Date(Date.now() + 24 * 3600 * 1000);
    const authority = await authorityOf(stack, "load-balancer-authority");
    const old = await makeShort([domain, alias, address], authority, end);
    await changeState(stack, "load-balancer-certificate", { certificate: old.certificate });
    const preview = await readPreview(stack);
    const renewal = `renew a certificate: it ends on ${end.toISOString().slice(0, 10)}`;
    t.true(summary(preview, "load-balancer-certificate").includes(renewal));
    t.regex(summary(preview, service), /reload haproxy \(no connection dropped/);
    const before = await look();
    const stop = startAsking(t, trustOf(await readEndpoints()));
    await stack.up();
    t.deepEqual((await stop()).failed, []);
    t.not(await look(), before);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);
