/**
 * Hosts taken out of service on purpose, under constant load: drained and taken back in, updated, restarted and rebooted,
 * and no request fails.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { drainHost, findHost, obstaclesOf, undrainHost } from "../../scripts/maintenance/drain";
import { maintain } from "../../scripts/maintenance/maintain";
import { readPending } from "../../scripts/maintenance/updates";
import type { StackOutputs } from "../../scripts/verify/outputs";
import { withSite } from "../../scripts/verify/site";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { startLoad } from "../end-to-end/support/load";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";

const stackName = "away-maintenance";
const number = 83;
const address = `172.31.${number}.10`;
const url = `http://${address}`;
/** Each is a load balancer and a web server. */
const nodes = ["node-01", "node-02"];

let stack: TestStack;
let outputs: StackOutputs;

test.before(async () => {
  stack = await TestStack.make(stackName, settings());
  await stack.up();
  const { endpoints, privateKeys } = await stack.outputs();
  outputs = { endpoints, privateKeys };
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("a drained web server gets nothing, and shows; taken back in, it serves", async (t) => {
  await underLoad(t, async (servers) => {
    await drain("node-01");
    t.deepEqual(await holders(), ["node-02"]);
    const before = servers["node-01"];
    await sleep(3000);
    t.is(servers["node-01"], before);
    const preview = await readPreview(stack);
    t.regex(preview.sentences["application-node-01"] ?? "", /^node-01: end the drain .*\[drift\]$/);
    const verdicts = await verifyStack(outputs, { changes: "none" });
    const failed = verdicts.filter(({ passed }) => !passed).map(({ name }) => name);
    t.true(failed.includes("node-01: takes part"), failed.join("\n"));
    await undrain("node-01");
    await sleep(3000);
    t.true((servers["node-01"] ?? 0) > (before ?? 0));
  });
  t.deepEqual(await holders(), ["node-02"]);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("the last of a kind is not drained", async (t) => {
  await withSite(outputs, "looking", async (site) => {
    const obstacles = async (name: string) => obstaclesOf(site, findHost(site, name));
    t.deepEqual(await obstacles("db-01"), ["db-01: it is the only member of the database"]);
    t.deepEqual(await obstacles("node-02"), []);
  });
  await drain("node-01");
  await withSite(outputs, "looking", async (site) => {
    t.deepEqual(await obstaclesOf(site, findHost(site, "node-02")), [
      "node-02: no other load balancer serves: node-01 is drained",
      "node-02: no other web server would be left: node-01 sees node-01 is NOLB",
    ]);
  });
  await undrain("node-01");
  const error = await t.throwsAsync(drain("node-09"));
  t.regex(error?.message ?? "", /^node-09: no host of this stack: expected one of .*node-01/);
});

test.serial(
  "updates are installed, what runs old code is restarted, and no request fails",
  async (t) => {
    for (const host of nodes) await stack.on(host, packageScript);
    await isKeptWherePinned(t);
    const said: string[] = [];
    await underLoad(t, async () => {
      for (const host of nodes) t.true(await work(host, { said }));
    });
    t.log(said.join("\n"));
    for (const host of nodes) {
      t.true(
        said.some((line) => line.startsWith(`${host}: `) && /trilithon-old 1 -> 2/.test(line)),
      );
      const installed = "dpkg-query --show trilithon-old";
      t.is(await stack.on(host, installed), "trilithon-old\t2\n");
      t.is(await stack.on(host, "apt-mark showauto trilithon-old"), "trilithon-old\n");
      t.notRegex(
        await stack.on(host, "ls -l /proc/[0-9]*/exe 2>/dev/null || true"),
        /trilithon-old \(deleted\)/,
      );
    }
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("hosts are rebooted one after the other, and no request fails", async (t) => {
  const lives = () => Promise.all(nodes.map((host) => stack.on(host, "stat -c %Y /proc/1")));
  const before = await lives();
  const said: string[] = [];
  await underLoad(t, async () => {
    for (const host of nodes) t.true(await work(host, { said, reboot: true }));
  });
  t.log(said.join("\n"));
  const after = await lives();
  t.true(after.every((life, index) => life !== before[index]));
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a host that cannot be spared is left out, and said", async (t) => {
  const said: string[] = [];
  t.false(await work("db-01", { said, reboot: true }));
  const left = "left out: db-01: it is the only member of the database";
  t.true(said.includes(left), said.join("\n"));
});

test.serial("it stops at the first host that does not come back", async (t) => {
  // What it needs to become healthy again is broken while it is down.
  await stack.on("node-01", "systemctl disable guestbook nginx");
  const error = await t.throwsAsync(
    work("node-01", { said: [], reboot: true, healthySeconds: 20 }),
  );
  t.regex(
    error?.message ?? "",
    /^node-01: healthy and in step: not within 20 s; last seen: node-01: /,
  );
  t.regex(error?.message ?? "", /node-01 is left as it is\. See what is wrong \(npm run verify/);
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

/** What the settings hold at a version is no update. */
async function isKeptWherePinned(t: ExecutionContext): Promise<void> {
  await withSite(outputs, "looking", async (site) => {
    const host = findHost(site, "node-01");
    const read = (pinned: Readonly<Record<string, string>>) =>
      readPending(site, { ...host, pinned }, { isSecurityOnly: false });
    const update = { name: "trilithon-old", from: "1", to: "2", isSecurity: false };
    t.like(await read({}), { updates: [update], kept: [] });
    t.like(await read({ "trilithon-old": "2*" }), { updates: [update], kept: [] });
    const kept = await read({ "trilithon-old": "1*" });
    t.like(kept, { updates: [], kept: ["trilithon-old (the stack sets 1*)"] });
  });
}

/** Whose interface has the shared address: on lo, the first one, it is what a host that leaves keeps for a moment. */
async function holders(): Promise<readonly string[]> {
  const found = await Promise.all(
    nodes.map(async (node) => {
      const said = await stack.on(
        node,
        `ip -o -4 addr show to ${address}/32 | grep -v "^1: " || true`,
      );
      return said.includes(address) ? [node] : [];
    }),
  );
  return found.flat();
}

interface Wish {
  readonly said: string[];
  readonly reboot?: boolean;
  readonly healthySeconds?: number;
}

function work(host: string, { said, reboot = false, healthySeconds }: Wish): Promise<boolean> {
  return maintain(outputs, {
    ...{ host, reboot, finishSeconds: 30, isSecurityOnly: false, isListOnly: false },
    ...(healthySeconds && { healthySeconds }),
    say: (message) => said.push(message),
  });
}

function drain(name: string): Promise<void> {
  return withSite(outputs, "draining", (site) =>
    drainHost(site, findHost(site, name), { finishSeconds: 30, say: () => {} }),
  );
}

function undrain(name: string): Promise<void> {
  return withSite(outputs, "undraining", (site) =>
    undrainHost(site, findHost(site, name), { say: () => {} }),
  );
}

async function underLoad(
  t: ExecutionContext,
  use: (servers: Readonly<Record<string, number>>) => Promise<void>,
): Promise<void> {
  const load = startLoad({ url, requestsPerSecond: 50, writeEvery: 5 });
  try {
    await use(load.servers);
  } finally {
    const result = await load.stop();
    t.log(result);
    t.deepEqual(result.failures, {});
    t.true(result.answered > 0);
  }
}

/** A package of the machine's own, installed in version 1 and offered in version 2, whose daemon runs. */
const packageScript = `set -eu
mkdir -p /root/repository && cd /root/repository
for version in 1 2; do
  mkdir -p "$version/DEBIAN" "$version/usr/bin" "$version/lib/systemd/system"
  cp /usr/bin/sleep "$version/usr/bin/trilithon-old"
  printf 'Package: trilithon-old\\nVersion: %s\\nArchitecture: all\\nMaintainer: nobody <nobody@example.com>\\nDescription: a trial\\n' "$version" >"$version/DEBIAN/control"
  printf '[Service]\\nExecStart=/usr/bin/trilithon-old infinity\\n' >"$version/lib/systemd/system/trilithon-old.service"
  dpkg-deb --build --root-owner-group "$version" "trilithon-old_$version.deb" >/dev/null
done
file=trilithon-old_2.deb
{ cat 2/DEBIAN/control; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n' "$file" "$(stat -c %s $file)" "$(sha256sum $file | cut -d' ' -f1)"; } >Packages
echo 'deb [trusted=yes] file:/root/repository ./' >/etc/apt/sources.list.d/trilithon-trial.list
dpkg --install trilithon-old_1.deb >/dev/null
apt-mark auto trilithon-old >/dev/null
systemctl daemon-reload && systemctl start trilithon-old`;

function settings(): Settings {
  const net = `172.31.${number}`;
  return {
    ...threeHosts(number),
    "trilithon:containers": {
      subnet: `172.31.${number}.0/24`,
      // Two load balancers take two ports.
      publish: 8183,
      sshPortBase: 26_000,
    },
    "trilithon:loadBalancer": { virtualAddress: address },
    // Port 80 is the load balancer's.
    "trilithon:web": { port: 8080 },
    "trilithon:hosts": [
      { name: "node-01", address: `${net}.11`, roles: ["load-balancer", "web"] },
      { name: "node-02", address: `${net}.12`, roles: ["load-balancer", "web"] },
      { name: "db-01", address: `${net}.21`, roles: ["database"] },
    ],
  };
}
