/**
 * The site as a visitor has it: Chromium finds it by its names on the stack's own name servers, trusts the stack's own root and nothing
 * else of it, writes and reads, over HTTP/2 and HTTP/3. Two load balancers share the address; HTTPS came to a stack that had none.
 */
import { join } from "node:path";
import { connect } from "node:tls";
import test, { type ExecutionContext } from "ava";
import type { Browser, Response } from "playwright-core";
import { imageNames, prepareImage } from "../../scripts/setup/base-image";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { parseEndpoints, trustOf } from "../../scripts/verify/endpoints";
import { request, type Trust, tlsOptions } from "../../scripts/verify/http";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { openBrowser } from "../end-to-end/support/browser";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { makePem } from "../support/pem";

const stackName = "by-name";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 118);
const net = `172.31.${number}`;
const address = `${net}.10`;
const balancers = { "lb-01": `${net}.11`, "lb-02": `${net}.12` };
const names = Object.keys(balancers);
const domain = "www.foobar.com";
const apex = "foobar.com";
const other = "www.foobar.org";
const stranger = `trilithon-${stackName}-stranger`;

function settings(https?: unknown): Settings {
  return threeHosts(number, {
    "trilithon:hosts": [
      ...Object.entries(balancers).map(([name, address]) => ({
        ...{ name, address, roles: ["load-balancer", "name-server"] },
      })),
      { name: "web-01", address: `${net}.21`, roles: ["web", "database"] },
    ],
    "trilithon:containers": { subnet: `${net}.0/25`, publish: 8818, sshPortBase: 15_600 },
    "trilithon:loadBalancer": {
      ...{ virtualAddress: address, aliases: [other], redirects: { [apex]: domain } },
      unknownHost: "page",
    },
    ...(https !== undefined && { "trilithon:https": https }),
  });
}

const https = { ownCa: true, http3: true, hsts: { days: 1 } };

let stack: TestStack;
const browsers: Browser[] = [];

test.before(async () => {
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  for (const browser of browsers) await browser.close();
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

const readEndpoints = async () => parseEndpoints(await stack.output("endpoints"));

async function open(more: { readonly ca?: string; readonly overHttp3?: string[] } = {}) {
  const { ca = "" } = await readEndpoints();
  const browser = await openBrowser({ nameServer: balancers["lb-02"], ca, ...more });
  browsers.push(browser);
  return browser;
}

/** Each over a connection of its own; who is led to TLS was answered as well. */
function startAsking(t: ExecutionContext) {
  const asked: Promise<string | undefined>[] = [];
  const one = async () => {
    const question = { url: `http://${address}/`, headers: { Host: domain } };
    const { status } = await request({ ...question, deadlineSeconds: 30 });
    return status === 200 || status === 301 ? undefined : `status ${status}`;
  };
  const timer = setInterval(() => asked.push(one().catch((error: Error) => error.message)), 50);
  t.teardown(() => clearInterval(timer));
  return async () => {
    clearInterval(timer);
    const answers = await Promise.all(asked);
    return { sent: answers.length, failed: answers.filter((answer) => answer !== undefined) };
  };
}

test.serial(
  "HTTPS comes to a stack that had none: told before, and without a lost request",
  async (t) => {
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    const stop = startAsking(t);
    await stack.configure(settings(https));
    const preview = await readPreview(stack);
    for (const name of names) {
      const said = summary(preview, `load-balancer-${name}-service`);
      t.regex(said, /write \/etc\/haproxy\/haproxy\.cfg/);
      t.regex(said, /write \/etc\/haproxy\/certificates\/1\.pem \(content not known yet\)/);
      t.regex(said, /reload haproxy \(no connection dropped/);
      t.regex(
        summary(preview, `firewall-${name}-open`),
        /write \/etc\/trilithon-firewall\/open\.nft/,
      );
    }
    t.true(preview.updates.some(({ resource }) => resource === "load-balancer-certificate"));
    await stack.up();
    const { sent, failed } = await stop();
    t.true(sent > 0);
    t.deepEqual(failed, []);
    t.deepEqual((await readPreview(stack)).updates, []);
    const { endpoints, privateKeys } = await stack.outputs();
    t.is(endpoints.url, `https://${address}`);
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
    const { url } = endpoints;
    t.deepEqual(
      verdicts.filter(({ passed }) => !passed),
      [],
      renderTable({ stack: stackName, url, verdicts }),
    );
  },
);

test.serial(
  "a person finds the page by its name, writes and reads; the cookie is for TLS alone",
  async (t) => {
    const browser = await open();
    const page = await browser.newPage();
    const answer = await page.goto(`https://${domain}/`);
    t.is(answer?.status(), 200);
    t.is((await answer?.securityDetails())?.issuer, `${domain} authority`);
    t.is((await answer?.securityDetails())?.protocol, "TLS 1.3");
    await page.fill("#name", "Ada");
    await page.fill("#message", "Hello by name.");
    await page.click("button");
    await page.getByText("Thank you for signing.").waitFor();
    t.is(new URL(page.url()).origin, `https://${domain}`);
    const cookies = await page.context().cookies();
    t.like(
      cookies.find(({ name }) => name === "wrote"),
      { domain, secure: true, httpOnly: true },
    );
    await page.reload();
    t.is(await page.getByText("Hello by name.").count(), 1);
    const reader = await browser.newPage();
    await reader.goto(`https://${domain}/`);
    t.is(await reader.getByText("Hello by name.").count(), 1);
    t.is(await protocolOf(reader), "h2");
  },
);

/** Of the page that a browser shows. */
function protocolOf(page: { evaluate(script: string): Promise<unknown> }): Promise<unknown> {
  return page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol");
}

/** All addresses that it was led through, with the statuses. */
async function way(answer: Response | null): Promise<readonly string[]> {
  const steps: string[] = [];
  for (let one = answer?.request() ?? null; one !== null; one = one.redirectedFrom()) {
    steps.unshift(`${(await one.response())?.status()} ${one.url()}`);
  }
  return steps;
}

test.serial(
  "plain HTTP and other names lead to it; another name of the site is answered",
  async (t) => {
    const browser = await open();
    // Each with a memory of its own: what one learned of TLS the next one does not know.
    const go = async (url: string) => (await browser.newPage()).goto(url);
    t.deepEqual(await way(await go(`http://${domain}/?before=9`)), [
      `301 http://${domain}/?before=9`,
      `200 https://${domain}/?before=9`,
    ]);
    t.deepEqual(await way(await go(`http://${apex}/`)), [
      `301 http://${apex}/`,
      `301 https://${apex}/`,
      `200 https://${domain}/`,
    ]);
    t.deepEqual(await way(await go(`https://${apex}/`)), [
      `301 https://${apex}/`,
      `200 https://${domain}/`,
    ]);
    t.deepEqual(await way(await go(`https://${other}/`)), [`200 https://${other}/`]);
    const nobody = await go(`https://${address}/`);
    t.is(nobody?.status(), 404);
    t.regex((await nobody?.text()) ?? "", /No site of this name is served here/);
    await t.throwsAsync(go(`https://nobody.${apex}/`), { message: /ERR_NAME_NOT_RESOLVED/ });
    // Once it has been there, it does not ask without TLS any more.
    const page = await browser.newPage();
    await page.goto(`https://${domain}/`);
    t.deepEqual(await way(await page.goto(`http://${domain}/`)), [
      `307 http://${domain}/`,
      `200 https://${domain}/`,
    ]);
  },
);

test.serial("who does not trust the authority is warned", async (t) => {
  const { certificate } = await makePem({ names: ["Example"], isAuthority: true });
  const browser = await open({ ca: certificate });
  const page = await browser.newPage();
  await t.throwsAsync(page.goto(`https://${domain}/`), { message: /ERR_CERT_AUTHORITY_INVALID/ });
});

/** From another machine of the same network, which knows the names by the stack's name servers. */
async function startStranger(): Promise<void> {
  await must(stranger, "docker", [
    ...["run", "--detach", "--name", stranger, "--label", `trilithon.stack=${stackName}`],
    ...["--network", `trilithon-${stackName}`, "--ip", `${net}.90`, "--memory", "512m"],
    ...["trilithon-host:latest", "sleep", "infinity"],
  ]);
  await outside(
    "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends curl",
  );
  await outside(`echo nameserver ${balancers["lb-01"]} >/etc/resolv.conf`);
}

const outside = (script: string) =>
  must(stranger, "docker", ["exec", stranger, "sh", "-c", script]);

/** Over HTTP/3 or not at all: status, version, and who answered. */
async function curl(url: string, ...words: readonly string[]): Promise<string> {
  const { ca = "" } = await readEndpoints();
  await outside(`cat >/root/ca.pem <<'END'\n${ca}END`);
  const write = "-sS -m 20 -o /dev/null -w '%{http_code} HTTP/%{http_version} %{remote_ip}'";
  return outside(`curl --http3-only --cacert /root/ca.pem ${write} ${words.join(" ")} '${url}'`);
}

test.serial(
  "HTTP/3 answers at each load balancer and at the address that they share",
  async (t) => {
    await startStranger();
    t.log((await outside("curl -V | head -1")).trim());
    t.is(await curl(`https://${domain}/`), `200 HTTP/3 ${address}`);
    for (const one of Object.values(balancers)) {
      t.is(
        await curl(`https://${domain}/`, "--resolve", `${domain}:443:${one}`),
        `200 HTTP/3 ${one}`,
      );
    }
    t.is(await curl(`https://${apex}/`), `301 HTTP/3 ${address}`);
    const form = "--data-urlencode name=Grace --data-urlencode 'message=Hello over UDP.'";
    t.is(await curl(`https://${domain}/entries`, form), `303 HTTP/3 ${address}`);
    const headers = { Host: domain };
    const trust = trustOf(await readEndpoints());
    const told = await request({ url: `https://${address}/`, headers, trust });
    t.is(told.headers["alt-svc"], 'h3=":443"; ma=3600');
    const plain = await request({ url: `http://${address}/`, headers });
    t.is(plain.headers["alt-svc"], undefined);
  },
);

test.serial("a browser speaks HTTP/3 with it", async (t) => {
  const browser = await open({ overHttp3: [`${domain}:443`] });
  const page = await browser.newPage();
  const answer = await page.goto(`https://${domain}/`);
  t.is(answer?.status(), 200);
  t.is(await protocolOf(page), "h3");
  t.is(await page.getByText("Hello over UDP.").count(), 1);
  await page.fill("#name", "Ada");
  await page.fill("#message", "By HTTP/3.");
  await page.click("button");
  await page.getByText("Thank you for signing.").waitFor();
  t.is(await protocolOf(page), "h3");
});

async function holder(): Promise<string> {
  for (const name of names) {
    const { stdout } = await stack.try(name, `ip -o -4 addr show dev eth0 to ${address}/32`);
    if (stdout.includes(address)) return name;
  }
  return "";
}

test.serial(
  "HTTP/3 answers at the shared address of the other one, once the first is gone",
  async (t) => {
    const first = await holder();
    await stack.on(first, "systemctl kill -s KILL haproxy && systemctl stop haproxy");
    for (let left = 50; left > 0 && ["", first].includes(await holder()); left -= 1)
      await wait(0.2);
    t.not(await holder(), first);
    t.is(await curl(`https://${domain}/`), `200 HTTP/3 ${address}`);
    await stack.on(first, "systemctl start haproxy");
    t.is(await curl(`https://${domain}/`), `200 HTTP/3 ${address}`);
  },
);

/** In the page: fifty a second, until `asked` is called, which says how many ended in which way. */
const startFetching = `(() => {
  const all = [];
  const one = () => fetch("/healthz?" + all.length, { cache: "no-store" }).then((answer) => String(answer.status), String);
  const timer = setInterval(() => all.push(one()), 20);
  window.asked = async () => {
    clearInterval(timer);
    const ends = {};
    for (const end of await Promise.all(all)) ends[end] = (ends[end] ?? 0) + 1;
    return ends;
  };
})()`;

test.serial("over HTTP/3 a browser loses no request by reloads", async (t) => {
  const one = await holder();
  const browser = await open({ overHttp3: [`${domain}:443`] });
  // The guest book's own pages fetch nothing.
  const page = await browser.newPage({ bypassCSP: true });
  await page.goto(`https://${domain}/`);
  await page.evaluate(startFetching);
  for (let left = 4; left > 0; left -= 1) {
    await wait(1.5);
    await stack.on(one, "systemctl reload haproxy");
  }
  await wait(1.5);
  const ends = Object(await page.evaluate("window.asked()"));
  t.log(ends);
  t.deepEqual(Object.keys(ends), ["200"]);
  const last = "performance.getEntriesByType('resource').at(-1).nextHopProtocol";
  t.is(await page.evaluate(last), "h3");
});

/** The names of the certificate that is shown for one. */
function shownFor(name: string, trust: Trust): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: address, port: 443, ...tlsOptions({ ...trust, name }) };
    const socket = connect(options, () => {
      resolve(socket.getPeerX509Certificate()?.subjectAltName ?? "none");
      socket.destroy();
    });
    socket.once("error", (error) => resolve(error.message));
  });
}

test.serial("of several certificates each name gets its own, over UDP as well", async (t) => {
  const authority = await makePem({ names: ["Example"], isAuthority: true });
  const pairs = [
    await makePem({ issuer: authority, names: [domain, apex] }),
    await makePem({ issuer: authority, names: [other] }),
  ];
  const certificates = pairs.map(({ certificate }) => ({ certificate }));
  const ca = authority.certificate;
  await stack.configure(settings({ certificates, ca, http3: true }));
  for (const [index, { key }] of pairs.entries()) {
    await stack.setSecretAt(`trilithon:https.certificates[${index}].key`, key);
  }
  await stack.up();
  const trust = { name: domain, ca };
  t.is(await shownFor(domain, trust), `DNS:${domain}, DNS:${apex}`);
  t.is(await shownFor(apex, trust), `DNS:${domain}, DNS:${apex}`);
  t.is(await shownFor(other, trust), `DNS:${other}`);
  for (const name of [domain, other]) {
    t.is(await curl(`https://${name}/`), `200 HTTP/3 ${address}`);
  }
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("without HTTP/3 nothing is left that listens over UDP, or lets it in", async (t) => {
  await stack.configure(settings("own-ca"));
  await stack.up();
  for (const name of names) {
    t.is(await stack.on(name, "ss -Hlnu 'sport = 443'"), "");
    t.is((await stack.try(name, "nft list ruleset | grep 'udp dport 443'")).stdout, "");
  }
  await t.throwsAsync(curl(`https://${domain}/`));
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("an HAProxy that was built without QUIC is refused in one line", async (t) => {
  await prepareImage("bookworm");
  const old = await TestStack.make(`${stackName}-old`, {
    "trilithon:domain": domain,
    "trilithon:hosts": [
      { name: "lb-01", address: `${net}.140`, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.141`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.128/25`, publish: 8838, sshPortBase: 15_600, memoryMegabytes: 512 },
      image: imageNames.bookworm,
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:https": https,
  });
  try {
    const refusal =
      /https\.http3: expected a HAProxy with QUIC, got 2\.6\.12\S*, which was built without it: take http3 out, or use HAProxy 3\.2 of Debian 14/;
    t.regex(await old.mustFail(), refusal);
    t.is((await old.try("lb-01", "test -e /etc/haproxy/certificates.list")).status, 1);
    t.regex((await readPreview(old)).warnings.join("\n"), refusal);
  } finally {
    await old.remove();
  }
});
