/**
 * What can be read on the network between all hosts of a stack, with everything on: visitors who read, write and log in, applications and
 * members that log in to MySQL, names that are asked for, a release. A stack with a pair and one with a group; at the end one hop is plain
 * on purpose, which has to be heard.
 */

import { Resolver } from "node:dns/promises";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { Listen } from "../../components/listens";
import { must } from "../../scripts/setup/run";
import { parseEndpoints, trustOf } from "../../scripts/verify/endpoints";
import { request } from "../../scripts/verify/http";
import { imageWith } from "../end-to-end/support/image-with";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { passwordsOf } from "../support/certificates-in-state";
import { type Conversation, conversationsOf, readPackets } from "../support/packets";
import { eventually } from "./applications/visitors";

const number = 121;
const net = `172.31.${number}`;
const domain = "www.foobar.com";
const sharedAddress = `${net}.10`;
/** This machine's, in the hosts' network. */
const outside = `${net}.1`;

interface Trial {
  readonly topology: "pair" | "group";
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    readonly roles: readonly string[];
  }[];
  /** Shuts a connection of members, so that they log in anew: on a host that is not the primary's. */
  readonly relogin: { readonly host: string; readonly script: string };
}

const edge = ["load-balancer", "name-server"];
const trials: readonly Trial[] = [
  {
    topology: "pair",
    hosts: [
      { name: "lb-01", address: `${net}.11`, roles: edge },
      { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
      { name: "web-02", address: `${net}.22`, roles: [...edge, "web", "database-replica"] },
    ],
    relogin: {
      host: "web-02",
      script: "mysql -e 'STOP REPLICA IO_THREAD; START REPLICA IO_THREAD'",
    },
  },
  {
    topology: "group",
    hosts: [
      { name: "node-01", address: `${net}.11`, roles: [...edge, "database"] },
      { name: "node-02", address: `${net}.12`, roles: [...edge, "web", "database"] },
      { name: "node-03", address: `${net}.13`, roles: ["web", "database"] },
    ],
    relogin: {
      host: "node-03",
      script: `systemctl restart mysql
for _ in $(seq 60); do
  [ "$(mysql -NBe "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'")" = 3 ] && exit
  sleep 1
done
exit 1`,
    },
  },
];

const planted = {
  path: "/?planted-in-the-path",
  cookie: "session=planted-in-the-cookie",
  authorization: `Basic ${Buffer.from("visitor:planted-in-a-login").toString("base64")}`,
  message: "planted-in-an-entry",
  environment: "planted-in-the-environment",
};

/** Between hosts without encryption, and what is asked there: neither holds anything of visitors or of accounts. */
const plainQuestions: Readonly<Record<string, RegExp>> = {
  statistics: /^GET \/;csv HTTP\/1\.[01]\r$/,
  page: /^GET \/\.trilithon\/(load-balancer|mark) HTTP\/1\.[01]\r$/,
  "MySQL's role": /^GET \/(primary|replica|reads) HTTP\/1\.[01]\r$/,
};
/** Lead packets to hosts, and carry nothing of the stack: of IPv6 the hosts have what finds neighbours, and no addresses. */
const ofTheNetwork = ["arp", "icmp", "igmp", "ipv6"];

let image: string;

test.before(async () => {
  image = await imageWith("trilithon-tcpdump", ["tcpdump"]);
});

function settingsOf({ hosts }: Trial, more: Settings = {}, round = "first"): Settings {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:hosts": hosts,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish: 8890, sshPortBase: 16_200 },
    },
    // A host with a load balancer has its port 80 as well.
    "trilithon:web": { port: 8080 },
    "trilithon:loadBalancer": { virtualAddress: sharedAddress },
    "trilithon:https": "own-ca",
    "trilithon:application": {
      ...Object(standard["trilithon:application"]),
      environment: { PLANTED: planted.environment, ROUND: round },
    },
    ...more,
  };
}

for (const trial of trials) {
  test.serial(`a ${trial.topology}: nothing is read on the way`, async (t) => {
    const name = `captures-${trial.topology}`;
    const stack = await TestStack.make(name, settingsOf(trial));
    t.teardown(async () => {
      if (process.env.TRILITHON_KEEP === undefined) await stack.remove();
    });
    await stack.up();
    const heard = await listen(t, { stack, name, trial }, async () => {
      await visit(t, stack, trial);
      await stack.on(trial.relogin.host, trial.relogin.script);
      // A release asks the load balancers, and has applications log in.
      await stack.configure(settingsOf(trial, {}, "second"));
      await stack.up();
      await visit(t, stack, trial);
    });
    await nothingIsRead(t, stack, trial, heard);
    if (trial.topology === "group") return;
    const http = { virtualAddress: sharedAddress, backendProtocol: "http" };
    await stack.configure(settingsOf(trial, { "trilithon:loadBalancer": http }, "second"));
    await stack.up();
    const control = await listen(t, { stack, name, trial }, () => visit(t, stack, trial));
    const words = wordsIn(control, Object.values(planted));
    const { environment, ...sent } = planted;
    t.deepEqual(words, Object.values(sent), "all that visitors sent is heard, and nothing else");
  });
}

/** Through each load balancer and the address that they share, and of each name server. */
async function visit(t: ExecutionContext, stack: TestStack, { hosts }: Trial): Promise<void> {
  const trust = trustOf(parseEndpoints(await stack.output("endpoints")));
  const { cookie, authorization, message } = planted;
  const headers = { host: domain, cookie, authorization };
  const entry = { name: "visitor", message };
  const balancing = hosts.filter(({ roles }) => roles.includes("load-balancer"));
  for (const address of [sharedAddress, ...balancing.map((host) => host.address)]) {
    for (let time = 0; time < 4; time += 1) {
      const url = `https://${address}`;
      const common = { headers, trust, deadlineSeconds: 30 };
      const page = await request({ ...common, url: `${url}${planted.path}` });
      t.is(page.status, 200);
      const written = await request({
        ...{ ...common, url: `${url}/api/entries`, method: "POST", body: JSON.stringify(entry) },
        headers: { ...headers, "content-type": "application/json" },
      });
      t.true(written.status < 300, written.body);
    }
    if (address === sharedAddress) continue;
    const resolver = new Resolver({ timeout: 2000 });
    resolver.setServers([address]);
    t.deepEqual(await resolver.resolve4(domain), [sharedAddress]);
  }
  t.true(
    (await request({ url: `https://${sharedAddress}/`, headers, trust })).body.includes(message),
  );
}

interface Place {
  readonly stack: TestStack;
  readonly name: string;
  readonly trial: Trial;
}

interface Heard {
  readonly conversations: readonly Conversation[];
  /** Neither TCP nor UDP. */
  readonly others: readonly string[];
}

/** At each host: so nothing between any two of them is missed. */
async function listen(
  t: ExecutionContext,
  { name, trial }: Place,
  work: () => Promise<void>,
): Promise<Heard> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-captures-"));
  const listener = (host: string) => `trilithon-${name}-${host}-listener`;
  for (const { name: host } of trial.hosts) {
    await must(`listening at ${host}`, "docker", [
      ...["run", "--detach", "--name", listener(host), "--label", `trilithon.stack=${name}`],
      ...["--network", `container:trilithon-${name}-${host}`, "--volume", `${folder}:/heard`],
      ...["--cap-add", "NET_RAW", "--cap-add", "NET_ADMIN", image],
      ...["tcpdump", "-Z", "root", "-i", "eth0", "-n", "-s", "0", "-U", "-w", `/heard/${host}`],
    ]);
    await eventually(
      t,
      async () => {
        const words = ["logs", listener(host)];
        const said = await must("listener", "sh", ["-c", `docker ${words.join(" ")} 2>&1`]);
        return said.includes("listening on");
      },
      `tcpdump listens at ${host}`,
    );
  }
  await work();
  await sleep(1000);
  for (const { name: host } of trial.hosts) {
    await must("listener", "docker", ["stop", listener(host)]);
    await must("listener", "docker", ["rm", listener(host)]);
  }
  const files = await Promise.all(trial.hosts.map(({ name }) => readFile(join(folder, name))));
  await rm(folder, { recursive: true });
  const heard = files.map(readPackets);
  const packets = heard.flat();
  t.log(`${packets.length} packets`);
  return {
    conversations: heard.flatMap(conversationsOf),
    others: [
      ...new Set(
        packets
          .filter(({ protocol }) => protocol !== "tcp" && protocol !== "udp")
          .map(({ protocol, kind }) => (protocol === "other" ? kind : protocol)),
      ),
    ].sort(),
  };
}

/** Of these, the ones that can be read. */
function wordsIn({ conversations }: Heard, words: readonly string[]): readonly string[] {
  return words.filter((word) =>
    conversations.some(({ asked, answered }) => asked.includes(word) || answered.includes(word)),
  );
}

const sql =
  /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER USER|COMMIT|START TRANSACTION) /i;
const http = /HTTP\/[12]\.[01]/;

async function nothingIsRead(
  t: ExecutionContext,
  stack: TestStack,
  trial: Trial,
  heard: Heard,
): Promise<void> {
  const secrets = await passwordsOf(stack);
  t.true(secrets.length >= 2, "the application's and replication's password");
  const words = [...Object.values(planted), ...secrets];
  t.deepEqual(
    wordsIn(heard, words).map((word) => words.indexOf(word)),
    [],
  );
  t.deepEqual(
    heard.others.filter((one) => !ofTheNetwork.includes(one)),
    ["vrrp"],
  );
  const listens = (await stack.output("endpoints")) as { readonly listens: readonly Listen[] };
  const count: Record<string, number> = {};
  const faults = new Set<string>();
  const plain = new Set<string>();
  for (const conversation of heard.conversations) {
    if (ofTheNetwork.includes(conversation.protocol)) continue;
    const known = knownBy(listens.listens, trial, conversation);
    if (known === "not between hosts") continue;
    const { client, server, protocol } = conversation;
    const way = `${protocol} ${client.address} to ${server.address}:${server.port}`;
    if (known === undefined) {
      faults.add(`${way} is not declared`);
      continue;
    }
    // Whether somebody listens is asked without a word.
    if (conversation.asked.length + conversation.answered.length === 0) continue;
    count[known.what] = (count[known.what] ?? 0) + 1;
    if (plainQuestions[known.what]) {
      const [line = ""] = conversation.asked.toString("latin1").split("\r");
      plain.add(`${known.what}: ${line || "nothing asked"}`);
    }
    for (const fault of faultsOf(known.what, conversation)) {
      faults.add(`${way} (${known.what}): ${fault}`);
    }
  }
  t.log(count, plain);
  t.deepEqual([...faults], []);
  const all = ["DNS", "MySQL", "MySQL's role", "Nginx over TLS", "SSH", "VRRP", "page over TLS"];
  for (const what of [...all, "statistics"]) t.true((count[what] ?? 0) > 0, `${what} was heard`);
}

/** The one that is declared for both ends, whoever of them spoke first. */
function knownBy(
  listens: readonly Listen[],
  { hosts }: Trial,
  { protocol, client, server, isWhole }: Conversation,
): Listen | undefined | "not between hosts" {
  const named = (address: string) => hosts.find((host) => host.address === address);
  const isOurs = ({ address }: { readonly address: string }) =>
    named(address) !== undefined || address === sharedAddress || address === outside;
  if (!isOurs(client) || !isOurs(server)) return "not between hosts";
  // A host that asks this machine: for packages, as it may ask anybody.
  if (isWhole && server.address === outside) return "not between hosts";
  const ends = isWhole
    ? [[server, client] as const]
    : ([
        [server, client],
        [client, server],
      ] as const);
  return listens.find((listen) =>
    ends.some(([at, by]) => {
      const { anyone, operators, hosts: for_ = [] } = listen.for;
      const isFor =
        anyone ||
        (operators && by.address === outside) ||
        for_.includes(named(by.address)?.name ?? "");
      const isAt = named(at.address)?.name === listen.host;
      const isBoundToAll = ["0.0.0.0", "*"].includes(listen.address);
      const isBound = isBoundToAll || listen.address === at.address;
      const isShared = at.address === sharedAddress && isBoundToAll;
      return (
        isFor &&
        listen.protocol === protocol &&
        (listen.port ?? 0) === at.port &&
        (isShared || (isAt && isBound))
      );
    }),
  );
}

/** `16 03`: a record of TLS that opens a handshake. */
const beginsTls = (bytes: Buffer, at = 0) => bytes[at] === 0x16 && bytes[at + 1] === 3;

function faultsOf(
  what: string,
  { protocol, asked, answered, isWhole }: Conversation,
): readonly string[] {
  const [question, answer] = [asked.toString("latin1"), answered.toString("latin1")];
  const faults: string[] = [];
  const plain = plainQuestions[what];
  if (plain) {
    const lines = question.split("\n").filter((line) => http.test(line));
    faults.push(...lines.filter((line) => !plain.test(line)).map((line) => `asks ${line}`));
    if (/^(cookie|authorization):/im.test(question)) faults.push("has a cookie or credentials");
  } else if (http.test(question) || http.test(answer)) faults.push("speaks plain HTTP");
  if (sql.test(question) || sql.test(answer)) faults.push("speaks plain SQL");
  const isTls = what.endsWith("over TLS") || what === "MySQL";
  if (protocol === "tcp" && isTls && isWhole && asked.length > 0) {
    // MySQL's own first packet of 36 bytes says that TLS comes, and holds no name.
    const begin = what === "MySQL" ? 36 : 0;
    if (asked.length > begin && !beginsTls(asked, begin)) faults.push("does not begin with TLS");
  }
  return faults;
}
