/**
 * The hop from the load balancer to the web servers, on container hosts: a stack of before has TLS there by one `up`; what passes is read
 * by nobody; a web server that shows a wrong certificate gets no request; renewed certificates, another authority and the way back come
 * while the site is asked.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { type Certified, makeAuthority, makeCertificate } from "../../provider/certificates";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { imageWith } from "../end-to-end/support/image-with";
import { startLoad } from "../end-to-end/support/load";
import { OldCode } from "../end-to-end/support/old-code";
import { readPreview } from "../end-to-end/support/preview";
import {
  type Settings,
  TestStack,
  threeHostsWithoutDatabase,
} from "../end-to-end/support/test-stack";
import { authorityOf, changeState, makeShort } from "../support/certificates-in-state";
import { ask, eventually } from "./applications/visitors";

/** The last one without a firewall and without TLS anywhere. */
const codeOfBefore = "efd24b5";
const stackName = "inner-tls";
const number = 116;
const publish = 8760;
const webServers = ["web-01", "web-02"];
const addresses = [`172.31.${number}.21`, `172.31.${number}.22`];
const authorityName = "web-authority";

let stack: TestStack;
let oldCode: OldCode;
let image: string;

function settings(more: Settings = {}): Settings {
  return {
    ...threeHostsWithoutDatabase(number, { publish, sshPortBase: 15_200 }),
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    ...more,
  };
}

test.before(async () => {
  image = await imageWith("trilithon-tcpdump", ["tcpdump"]);
  oldCode = await OldCode.make(stackName, codeOfBefore);
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
  await oldCode?.remove();
});

const planted = {
  path: "/planted-in-the-path",
  cookie: "session=planted-in-the-cookie",
  body: "planted-in-the-body",
};

/** Which of what is planted, and of the words of HTTP, can be read on the way between the load balancer and the web servers. */
async function readOnTheWay(t: ExecutionContext): Promise<readonly string[]> {
  const filter = addresses.map((address) => `host ${address}`).join(" or ");
  const listen = `timeout 8 tcpdump -i any -n -s 0 -A '${filter}' 2>/dev/null || true`;
  const heard = must("tcpdump", "docker", [
    ...["run", "--rm", "--network", `container:trilithon-${stackName}-lb-01`],
    ...["--cap-add", "NET_RAW", "--cap-add", "NET_ADMIN", image, "sh", "-c", listen],
  ]);
  const site = { port: publish, domain: "www.foobar.com", headers: { cookie: planted.cookie } };
  await sleep(3000);
  for (const _ of webServers) {
    for (const method of ["GET", "POST"]) {
      const body = method === "POST" ? { body: planted.body } : {};
      const { status, body: text } = await ask(site, planted.path, { method, ...body });
      t.is(status, 200);
      t.true(text.startsWith(planted.path));
    }
  }
  const text = await heard;
  t.true(text.length > 10_000, "packets were seen");
  const words = ["HTTP/1.1", ...Object.values(planted)];
  return words.filter((word) => text.includes(word));
}

const everything = ["HTTP/1.1", ...Object.values(planted)];

/** Nobody notices anything meanwhile, neither who reads nor who writes. */
async function underLoad(t: ExecutionContext, what: string, work: () => Promise<unknown>) {
  const url = `http://127.0.0.1:${publish}`;
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 2 });
  try {
    await work();
  } finally {
    // What a reload left behind serves for some seconds.
    await sleep(12_000);
    const { sent, writes, failures, repeated } = await load.stop();
    t.log(`${what}: ${sent} requests, ${writes} of them writes, ${repeated} sent once more`);
    t.true(sent > 100, what);
    if (Object.keys(failures).length > 0) t.log(await stack.on("lb-01", comingAndGoing));
    t.deepEqual(failures, {}, what);
  }
}

const comingAndGoing = `journalctl --no-pager -u haproxy --since=-3min | grep -E ' (is (DOWN|UP)|503) ' | tail -n 40`;

async function upUnderLoad(t: ExecutionContext, what: string) {
  await underLoad(t, what, () => stack.up());
  t.deepEqual((await readPreview(stack)).sentences, {}, what);
}

interface ServerState {
  readonly status: string;
  readonly check: string;
}

/** As the load balancer sees a server. */
async function stateOf(name: string): Promise<ServerState> {
  const csv = await stack.on("lb-01", haproxy("show stat"));
  const [head = "", ...rows] = csv.replace(/^# /, "").split("\n");
  const columns = head.split(",");
  const row = rows.find((line) => line.startsWith(`web_servers,${name},`))?.split(",") ?? [];
  const value = (column: string) => row[columns.indexOf(column)] ?? "";
  return { status: value("status"), check: value("check_status") };
}

const haproxy = (command: string) => `echo '${command}' | socat -t 2 stdio /run/haproxy/admin.sock`;

/** Of the load balancer: another one has been started, or has reloaded. */
const processes = () => stack.on("lb-01", "pgrep haproxy | sort");

test.serial("before, all of it can be read", async (t) => {
  await oldCode.with(stack, async () => {
    await stack.up();
  });
  t.deepEqual(await readOnTheWay(t), everything);
});

test.serial("one `up` encrypts it, and no request fails", async (t) => {
  const { sentences } = await readPreview(stack);
  for (const name of webServers) {
    const said = sentences[`${name}-nginx-service`] ?? "";
    t.regex(said, /write \/etc\/nginx\/trilithon\/server\.pem \(content not known yet\)/);
    t.regex(said, /reload nginx \(no connection dropped\)/);
  }
  const said = sentences["load-balancer-lb-01-service"] ?? "";
  t.regex(said, /write \/etc\/haproxy\/web-authorities\.pem \(content not known yet\)/);
  t.regex(said, /reload haproxy \(no connection dropped/);
  await upUnderLoad(t, "the first up");
  t.deepEqual(await readOnTheWay(t), []);
});

test.serial("all that is checked holds", async (t) => {
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "allowed" });
  const failed = verdicts.filter(({ passed }) => !passed);
  t.deepEqual(failed, [], renderTable({ stack: stackName, url: endpoints.url, verdicts }));
});

test.serial("writes, of which each has a connection, resume sessions", async (t) => {
  const seen = async () => {
    const told = await stack.on("lb-01", haproxy("show info"));
    const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(told)?.[1]);
    return { connections: value("CumSslConns"), keysPerSecond: value("SslBackendKeyRate") };
  };
  await underLoad(t, "sessions", async () => {
    // Each of HAProxy's threads has one by then.
    await sleep(5000);
    const { connections } = await seen();
    let [keys, last] = [0, connections];
    for (let second = 0; second < 10; second += 1) {
      await sleep(1000);
      const now = await seen();
      [keys, last] = [keys + now.keysPerSecond, now.connections];
    }
    t.log(`${last - connections} connections, about ${keys} of them with a new session`);
    t.true(last - connections > 50);
    t.true(keys < (last - connections) / 2);
  });
});

interface Shown {
  readonly what: string;
  readonly make: (authority: Certified) => Promise<Certified>;
}

const name = "web-02";
const rightNames = [addresses[1] ?? "", name];
const wrong: readonly Shown[] = [
  {
    what: "one of another authority",
    make: async () => {
      const authority = await makeAuthority("web authority");
      return makeCertificate({ name, addresses: rightNames, authority });
    },
  },
  {
    what: "one of another name",
    // HAProxy takes the name of the subject as well.
    make: (authority) => makeCertificate({ name: "web-01", addresses: ["web-01"], authority }),
  },
  {
    what: "one that has ended",
    make: (authority) => makeShort(rightNames, authority, new Date(Date.now() - 60_000)),
  },
];

test.serial("a web server that shows a wrong certificate is left out, and mended", async (t) => {
  const authority = await authorityOf(stack, authorityName);
  for (const { what, make } of wrong) {
    const shown = await make(authority);
    await underLoad(t, what, async () => {
      await show(shown);
      await eventually(
        t,
        async () => {
          const { status, check } = await stateOf(name);
          return status === "DOWN" && check === "L6RSP";
        },
        what,
      );
    });
    t.is((await stateOf("web-01")).status, "UP");
    const { sentences } = await readPreview(stack);
    t.regex(
      sentences[`${name}-nginx-service`] ?? "",
      /write \/etc\/nginx\/trilithon\/server\.pem .*\[drift\]/s,
      what,
    );
    await upUnderLoad(t, `after ${what}`);
    await eventually(t, async () => (await stateOf(name)).status === "UP", `after ${what}`);
  }
});

/** By hand. */
async function show({ certificate, privateKey }: Certified): Promise<void> {
  const write = (text: string, path: string) =>
    `echo ${Buffer.from(text).toString("base64")} | base64 -d >/etc/nginx/trilithon/${path}`;
  await stack.on(
    name,
    `${write(certificate, "server.pem")} && ${write(privateKey, "server-key.pem")} && systemctl reload nginx`,
  );
}

const serial = () =>
  stack.on(name, "openssl x509 -noout -serial -in /etc/nginx/trilithon/server.pem");

test.serial("a certificate is renewed before it ends, by a reload of its Nginx", async (t) => {
  const end = new Date(Date.now() + 24 * 3600 * 1000);
  const old = await makeShort(rightNames, await authorityOf(stack, authorityName), end);
  await changeState(stack, `${name}-nginx-certificate`, { certificate: old.certificate });
  const { sentences } = await readPreview(stack);
  const said = sentences[`${name}-nginx-certificate`] ?? "";
  t.true(said.includes(`renew a certificate: it ends on ${end.toISOString().slice(0, 10)}`), said);
  t.deepEqual(Object.keys(sentences).sort(), [
    `${name}-nginx-certificate`,
    `${name}-nginx-service`,
  ]);
  const before = { serial: await serial(), processes: await processes() };
  await upUnderLoad(t, "a renewal");
  t.not(await serial(), before.serial);
  t.is(await processes(), before.processes, "HAProxy was left alone");
  t.is((await stateOf(name)).status, "UP");
});

const trusted = () => stack.on("lb-01", "grep -c BEGIN /etc/haproxy/web-authorities.pem");

test.serial("another authority is trusted beside the former one for a week", async (t) => {
  await stack.configure(settings({ "trilithon:web": { authorityKeeper: "2" } }));
  const { sentences } = await readPreview(stack);
  const said = sentences[authorityName] ?? "";
  t.regex(said, /make another authority: the former one is trusted until \d{4}-\d\d-\d\d as well/);
  await upUnderLoad(t, "another authority");
  t.is(await trusted(), "2\n");
  await changeState(stack, authorityName, {
    formerUntil: new Date(Date.now() - 1000).toISOString(),
  });
  const over = (await readPreview(stack)).sentences[authorityName] ?? "";
  t.regex(over, /trust the former authority no longer/);
  await upUnderLoad(t, "the end of the former authority");
  t.is(await trusted(), "1\n");
  for (const server of webServers) t.is((await stateOf(server)).status, "UP");
});

test.serial("it can be switched off, and on again", async (t) => {
  const web = { "trilithon:web": { authorityKeeper: "2" } };
  await stack.configure(
    settings({ ...web, "trilithon:loadBalancer": { backendProtocol: "http" } }),
  );
  await upUnderLoad(t, "off");
  t.deepEqual(await readOnTheWay(t), everything);
  await stack.configure(settings(web));
  // Somebody else's firewall knows the former port alone.
  for (const server of webServers) {
    await stack.on(
      server,
      "nft 'table inet other { chain input { type filter hook input priority 10; tcp dport 4443 drop; }; }'",
    );
  }
  await underLoad(t, "where nobody is reached", async () => {
    const said = await stack.mustFail();
    t.regex(
      said,
      /none of 172\.31\.116\.21:4443 172\.31\.116\.22:4443 is reached: let web\.tlsPort/,
    );
  });
  for (const server of webServers) await stack.on(server, "nft delete table inet other");
  await upUnderLoad(t, "on");
  t.deepEqual(await readOnTheWay(t), []);
});

test.serial("no key came to light", async (t) => {
  for (const server of webServers) {
    const key = await stack.on(server, "sed -n 2p /etc/nginx/trilithon/server-key.pem");
    t.true(key.trim().length > 20);
    t.false(stack.said.join("").includes(key.trim()));
    t.is(
      await stack.on(server, "stat -c '%a %U' /etc/nginx/trilithon/server-key.pem"),
      "600 root\n",
    );
  }
});
