/** What a stranger and the hosts reach of a stack like `dev`, and changes that would lock everybody out. */
import test, { type ExecutionContext } from "ava";
import type { Endpoints } from "../../components/endpoints";
import { capture, must } from "../../scripts/setup/run";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { underVisits } from "./applications/visitors";
import { declaredAt, type Who } from "./strangers/declared";
import {
  giveAddress6,
  makeScanner,
  openPorts,
  type Place,
  startStranger,
} from "./strangers/scanner";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 113);
const net = `172.31.${number}`;
const net6 = `fd00:172:31:${number}:`;
const publish = 8730;
const site = { port: publish, domain: "www.foobar.com" };
const hosts = ["lb-01", "web-01", "web-02"];
const addresses: Readonly<Record<string, string>> = {
  "lb-01": `${net}.11`,
  "web-01": `${net}.21`,
  "web-02": `${net}.22`,
};

let stack: TestStack;

function settings(more: Settings = {}): Settings {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 14_600 },
    },
    ...more,
  };
}

test.before(async () => {
  await makeScanner();
  stack = await TestStack.make("firewall", settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** `22/tcp 80/tcp`, from that place. */
async function openAt(place: Place, address: string): Promise<string> {
  return (await openPorts(place, [address]))[address] ?? "";
}

const stranger = { network: "container:trilithon-firewall-stranger" };
const beside = (host: string): Place => ({ network: `container:trilithon-firewall-${host}` });

test.serial("it is up, with what listens as declared, and nothing left to do", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
});

const address6Of = (host: string) => (addresses[host] ?? "").replace(`${net}.`, `${net6}:`);

test.serial("addresses of IPv6 that the stack knows nothing of change nothing", async (t) => {
  await startStranger("firewall", `${net6}:99`);
  for (const host of hosts) await stack.on(host, giveAddress6(address6Of(host)));
  for (const host of hosts) {
    const words = ["exec", "trilithon-firewall-stranger", "ping", "-c", "1", "-W", "5"];
    await must(`IPv6 of ${host}`, "docker", [...words, address6Of(host)]);
  }
  t.deepEqual((await readPreview(stack)).sentences, {});
});

/** What is open at both addresses of a host is what is declared there, and this. */
async function reaches(
  t: ExecutionContext,
  [from, place, who]: readonly [string, Place, Who],
  [to, open]: readonly [string, string],
) {
  const { listens } = (await stack.output("endpoints")) as Endpoints;
  for (const address of [addresses[to] ?? "", address6Of(to)]) {
    const found = await openAt(place, address);
    t.is(found, declaredAt(listens, { host: to, address }, who), `${from} to ${to}, ${address}`);
    t.is(found, address.includes(":") ? "" : open, `${from} to ${to}, ${address}`);
  }
}

test.serial("a stranger reaches the page alone, and nothing over IPv6", async (t) => {
  const who = { isOperator: false };
  for (const host of hosts) {
    await reaches(t, ["a stranger", stranger, who], [host, host === "lb-01" ? "80/tcp" : ""]);
  }
});

test.serial("each host reaches what it needs, and nothing else", async (t) => {
  const reached = {
    "lb-01": { "web-01": "80/tcp 4443/tcp", "web-02": "80/tcp 4443/tcp" },
    "web-01": { "lb-01": "80/tcp 8404/tcp", "web-02": "3306/tcp 9200/tcp" },
    "web-02": { "lb-01": "80/tcp 8404/tcp", "web-01": "3306/tcp 9200/tcp" },
  };
  for (const [host, others] of Object.entries(reached)) {
    const from = [host, beside(host), { host, isOperator: false }] as const;
    for (const other of Object.entries(others)) await reaches(t, from, other);
  }
});

const rulesOf = (host: string) =>
  stack.on(host, "nft --stateless --terse list table inet trilithon_firewall");

test.serial("rules that were changed by hand are told line by line, and come back", async (t) => {
  const before = await rulesOf("lb-01");
  await stack.on(
    "lb-01",
    "nft add rule inet trilithon_firewall open tcp dport 9 accept; nft flush chain inet trilithon_firewall declared",
  );
  const { sentences } = await readPreview(stack);
  t.log(sentences);
  t.regex(JSON.stringify(sentences), /nftables has besides tcp dport 9 accept/);
  t.regex(JSON.stringify(sentences), /nftables lacks meta nfproto ipv4 tcp dport 80 accept/);
  await stack.up();
  t.is(await rulesOf("lb-01"), before);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

/** Nobody gets in any more over a new connection, and those that are there go on. */
const lockOut = `nft insert rule inet trilithon_firewall input ip saddr ${net}.1 tcp dport != 80 drop`;

/** `up` changes the firewall by a port that is allowed; right after that `words` are run on the host, as if the rules were wrong. */
async function lockedOut(host: string, port: number, words: string) {
  await stack.on(
    host,
    `mkdir -p ${dropIns}
cat >${dropIns}/lock-out.conf <<'END'
[Service]
ExecReload=-/bin/sh /run/lock-out.sh
END
cat >/run/lock-out.sh <<'END'
grep -q 'dport ${port} ' /etc/trilithon-firewall/open.nft || exit 0
${words}
END
systemctl daemon-reload`,
  );
  await stack.configure(settings({ "trilithon:firewall": { allow: [{ port, hosts: [host] }] } }));
}

const dropIns = "/etc/systemd/system/trilithon-firewall-open.service.d";

/** As it was before. */
async function letIn(t: ExecutionContext, host: string) {
  await stack.on(host, `rm -r ${dropIns}; systemctl daemon-reload`);
  await stack.configure(settings());
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
}

const isReached = async (host: string) => {
  const { hosts } = (await stack.output("endpoints")) as {
    hosts: Record<string, { sshPort: number }>;
  };
  const probe = await capture("bash", [
    "-c",
    `exec 3<>/dev/tcp/127.0.0.1/${hosts[host]?.sshPort}; head -c 3 <&3`,
  ]);
  return probe.stdout === "SSH";
};

test.serial(
  "rules that drop the operator are taken back by the host, and the site goes on",
  async (t) => {
    const before = await rulesOf("web-01");
    await underVisits(t, site, ["/", "/healthz"], async () => {
      await lockedOut("web-01", 9101, lockOut);
      const said = await stack.mustFail();
      t.regex(said, /no new connection got in within 20 seconds; all is put back as it was/);
      t.regex(
        said,
        /while trilithon-firewall-open was as wanted: web-01 \(root@127\.0\.0\.1:\d+\): no answer over SSH/,
      );
      t.is(await rulesOf("web-01"), before);
      t.true(await isReached("web-01"));
    });
    await letIn(t, "web-01");
  },
);

test.serial("so they are when `up` is killed before it could get in", async (t) => {
  const before = await rulesOf("web-02");
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await lockedOut("web-02", 9102, lockOut);
    const { end } = await killUpAt(stack, async (isOver) => {
      while (!isOver() && !(await rulesOf("web-02")).includes("dport 9102")) await pause(0.1);
    });
    t.is(end, "killed");
    for (let tries = 0; tries < 60 && (await rulesOf("web-02")) !== before; tries += 1)
      await pause(0.5);
    t.is(await rulesOf("web-02"), before);
    t.true(await isReached("web-02"));
  });
  await letIn(t, "web-02");
});

test.serial(
  "so they are when the network is cut at that moment, and the site goes on",
  async (t) => {
    const before = await rulesOf("web-02");
    // Between this machine and the host.
    const cut = `nft 'table inet cut { chain input { type filter hook input priority -200; ip saddr ${net}.1 drop; }; chain output { type filter hook output priority -200; ip daddr ${net}.1 drop; }; }'`;
    await underVisits(t, site, ["/", "/healthz"], async () => {
      await lockedOut(
        "web-02",
        9103,
        `${cut}; systemd-run --quiet --on-active=40 nft delete table inet cut`,
      );
      const up = stack.mustFail();
      while (!(await rulesOf("web-02")).includes("dport 9103")) await pause(0.1);
      for (let tries = 0; tries < 60 && (await rulesOf("web-02")) !== before; tries += 1)
        await pause(0.5);
      t.is(await rulesOf("web-02"), before);
      const said = await up;
      t.regex(said, /error: web-02: .*the connection was lost before the answer/);
      t.regex(
        said,
        /web-02: trilithon-firewall-open is on probation, and the host goes on by itself: unless a new connection got in, it puts all back within 20 seconds/,
      );
      while ((await stack.try("web-02", "nft list table inet cut")).status === 0) await pause(0.5);
    });
    t.true(await isReached("web-02"));
    await letIn(t, "web-02");
  },
);

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

test.serial(
  "a private service comes and goes, and so does the firewall: no request is lost",
  async (t) => {
    const both = ["/", "/healthz"];
    const change = (more: Settings) =>
      underVisits(t, site, both, async () => {
        await stack.configure(settings(more));
        await stack.up();
      });
    const open = (from: Place) => openAt(from, addresses["lb-01"] ?? "");
    await change({ "trilithon:services": { cache: { kind: "valkey", hosts: ["lb-01"] } } });
    t.is(await open(beside("web-01")), "80/tcp 7379/tcp 8404/tcp");
    t.is(await open(stranger), "80/tcp");
    await change({});
    t.is(await open(beside("web-01")), "80/tcp 8404/tcp");
    await change({ "trilithon:firewall": "none" });
    t.regex(await open(stranger), /^22\/tcp 80\/tcp 8404\/tcp/);
    t.regex(await openAt(stranger, address6Of("lb-01")), /^22\/tcp/);
    await change({});
    t.is(await open(stranger), "80/tcp");
  },
);
