/**
 * Certificates from an authority that speaks ACME (pebble) for two load balancers that share an address: each has its own, whoever of
 * them is asked by the authority, and whatever becomes of the authority and of the other one. All the while somebody looks at what
 * visitors are shown.
 */
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { Authority } from "./acme/authority";
import { Handshakes } from "./acme/handshakes";
import { until } from "./until";

const stackName = "acme";
const net = "172.31.119";
const address = `${net}.10`;
const domain = "www.foobar.com";
const balancers = { "lb-01": `${net}.11`, "lb-02": `${net}.12` };
const names = ["lb-01", "lb-02"] as const;
const certificate = "/var/lib/trilithon/acme/certificate.pem";
type Name = (typeof names)[number];

function settings(https: unknown): Settings {
  return {
    "trilithon:domain": domain,
    "trilithon:hosts": [
      ...Object.entries(balancers).map(([name, address]) => ({
        ...{ name, address, roles: ["load-balancer"] },
      })),
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8819, sshPortBase: 15_800, memoryMegabytes: 512 },
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:loadBalancer": { virtualAddress: address },
    "trilithon:https": https,
  };
}

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

/** What was shown, since the beginning: no visitor was ever shown a certificate that is not good. */
function isNobodyRefused(t: ExecutionContext, ...lost: readonly string[]): void {
  t.deepEqual(handshakes.refused, []);
  t.deepEqual(handshakes.lost, lost);
}

async function verify() {
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
  const failed = verdicts.filter(({ passed }) => !passed);
  return { failed, table: renderTable({ stack: stackName, url: endpoints.url, verdicts }) };
}

/** By the host itself as `up` lets it, but every few seconds in place of every hour. */
async function setTimer(name: Name, period: "short" | "as ever"): Promise<void> {
  const folder = "/run/systemd/system/trilithon-acme.timer.d";
  const dropIn = "[Timer]\nOnActiveSec=\nOnActiveSec=2s\nOnUnitInactiveSec=5s\nAccuracySec=1s\n";
  await stack.on(
    name,
    period === "short"
      ? `mkdir -p ${folder} && printf '${dropIn.replaceAll("\n", "\\n")}' >${folder}/trial.conf && systemctl daemon-reload`
      : `rm ${folder}/trial.conf && systemctl daemon-reload && systemctl restart trilithon-acme.timer`,
  );
  if (period === "as ever") await until("the end of a run", () => isAtRest(name));
}

async function isAtRest(name: Name): Promise<true | undefined> {
  const { stdout } = await stack.try(name, "systemctl is-active trilithon-acme.service");
  return /^(inactive|failed)/.test(stdout) ? true : undefined;
}

/** Of its master process: how often it has reloaded, since it started. */
async function reloads(name: Name): Promise<string> {
  const said = await stack.on(
    name,
    "systemctl show -P InvocationID haproxy; echo 'show proc' | socat stdio /run/haproxy-master.sock",
  );
  const [invocation = ""] = said.split("\n");
  const [, times = "?"] = /^\d+\s+master\s+(\d+)/m.exec(said) ?? [];
  return `${invocation} ${times}`;
}

const issue = (name: Name) => stack.try(name, "systemctl start trilithon-acme.service");
const said = (name: Name) =>
  stack.on(name, "journalctl -q -o cat -u trilithon-acme -t trilithon-acme -n 8 --no-pager");
const held = (name: Name) => stack.on(name, `sha256sum ${certificate}`);

/** As if it had been given long ago: it is good, and due. */
async function age(name: Name): Promise<void> {
  const count = handshakes.shown(balancers[name]).length;
  const old = await authority.giveOld(domain);
  await stack.on(name, `cat >${certificate} <<'END'\n${old}END\nsystemctl reload haproxy`);
  await another(name, count);
}

/** Waits until visitors are shown one more than so many. */
function another(name: Name, count: number, seconds?: number): Promise<true> {
  const host = balancers[name];
  return until(
    `${name}: another certificate`,
    () => (handshakes.shown(host).length > count ? true : undefined),
    seconds,
  );
}

/** A run that must fail, and change nothing. */
async function refuses(t: ExecutionContext, name: Name, words: RegExp): Promise<void> {
  const before = [await reloads(name), await held(name)];
  t.not((await issue(name)).status, 0);
  t.regex(await said(name), words);
  t.deepEqual([await reloads(name), await held(name)], before);
}

/** A run that gets another certificate, by one reload. */
async function renews(t: ExecutionContext, name: Name): Promise<void> {
  const count = handshakes.shown(balancers[name]).length;
  const [invocation, times] = (await reloads(name)).split(" ");
  t.is((await issue(name)).status, 0, await said(name));
  await another(name, count);
  t.is(await reloads(name), `${invocation} ${Number(times) + 1}`);
}

const keys: string[] = [];

/** What is in no other place: a line of each key that a load balancer has now. */
async function keepKeys(t: ExecutionContext): Promise<void> {
  for (const name of names) {
    t.is(await stack.on(name, `stat -c '%a %U' ${certificate}`), "600 root\n");
    const told = await stack.on(
      name,
      `line=$(sed -n '/PRIVATE KEY/{n;p;q}' ${certificate}) && echo "$line" && grep -rlF -e "$line" /var/lib/trilithon /etc /tmp`,
    );
    const [line = "", ...found] = told.trim().split("\n");
    t.true(line.length > 40);
    t.deepEqual(found, [certificate]);
    t.false(keys.includes(line), "each has its own");
    keys.push(line);
  }
}

test.serial("first certificates, in the place of another one", async (t) => {
  [, authority] = await Promise.all([
    stack.up(),
    Authority.make({ stack: stackName, address: `${net}.50` }),
  ]);
  await authority.lead(address);
  const { ca = "" } = parseEndpoints(await stack.output("endpoints"));
  const issuer = await authority.run({ lifeSeconds: 120 });
  handshakes.trusted.push(ca, issuer);
  for (const host of [address, ...Object.values(balancers)]) handshakes.begin(host);
  for (const name of names) await another(name, 0);
  for (const name of names) await setTimer(name, "short");
  const { directory, directoryCa } = authority;
  const acme = { email: "admin@foobar.com", directory, directoryCa };
  await stack.configure(settings({ acme, ca: issuer }));
  const preview = await readPreview(stack);
  t.regex(summary(preview, "load-balancer-lb-01-acme-service"), /trilithon-acme\.timer/);
  t.log(summary(preview, "load-balancer-lb-01-acme-service"));
  t.log(summary(preview, "load-balancer-lb-01-service"));
  await stack.up();
  for (const name of names) await another(name, 1);
  const [one, two] = names.map((name) => handshakes.shown(balancers[name]).at(1));
  t.not(one, two);
  isNobodyRefused(t);
});

test.serial("each renews by its timer, and nothing else is reloaded for it", async (t) => {
  await keepKeys(t);
  const look = async (name: Name) => {
    const [invocation, times = ""] = (await reloads(name)).split(" ");
    return { invocation, spare: Number(times) - handshakes.shown(balancers[name]).length };
  };
  const lookAtAll = () => Promise.all(names.map(look));
  // One may just be renewing.
  const steady = async () =>
    until("two looks at the same", async () => {
      const first = await lookAtAll();
      await wait(1);
      const second = await lookAtAll();
      return JSON.stringify(first) === JSON.stringify(second) ? first : undefined;
    });
  const before = await steady();
  // The host's own certificate is no drift.
  t.deepEqual((await readPreview(stack)).updates, []);
  await stack.up("--logtostderr", "-v=9");
  for (const name of names) await another(name, 3, 300);
  t.deepEqual((await readPreview(stack)).updates, []);
  const after = await until("as many reloads as certificates", async () => {
    const now = await steady();
    return JSON.stringify(now) === JSON.stringify(before) ? now : undefined;
  }).catch(steady);
  t.deepEqual(after, before);
  t.log(names.map((name) => `${name}: ${handshakes.shown(balancers[name]).length} certificates`));
  isNobodyRefused(t);
});

test.serial("an authority that is away, and comes back knowing nothing", async (t) => {
  for (const name of names) {
    await stack.on(name, "systemctl stop trilithon-acme.timer");
    await until("the end of a run", () => isAtRest(name));
    await age(name);
  }
  const before = await Promise.all(names.map(held));
  await authority.answer("away");
  for (const name of names) await stack.on(name, "systemctl start trilithon-acme.timer");
  for (const name of names) {
    await until(`${name}: a run that failed`, async () => {
      const { status } = await stack.try(
        name,
        "journalctl -q -u trilithon-acme --since '1 minute ago' | grep -q 'Failed with result'",
      );
      return status === 0 ? true : undefined;
    });
  }
  t.deepEqual(await Promise.all(names.map(held)), before);
  await authority.stop();
  const counts = names.map((name) => handshakes.shown(balancers[name]).length);
  handshakes.trusted.push(await authority.run({ lifeSeconds: 90 * 24 * 3600 }));
  await authority.answer("pass");
  for (const [place, name] of names.entries()) await another(name, counts[place] ?? 0, 120);
  for (const name of names) await setTimer(name, "as ever");
  const { failed, table } = await verify();
  t.deepEqual(failed, [], table);
  isNobodyRefused(t);
});

test.serial("an authority that gives no more for now", async (t) => {
  await age("lb-01");
  await authority.answer("limited");
  await refuses(t, "lb-01", /rateLimited/);
  const { failed } = await verify();
  const seen = (name: string) => failed.find((one) => one.name === name)?.seen ?? "passed";
  t.regex(seen("lb-01: its certificate is renewed by itself"), /exit-code: .*rateLimited/);
  const page = `https://${balancers["lb-01"]}: its certificate is good for ${domain}`;
  t.regex(seen(page), /, in 9 days; /);
  t.is(seen("lb-02: its certificate is renewed by itself"), "passed");
  await authority.answer("pass");
  await renews(t, "lb-01");
  isNobodyRefused(t);
});

test.serial("a challenge that somebody else answers", async (t) => {
  await age("lb-02");
  await authority.lead(`${net}.50`);
  await refuses(t, "lb-02", /unauthorized/);
  await authority.lead(address);
  await renews(t, "lb-02");
  isNobodyRefused(t);
});

test.serial("one load balancer is dead, and made anew", async (t) => {
  const holder = await until("who has the address", async () => {
    for (const name of names) {
      if ((await stack.on(name, "ip -4 -o address")).includes(` ${address}/`)) return name;
    }
    return undefined;
  });
  const other = holder === "lb-01" ? "lb-02" : "lb-01";
  await age(other);
  await handshakes.end(balancers[holder]);
  isNobodyRefused(t);
  const container = `trilithon-${stackName}-${holder}`;
  await must("kill", "docker", ["kill", container]);
  await until("the address at the other one", async () =>
    (await stack.on(other, "ip -4 -o address")).includes(` ${address}/`) ? true : undefined,
  );
  await renews(t, other);
  t.log(`while the address moved: ${JSON.stringify(handshakes.lost)}`);
  const lost = [...handshakes.lost];
  t.true(lost.every((line) => line.includes(` ${address}: `)));
  await must("remove", "docker", ["rm", "--force", container]);
  await stack.up();
  const count = handshakes.shown(balancers[holder]).length;
  await until("a certificate for the new one", async () => {
    const { status } = await stack.try(holder, "test -s /var/lib/trilithon/acme/issued");
    return status === 0 ? true : undefined;
  });
  handshakes.begin(balancers[holder]);
  await another(holder, count);
  t.deepEqual((await readPreview(stack)).updates, []);
  await keepKeys(t);
  isNobodyRefused(t, ...lost);
  t.log(`${handshakes.count} handshakes`);
});

test.serial("no key ever left its host", async (t) => {
  const state = (await stack.pulumi("stack", "export", "--show-secrets")).stdout;
  t.true(state.includes("acme-account"));
  const all = [state, ...stack.said].join("\n");
  t.is(keys.length, 4);
  for (const key of keys) t.false(all.includes(key));
});
