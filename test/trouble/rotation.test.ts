/**
 * Each secret of a stack becomes another one by one line and `up`, while two applications are read and written: the former one is refused
 * and found on no host, and a rotation that is killed is completed. A pair on containers, then a group on machines of a user's own.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { HostKeyMismatch } from "../../provider/errors";
import type { Host } from "../../provider/kind";
import type { Rotation } from "../../scripts/rotate/keepers";
import { rotate } from "../../scripts/rotate/rotate";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { reached } from "../../scripts/verify/site";
import { killUpAt } from "../end-to-end/support/killed-up";
import { type LoadArgs, startLoad } from "../end-to-end/support/load";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { SampleCopy } from "../end-to-end/support/sample-copy";
import { readSecrets, type Secret, secretOf } from "../end-to-end/support/secrets";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { authorityOf, changeState } from "../support/certificates-in-state";
import { isLetIn } from "../support/let-in";
import { placesOf } from "../support/secrets-on-hosts";

const number = 122;
const publish = 8122;
/** Redo and undo logs, and the pages that are written twice: written over in InnoDB's own time. */
const innodb =
  /^\S+ \/var\/lib\/mysql\/(#innodb_redo\/|#ib_\S+\.dblwr|undo_\d+|mysql\.ibd|ibdata1)/;

interface Trial {
  readonly stack: TestStack;
  readonly hosts: readonly string[];
  readonly members: readonly string[];
  readonly load: LoadArgs;
  /** Of an application beside the first. */
  readonly moreLoad?: LoadArgs;
}

test.serial("a pair on containers", async (t) => {
  const shop = await SampleCopy.make("rotation-shop");
  const stack = await TestStack.make(
    "rotation",
    threeHosts(number, {
      "trilithon:containers": { subnet: `172.31.${number}.0/24`, publish, sshPortBase: 16_400 },
      "trilithon:applications": {
        shop: {
          ...shop.settings(),
          ...{ packages: { nodejs: "present" }, port: 3001, domains: ["shop.foobar.com"] },
        },
      },
    }),
  );
  t.teardown(async () => {
    if (process.env.TRILITHON_KEEP === undefined) await stack.remove();
    await shop.remove();
  });
  await stack.up();
  const url = `http://127.0.0.1:${publish}`;
  const trial: Trial = {
    stack,
    hosts: ["lb-01", "web-01", "web-02"],
    members: ["web-01", "web-02"],
    load: { url, requestsPerSecond: 100, writeEvery: 5 },
    moreLoad: { url, domain: "shop.foobar.com", requestsPerSecond: 20, writeEvery: 2 },
  };
  await replicationRotates(t, trial);
  await passwordsRotate(t, trial);
  await keyRotates(t, trial);
  await certificatesRotate(t, trial);
  await killedRotation(t, trial);
});

test.serial("a group on machines of a user's own", async (t) => {
  const stack = await TestStack.make("rotation-machines", {});
  t.teardown(async () => {
    if (process.env.TRILITHON_KEEP === undefined) await stack.remove();
  });
  const net = "172.31.133";
  const roles = [
    ["load-balancer", "database"],
    ["web", "database"],
    ["web", "database"],
  ];
  const started = await startMachines(
    "rotation-machines",
    `${net}.0/24`,
    roles.map((roles, index) => ({
      ...{ name: `node-0${index + 1}`, address: `${net}.${11 + index}`, roles },
      ...(index === 1 && { user: "deploy" }),
    })),
  );
  await stack.configure({
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": started.hosts,
    "trilithon:https": "own-ca",
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
  });
  await stack.setSecret("trilithon:privateKey", started.privateKey);
  await stack.up();
  const { ca = "" } = parseEndpoints(await stack.output("endpoints"));
  const members = ["node-01", "node-02", "node-03"];
  const domain = "www.foobar.com";
  // No name server knows the domain.
  const site = { url: `https://${net}.11`, domain, tls: { ca, servername: domain } };
  const load = { ...site, requestsPerSecond: 100, writeEvery: 5 };
  const trial = { stack, hosts: members, members, load };
  await replicationRotates(t, trial);
  await keyRotates(t, trial);
  await hostKeysRotate(t, trial);
  await ownAuthorityRotates(t, trial);
});

/** The preview's sentences that match, by resource, are logged; `up` is done under load, and nothing is left to do. */
async function rotated(
  t: ExecutionContext,
  trial: Trial,
  rotations: readonly Rotation[],
  up: () => Promise<unknown> = () => trial.stack.up(),
): Promise<void> {
  const { stack, load, moreLoad } = trial;
  const changed = await rotate(stack.place, rotations, new Date().toISOString());
  const { sentences } = await readPreview(stack);
  t.log(rotations.join(" "), changed, sentences);
  await underLoad(t, [load, ...(moreLoad ? [moreLoad] : [])], rotations.join(" "), up);
  t.deepEqual((await readPreview(stack)).updates, [], "nothing is left to do");
}

async function underLoad(
  t: ExecutionContext,
  loads: readonly LoadArgs[],
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const running = loads.map(startLoad);
  let seconds = performance.now();
  try {
    await work();
  } finally {
    seconds = Math.round((performance.now() - seconds) / 1000);
    const results = await Promise.all(running.map((load) => load.stop()));
    for (const { servers, repeated: _, ...result } of results) {
      t.log(what, { seconds, ...result });
      t.deepEqual(result.failures, {}, what);
      t.true(Object.keys(servers).length > 0 && result.answered > 10, what);
    }
  }
}

async function secretNamed(stack: TestStack, name: string): Promise<Secret> {
  const found = (await readSecrets(stack)).find((secret) => secret.name === name);
  if (found === undefined) throw new Error(`no secret ${name}`);
  return found;
}

/** A former secret is nowhere; the search finds the present one where it is meant to be. */
async function isGone(
  t: ExecutionContext,
  { stack, hosts }: Trial,
  former: Secret,
  exceptIn: RegExp = /^$/,
): Promise<void> {
  const places = await placesOf(stack, hosts, former);
  t.log(`former ${former.name}`, places);
  t.deepEqual(
    places.filter((place) => !exceptIn.test(place)),
    [],
    former.name,
  );
}

const accounts = { guestbook: "database-password", shop: "database-for-shop-password" };

async function passwordsRotate(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, members, hosts } = trial;
  const before = await Promise.all(Object.values(accounts).map((name) => secretNamed(stack, name)));
  for (const secret of before) t.true((await placesOf(stack, hosts, secret)).length > 3);
  await rotated(t, trial, ["database"], () => whileBothAreGood(t, trial, "guestbook"));
  for (const [index, [account, name]] of Object.entries(accounts).entries()) {
    const former = before[index];
    const present = await secretNamed(stack, name);
    if (former === undefined) throw new Error(name);
    for (const member of members) {
      t.deepEqual(await logins(stack, member, account, [former, present]), ["denied", "yes"]);
    }
    await isGone(t, trial, former);
  }
}

async function replicationRotates(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, members } = trial;
  const former = await secretNamed(stack, "database-replication-password");
  await rotated(t, trial, ["replication"], () =>
    whileBothAreGood(t, trial, "trilithon_replication"),
  );
  const present = await secretNamed(stack, "database-replication-password");
  for (const member of members) {
    const tried = await logins(stack, member, "trilithon_replication", [former, present]);
    t.deepEqual(tried, ["denied", "yes"], member);
  }
  await isGone(t, trial, former, innodb);
}

const hasFormer = (account: string) =>
  `mysql -NBe "SELECT 1 FROM mysql.user WHERE User = '${account}' AND User_attributes LIKE '%additional_password%'" | grep -q 1`;

/** `up`, in which there has to be a time when MySQL takes the former password as well. */
async function whileBothAreGood(t: ExecutionContext, { stack, members }: Trial, account: string) {
  const [member = ""] = members;
  const watched = stack.on(
    member,
    `rm -f /tmp/watched; while [ ! -e /tmp/watched ]; do ${hasFormer(account)} && { echo seen; break; }; sleep 0.05; done`,
  );
  try {
    await stack.up();
  } finally {
    await stack.on(member, "touch /tmp/watched");
  }
  t.is(await watched, "seen\n", account);
  t.not((await stack.try(member, hasFormer(account))).status, 0, `${account}, in the end`);
}

/** From each member's own address, over TCP. */
function logins(stack: TestStack, member: string, account: string, secrets: readonly Secret[]) {
  return Promise.all(
    secrets.map(async ({ texts: [password = ""] }) => {
      const script = `address=$(mysql -NBe 'SELECT @@report_host')
MYSQL_PWD='${password}' mysql --no-defaults --protocol=tcp -h "$address" -u ${account} --connect-timeout=5 -e 'DO 0'`;
      const { status, stderr } = await stack.try(member, script);
      if (status === 0) return "yes";
      return stderr.includes("Access denied") ? "denied" : stderr;
    }),
  );
}

async function keyRotates(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, hosts } = trial;
  const before = await reachedBy(stack);
  await rotated(t, trial, ["ssh"]);
  const after = await reachedBy(stack);
  for (const [index, name] of hosts.entries()) {
    const [former, present] = [before[index], after[index]];
    if (former === undefined || present === undefined) throw new Error(name);
    t.not(former.privateKey, present.privateKey);
    t.deepEqual([await isLetIn(former), await isLetIn(present)], [false, true], name);
  }
  await isGone(t, trial, secretOf("ssh key", before[0]?.privateKey ?? ""));
}

/** In the order of the stack's hosts. */
async function reachedBy(stack: TestStack): Promise<readonly Host[]> {
  const { endpoints, privateKeys } = await stack.outputs();
  return endpoints.hosts.map((host) => reached(host, privateKeys));
}

async function hostKeysRotate(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, hosts } = trial;
  const before = await reachedBy(stack);
  const keys = await Promise.all(
    hosts.map((host) => stack.on(host, "cat /etc/ssh/ssh_host_ed25519_key")),
  );
  await rotated(t, trial, ["host-keys"]);
  const after = await reachedBy(stack);
  for (const [index, name] of hosts.entries()) {
    const [former, present] = [before[index], after[index]];
    if (former === undefined || present === undefined) throw new Error(name);
    t.true(await isLetIn(present), name);
    const byFormer = { ...present, hostKey: former.hostKey };
    await t.throwsAsync(isLetIn(byFormer), { instanceOf: HostKeyMismatch }, name);
    await isGone(t, trial, secretOf(`host key of ${name}`, keys[index] ?? ""));
  }
}

const trusted = "/etc/guestbook/database-authority.pem";

async function certificatesRotate(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, members } = trial;
  const formerKeys = (await readSecrets(stack)).filter(({ name }) => /certificate$/.test(name));
  t.true(formerKeys.length > 3);
  const file = "/etc/mysql/trilithon/server.pem";
  for (const member of members) {
    await stack.on(member, `mkdir /tmp/former && cp ${file} /tmp/former/`);
  }
  await rotated(t, trial, ["certificates"]);
  const good = `openssl verify -CAfile ${trusted} /tmp/former/server.pem`;
  for (const member of members) t.is((await stack.try(member, good)).status, 0, "for a week");
  for (const formerKey of formerKeys) await isGone(t, trial, formerKey);
  const over = { formerUntil: new Date(Date.now() - 1000).toISOString() };
  for (const name of ["database-authority", "web-authority"]) await changeState(stack, name, over);
  const { sentences } = await readPreview(stack);
  t.regex(sentences["database-authority"] ?? "", /trust the former authority no longer/);
  await underLoad(t, [trial.load], "the end of the former authorities", () => stack.up());
  t.deepEqual((await readPreview(stack)).updates, []);
  for (const member of members) {
    t.not((await stack.try(member, good)).status, 0, "no longer");
    const own = `openssl verify -CAfile ${trusted} ${file}`;
    t.is((await stack.try(member, own)).status, 0);
    await stack.on(member, "rm -r /tmp/former");
  }
}

/** Visitors trust the former authority alone. */
async function ownAuthorityRotates(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, load } = trial;
  const name = "load-balancer-authority";
  const former = await authorityOf(stack, name);
  t.is(load.tls?.ca, former.certificate);
  const formerKey = await secretNamed(stack, "load-balancer-certificate");
  await rotated(t, trial, ["https"]);
  const { ca = "" } = parseEndpoints(await stack.output("endpoints"));
  t.not(ca, former.certificate);
  const byNew = { ...load, tls: { ca, servername: "www.foobar.com" } };
  await underLoad(t, [byNew], "who trusts the new one", () => sleep(3000));
  await isGone(t, trial, formerKey);
}

/** Of all passwords and the key at the same time: killed early and in the middle, then completed. */
async function killedRotation(t: ExecutionContext, trial: Trial): Promise<void> {
  const { stack, members, hosts } = trial;
  const names = [...Object.values(accounts), "database-replication-password"];
  const before = await Promise.all(names.map((name) => secretNamed(stack, name)));
  const reachedBefore = await reachedBy(stack);
  const keys = "[ $(wc -l </root/.ssh/authorized_keys) -ge 2 ]";
  const moments = [
    ["web-01", keys],
    ["web-01", hasFormer("guestbook")],
  ] as const;
  await rotated(t, trial, ["database", "replication", "ssh"], async () => {
    for (const [host, isThere] of moments) {
      const { end } = await killUpAt(stack, async (isOver) => {
        while (!isOver() && (await stack.try(host, isThere)).status !== 0) await sleep(50);
      });
      t.is(end, "killed", isThere);
    }
    return stack.up();
  });
  for (const [index, name] of names.entries()) {
    const [former, present] = [before[index], await secretNamed(stack, name)];
    if (former === undefined) throw new Error(name);
    const account = ["guestbook", "shop", "trilithon_replication"][index] ?? "";
    for (const member of members) {
      const tried = await logins(stack, member, account, [former, present]);
      t.deepEqual(tried, ["denied", "yes"], `${account} on ${member}`);
    }
    await isGone(t, trial, former, name.includes("replication") ? innodb : undefined);
  }
  const reachedAfter = await reachedBy(stack);
  for (const [index, name] of hosts.entries()) {
    const [former, present] = [reachedBefore[index], reachedAfter[index]];
    if (former === undefined || present === undefined) throw new Error(name);
    t.deepEqual([await isLetIn(former), await isLetIn(present)], [false, true], name);
  }
}
