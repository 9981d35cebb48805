/**
 * Two load balancers that share an address: whatever becomes of the one that has it, the other one answers there, never both, and
 * what returns takes nothing back. How long that takes is measured by `npm run drill`.
 */
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { root } from "../../scripts/setup/environment";
import { capture, must } from "../../scripts/setup/run";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { ask, balancerHeader, watchBalancers } from "../end-to-end/support/balancers";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";

const stackName = "load-balancers";
const net = "172.31.82";
const address = `${net}.10`;
const url = `http://${address}/`;
const first = { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] };
const second = { name: "lb-02", address: `${net}.12`, roles: ["load-balancer"] };
const web = { name: "web-01", address: `${net}.21`, roles: ["web"] };
const names = [first.name, second.name];

function settings(...balancers: readonly object[]): Settings {
  return {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [...balancers, web],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8082, sshPortBase: 30_992, memoryMegabytes: 512 },
    },
    "trilithon:loadBalancer": {
      virtualAddress: address,
      rawLines: { frontend: [`http-response set-header ${balancerHeader} %[hostname]`] },
    },
    "trilithon:application": {
      ...{ name: "balanced", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "end-to-end", "older-systems"),
    },
  };
}

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, settings(first, second));
});

test.after.always(() => stack?.remove());

test.serial(
  "one `up` makes it: one of the two has the address, and the page is there",
  async (t) => {
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    t.is((await holders()).length, 1);
    const { endpoints, privateKeys } = await stack.outputs();
    t.is(`${endpoints.url}/`, url);
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
    const failed = verdicts.filter(({ passed }) => !passed);
    t.deepEqual(failed, [], renderTable({ stack: stackName, url, verdicts }));
  },
);

interface Fault {
  readonly title: string;
  readonly cause: (host: string) => Promise<unknown>;
  readonly end: (host: string) => Promise<unknown>;
}

const systemctl =
  (...words: readonly string[]) =>
  (host: string) =>
    stack.on(host, words.map((word) => `systemctl ${word}`).join(" && "));
const container = (host: string) => `trilithon-${stackName}-${host}`;
const docker = (word: string) => (host: string) => must(word, "docker", [word, container(host)]);

const cut = `nft -f - <<'END'
table netdev cut {
  chain in { type filter hook ingress device "eth0" priority -500; policy drop; }
  chain out { type filter hook egress device "eth0" priority 500; policy drop; }
}
END`;

const faults: readonly Fault[] = [
  { title: "its host is killed", cause: docker("kill"), end: docker("start") },
  {
    title: "HAProxy is killed, and its unit stopped",
    cause: systemctl("kill -s KILL haproxy", "stop haproxy"),
    end: systemctl("start haproxy"),
  },
  {
    title: "HAProxy hangs",
    cause: systemctl("kill -s STOP haproxy"),
    end: systemctl("kill -s CONT haproxy"),
  },
  {
    title: "its host is cut off",
    cause: (host) => stack.on(host, cut),
    end: (host) => stack.on(host, "nft delete table netdev cut"),
  },
  {
    title: "keepalived hangs",
    cause: systemctl("kill -s STOP keepalived"),
    // systemd may have ended it before.
    end: (host) => stack.try(host, "systemctl kill -s CONT keepalived"),
  },
  {
    title: "it is told to leave",
    cause: (host) => stack.on(host, "mkdir -p /run/trilithon && : >/run/trilithon/leave-address"),
    end: (host) => stack.on(host, "rm /run/trilithon/leave-address"),
  },
];

for (const { title, cause, end } of faults) {
  test.serial(`the other one answers when of the one with the address ${title}`, async (t) => {
    const holder = await theHolder(t);
    const other = names.find((name) => name !== holder) ?? "";
    const load = watchBalancers(t, url);
    await answeredBy(holder);
    await settled(holder);
    await cause(holder);
    await answeredBy(other);
    await end(holder);
    await joined(holder);
    const { turns, answered } = await load.stop();
    t.true(answered > 0);
    // Never both, and nothing comes back.
    t.deepEqual(turns, [holder, other]);
    t.deepEqual(await holders(), [other]);
    t.deepEqual((await readPreview(stack)).updates, []);
  });
}

test.serial(
  "an HAProxy that hangs is restarted by `up`, once another one has the address",
  async (t) => {
    const holder = await theHolder(t);
    const other = names.find((name) => name !== holder) ?? "";
    await stack.on(holder, "systemctl kill -s STOP haproxy");
    await answeredBy(other);
    const load = watchBalancers(t, url);
    const preview = await readPreview(stack);
    t.regex(
      summary(preview, `load-balancer-${holder}-service`),
      /drain the host and restart haproxy \(no request lost while another server serves; it does not answer\)/,
    );
    await stack.up();
    const { turns, failed } = await load.stop();
    t.deepEqual(turns, [other]);
    t.is(failed, 0);
    t.false((await stack.try(holder, "test -e /run/trilithon/leave-address")).status === 0);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("what was changed by hand is shown, and mended", async (t) => {
  const holder = await theHolder(t);
  const other = names.find((name) => name !== holder) ?? "";
  const service = (name: string) => `load-balancer-${name}-keepalived-service`;
  await stack.on(other, `ip addr add ${address}/32 dev eth0`);
  await stack.on(holder, "sed -i 's/advert_int 0.2/advert_int 1/' /etc/keepalived/keepalived.conf");
  const found = await readPreview(stack);
  t.regex(
    summary(found, service(other)),
    new RegExp(
      `put back what was set at run time \\(this host has ${address} without announcing it\\)`,
    ),
  );
  t.regex(
    summary(found, service(holder)),
    /write \/etc\/keepalived\/keepalived\.conf \(1 line\), check it, reload keepalived \(no connection dropped; the address stays where it is\)/,
  );
  const load = watchBalancers(t, url);
  await stack.up();
  const { turns, failed } = await load.stop();
  t.deepEqual(turns, [holder]);
  t.is(failed, 0);
  t.deepEqual(await holders(), [holder]);
  t.deepEqual((await readPreview(stack)).updates, []);

  for (const name of names) await stack.on(name, "systemctl stop keepalived");
  t.deepEqual(await holders(), []);
  t.regex(summary(await readPreview(stack), service(holder)), /start keepalived/);
  await stack.up();
  await theHolder(t);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial(
  "a stranger that has the address is told, and refused where nobody else has it",
  async (t) => {
    const holder = await theHolder(t);
    await stack.on(web.name, `ip addr add ${address}/32 dev eth0`);
    const stranger = new RegExp(`${address} is at another machine as well`);
    const sentence = summary(
      await readPreview(stack),
      `load-balancer-${holder}-keepalived-service`,
    );
    t.regex(sentence, stranger);
    t.regex(await stack.mustFail(), stranger);
    t.deepEqual(await holders(), [holder]);
    for (const name of names) await stack.on(name, "systemctl stop keepalived");
    const { status, stderr } = await stack.try(holder, "/etc/keepalived/trilithon-address free");
    t.is(status, 1);
    t.regex(
      stderr,
      new RegExp(`^${address} is taken: the machine with the MAC address [0-9a-f:]{17} has it`),
    );
    await stack.on(web.name, `ip addr del ${address}/32 dev eth0`);
    await stack.up();
    await theHolder(t);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial(
  "the second load balancer goes and comes by one line each, and nobody notices",
  async (t) => {
    // The one that goes has the address.
    if ((await theHolder(t)) !== second.name) {
      await stack.on(first.name, "mkdir -p /run/trilithon && : >/run/trilithon/leave-address");
      await answeredBy(second.name);
      await stack.on(first.name, "rm /run/trilithon/leave-address");
      await joined(first.name);
    }
    const load = watchBalancers(t, url);
    await stack.configure(settings(first));
    await stack.up();
    t.deepEqual(await holders([first.name]), [first.name]);
    t.deepEqual((await readPreview(stack)).updates, []);
    await stack.configure(settings(first, second));
    await stack.up();
    const { turns, failed, answered } = await load.stop();
    t.deepEqual(turns, [second.name, first.name]);
    t.log(`${failed} of ${failed + answered} requests failed`);
    t.deepEqual(await holders(), [first.name]);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

/** Whose interface has the address. */
async function holders(of: readonly string[] = names): Promise<readonly string[]> {
  const found = await Promise.all(
    of.map(async (name) => {
      const { stdout } = await capture("docker", [
        ...[
          "exec",
          container(name),
          "ip",
          "-o",
          "-4",
          "addr",
          "show",
          "dev",
          "eth0",
          "to",
          `${address}/32`,
        ],
      ]);
      return stdout.includes(address) ? [name] : [];
    }),
  );
  return found.flat();
}

async function theHolder(t: ExecutionContext): Promise<string> {
  const [holder = "", ...more] = await holders();
  t.true(holder !== "" && more.length === 0, `${holder} ${more}`);
  return holder;
}

async function answeredBy(name: string): Promise<void> {
  await until(async () => (await ask(url)) === name, `${name} to answer at ${address}`);
}

/** It has the address for long enough to lose it to one that takes it over. */
async function settled(name: string): Promise<void> {
  const script = "grep -qx 60 /run/trilithon/keepalived-settled";
  await until(async () => (await stack.try(name, script)).status === 0, `${name} to be settled`);
}

/** keepalived runs there, hears the holder, and would take the address over. */
async function joined(name: string): Promise<void> {
  const script = "cat /run/trilithon/keepalived-state; /etc/keepalived/trilithon-address ready";
  await until(async () => {
    const { status, stdout } = await stack.try(name, script);
    return status === 0 && stdout === "BACKUP\n";
  }, `${name} to be a backup again`);
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited 60 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
