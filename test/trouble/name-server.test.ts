/**
 * The names of a site on two name servers of its own, which are its load balancers: what a stranger is answered and refused, what a
 * change costs, what a bad one does, and a browser that finds the page by its name.
 */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { openBrowser } from "../end-to-end/support/browser";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";

const stackName = "name-server";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 121);
const net = `172.31.${number}`;
const address = `${net}.10`;
const servers = { "lb-01": `${net}.11`, "lb-02": `${net}.12` };
const names = Object.keys(servers);
const zoneFile = "/etc/nsd/trilithon-zones/foobar.com.zone";
/** Of another release of Debian. */
const image = process.env.TRILITHON_HOST_IMAGE;
const stranger = `trilithon-${stackName}-stranger`;

const caa = { name: "foobar.com", type: "CAA", values: ['0 issue "letsencrypt.org"'] };
const text = (value: string) => ({ name: "foobar.com", type: "TXT", values: [`"${value}"`] });

function settings(...records: readonly object[]): Settings {
  return {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [
      ...Object.entries(servers).map(([name, address]) => ({
        ...{ name, address, roles: ["load-balancer", "name-server"] },
      })),
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8821, sshPortBase: 15_000, memoryMegabytes: 512 },
      ...(image !== undefined && { image }),
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:loadBalancer": {
      ...{ virtualAddress: address, redirects: { "foobar.com": "www.foobar.com" } },
    },
    "trilithon:https": "own-ca",
    "trilithon:dns": { records: [caa, ...records] },
  };
}

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

async function verify(t: ExecutionContext) {
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
  const table = renderTable({ stack: stackName, url: endpoints.url, verdicts });
  t.true(verdicts.some(({ name }) => name === "lb-02: its name server answers for the site"));
  return { failed: verdicts.filter(({ passed }) => !passed), table };
}

/** From another machine of the same network: what `dig` says of one question. */
async function dig(host: string, ...words: readonly string[]) {
  const at = Object(servers)[host];
  return must("dig", "docker", [
    ...["exec", stranger, "dig", `@${at}`, "+time=2", "+tries=2", "+noall", ...words],
  ]);
}

const short = async (host: string, ...words: readonly string[]) =>
  (await dig(host, "+answer", "+short", ...words)).trim();
const statusOf = async (host: string, ...words: readonly string[]) =>
  /status: (\w+)/.exec(await dig(host, "+comments", ...words))?.[1];
const serialOf = async (host: string) =>
  Number((await short(host, "foobar.com", "SOA")).split(" ")[2]);

test.serial("one `up` makes it, and all that is checked holds", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  const { failed, table } = await verify(t);
  t.deepEqual(failed, [], table);
  await must(stranger, "docker", [
    ...["run", "--detach", "--name", stranger, "--label", `trilithon.stack=${stackName}`],
    ...["--network", `trilithon-${stackName}`, "--ip", `${net}.90`, "--memory", "512m"],
    ...["trilithon-host:latest", "sleep", "infinity"],
  ]);
  await must(stranger, "docker", [
    ...["exec", stranger, "sh", "-c"],
    "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends bind9-dnsutils",
  ]);
});

test.serial(
  "a stranger is answered by both for the site's names, and refused all else",
  async (t) => {
    for (const host of names) {
      t.is(await short(host, "foobar.com", "A"), address);
      t.is(await short(host, "www.foobar.com", "A"), address);
      t.is(await short(host, "+tcp", "www.foobar.com", "A"), address);
      t.is(await short(host, "foobar.com", "CAA"), '0 issue "letsencrypt.org"');
      const own = (await short(host, "foobar.com", "NS")).split("\n").sort();
      t.deepEqual(own, ["lb-01.ns.foobar.com.", "lb-02.ns.foobar.com."]);
      t.is(await short(host, "lb-02.ns.foobar.com", "A"), servers["lb-02"]);
      t.regex(
        await short(host, "foobar.com", "SOA"),
        /^lb-01\.ns\.foobar\.com\. hostmaster\.foobar\.com\. \d{10} 3600 600 604800 60$/,
      );
      t.regex(await dig(host, "+answer", "www.foobar.com", "A"), /^www\.foobar\.com\.\s+60\s/);
      t.regex(await dig(host, "+comments", "www.foobar.com", "A"), /flags: qr aa rd;/);
      t.is(await statusOf(host, "nobody.foobar.com", "A"), "NXDOMAIN");
      t.is(await statusOf(host, "www.foobar.com", "AAAA"), "NOERROR");
      t.is(await statusOf(host, "debian.org", "A"), "REFUSED");
      t.is(await statusOf(host, "+tcp", "debian.org", "A"), "REFUSED");
      const copied = await dig(host, "+answer", "+comments", "foobar.com", "AXFR");
      t.regex(copied, /Transfer failed/);
      t.notRegex(copied, /172\.31/);
      t.notRegex(await dig(host, "+answer", "version.bind", "CH", "TXT"), /NSD/);
    }
    t.is(await serialOf("lb-01"), await serialOf("lb-02"));
  },
);

/** Each twenty times a second, over UDP and without a second try, under names that no one has asked before. */
function startAsking(t: ExecutionContext) {
  const asked: Promise<string | undefined>[] = [];
  const resolvers = Object.values(servers).map((server) => {
    const resolver = new Resolver({ timeout: 3000, tries: 1 });
    resolver.setServers([server]);
    return { server, resolver };
  });
  const timer = setInterval(() => {
    for (const { server, resolver } of resolvers) {
      asked.push(
        resolver.resolve4("www.foobar.com").then(
          ([got]) => (got === address ? undefined : `${server}: ${got}`),
          (error: NodeJS.ErrnoException) => `${server}: ${error.code}`,
        ),
      );
    }
  }, 50);
  t.teardown(() => clearInterval(timer));
  return async () => {
    clearInterval(timer);
    const answers = await Promise.all(asked);
    return { sent: answers.length, failed: answers.filter((answer) => answer !== undefined) };
  };
}

/** What would be another one had NSD been started anew. */
const started = (host: string) => stack.on(host, "systemctl show -P InvocationID nsd");
const look = (host: string) =>
  stack.on(host, `systemctl show -P StateChangeTimestampMonotonic nsd; cat ${zoneFile}`);

test.serial("NSD may do little but answer", async (t) => {
  t.log((await stack.on("lb-01", "nsd -v 2>&1 | head -1")).trim());
  const said = await stack.on("lb-01", "systemd-analyze security --no-pager nsd | tail -1");
  const [, exposure = "10"] = /nsd\.service: ([\d.]+) /.exec(said) ?? [];
  t.true(Number(exposure) <= 4, said);
});

test.serial("a second `up` changes nothing, and the serial stays", async (t) => {
  const before = await Promise.all(names.map(look));
  await stack.up();
  t.deepEqual(await Promise.all(names.map(look)), before);
});

test.serial("another record is told, and answered without a lost question", async (t) => {
  const serial = await serialOf("lb-01");
  const before = await Promise.all(names.map(started));
  const stop = startAsking(t);
  await stack.configure(settings(text("one")));
  const preview = await readPreview(stack);
  t.regex(
    summary(preview, "name-server-lb-01-service"),
    /write \/etc\/nsd\/trilithon-zones\/foobar\.com\.zone \(.*reload nsd \(/s,
  );
  t.regex(summary(preview, "name-server-foobar.com-serial"), /take the next serial/);
  await stack.up();
  const { sent, failed } = await stop();
  t.true(sent > 100);
  t.deepEqual(failed, []);
  for (const host of names) {
    t.is(await serialOf(host), serial + 1);
    t.is(await short(host, "foobar.com", "TXT"), '"one"');
  }
  t.deepEqual(await Promise.all(names.map(started)), before);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a zone that the check refuses is not live anywhere", async (t) => {
  const before = await Promise.all(names.map(look));
  const serial = await serialOf("lb-01");
  const stop = startAsking(t);
  await stack.configure(settings(text("x".repeat(300))));
  const said = await stack.mustFail();
  t.regex(said, /nsd-checkzone|text string/);
  t.deepEqual((await stop()).failed, []);
  t.deepEqual(await Promise.all(names.map(look)), before);
  t.is(await serialOf("lb-01"), serial);
  await stack.configure(settings(text("two")));
  await stack.up();
  for (const host of names) {
    t.true((await serialOf(host)) > serial);
    t.is(await short(host, "foobar.com", "TXT"), '"two"');
  }
  t.is(await serialOf("lb-01"), await serialOf("lb-02"));
});

test.serial("a zone edited by hand and a stopped NSD are told, and mended", async (t) => {
  const serial = await serialOf("lb-01");
  await stack.on(
    "lb-01",
    `sed -i 's/^www.foobar.com.*/www.foobar.com 60 IN A 192.0.2.1/' ${zoneFile} && systemctl reload nsd`,
  );
  await stack.on("lb-02", "systemctl stop nsd");
  const { failed } = await verify(t);
  const told = failed.map(({ name }) => name).join("\n");
  t.regex(told, /lb-01: its name server answers for the site/);
  t.regex(told, /lb-02: its name server answers for the site/);
  const preview = await readPreview(stack);
  t.log(preview.sentences);
  t.regex(
    summary(preview, "name-server-lb-01-service"),
    /write \/etc\/nsd\/trilithon-zones\/foobar\.com\.zone/,
  );
  t.regex(summary(preview, "name-server-lb-02-service"), /start nsd/);
  await stack.up();
  for (const host of names) {
    t.is(await short(host, "www.foobar.com", "A"), address);
    t.is(await serialOf(host), serial);
  }
  t.deepEqual((await readPreview(stack)).updates, []);
  const after = await verify(t);
  t.deepEqual(after.failed, [], after.table);
});

test.serial("while one host is gone, who asks for a name is answered by the other", async (t) => {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers(Object.values(servers));
  await must("pause", "docker", ["pause", `trilithon-${stackName}-lb-01`]);
  try {
    t.deepEqual(await resolver.resolve4("www.foobar.com"), [address]);
    t.is(await short("lb-02", "www.foobar.com", "A"), address);
  } finally {
    await must("unpause", "docker", ["unpause", `trilithon-${stackName}-lb-01`]);
  }
});

test.serial("a browser finds the page by its name, and trusts its authority", async (t) => {
  const { ca = "" } = parseEndpoints(await stack.output("endpoints"));
  const browser = await openBrowser({ nameServer: servers["lb-02"], ca });
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  const answer = await page.goto("https://www.foobar.com/page");
  t.is(answer?.status(), 200);
  t.regex((await page.textContent("body")) ?? "", /^\/page by https at 443/);
  // By plain HTTP, and by the other name.
  await page.goto("http://foobar.com/other");
  t.is(page.url(), "https://www.foobar.com/other");
  await t.throwsAsync(page.goto("https://nobody.foobar.com/"), {
    message: /ERR_NAME_NOT_RESOLVED/,
  });
});

/** For two seconds. An answer is cut short by its flag TC. */
async function flood(server: string, questionsPerSecond: number) {
  const header = Buffer.from("000001000001000000000000", "hex");
  const name = Buffer.from("\x03www\x06foobar\x03com\0\0\x01\0\x01", "latin1");
  const socket = createSocket("udp4");
  const seen = { sent: 0, whole: 0, short: 0 };
  socket.on("message", (answer) => {
    seen[(answer[2] ?? 0) & 2 ? "short" : "whole"] += 1;
  });
  for (let left = 100; left > 0; left -= 1) {
    for (let more = questionsPerSecond / 50; more > 0; more -= 1) {
      socket.send(Buffer.concat([header, name]), 53, server);
      seen.sent += 1;
    }
    await wait(0.02);
  }
  await wait(1);
  socket.close();
  return seen;
}

test.serial("who asks too fast is cut short, or not answered", async (t) => {
  const seen = await flood(servers["lb-02"], 1500);
  t.log(seen);
  t.true(seen.whole > 0 && seen.whole < seen.sent / 2);
  t.true(seen.short > 0 && seen.whole + seen.short < seen.sent);
  const slow = await flood(servers["lb-01"], 50);
  t.is(slow.whole, slow.sent);
});

test.serial(
  "without the role nothing is left that answers; with it a preview shows the zone",
  async (t) => {
    const without = settings();
    await stack.configure({
      ...without,
      "trilithon:hosts": (without["trilithon:hosts"] as { roles: string[] }[]).map((host) => ({
        ...host,
        roles: host.roles.filter((role) => role !== "name-server"),
      })),
    });
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    for (const host of names) {
      t.is(await stack.on(host, "ss -Hlntu 'sport = 53' | grep -v 127.0.0.11 || true"), "");
      t.is((await stack.try(host, `ls ${zoneFile}`)).status, 2);
    }
    await stack.configure(settings());
    // For people the CLI shows the first lines of a new file.
    const { stdout } = await stack.pulumi("preview", "--json");
    t.regex(stdout, /\\nwww\.foobar\.com 60 IN A 172\.31/);
    const [, serial = ""] = /(\d{10}) ; the serial/.exec(stdout) ?? [];
    await stack.up();
    for (const host of names) t.is(await serialOf(host), Number(serial));
  },
);
