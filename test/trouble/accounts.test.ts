/**
 * Accounts of MySQL name the addresses that need them. A stack whose accounts may come from anywhere, as those of versions before, goes over
 * by one `up` under load, also one that is killed; a web server comes, gets another address and goes; one that is away keeps its account.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { killUpAt } from "../end-to-end/support/killed-up";
import { startLoad } from "../end-to-end/support/load";
import { OldCode } from "../end-to-end/support/old-code";
import { readPreview } from "../end-to-end/support/preview";
import { readSecrets } from "../end-to-end/support/secrets";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";

const number = 124;
const net = `172.31.${number}`;
const publish = 8124;
const url = `http://127.0.0.1:${publish}`;
const members = [`${net}.21`, `${net}.22`];

/** The last commit whose accounts may come from anywhere. */
const formerCode = "217218c";

let stack: TestStack;
let oldCode: OldCode;

test.before(async () => {
  oldCode = await OldCode.make("accounts-from-anywhere", formerCode);
  stack = await TestStack.make("accounts", settings());
  await oldCode.with(stack, async () => {
    await stack.up();
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
  await oldCode?.remove();
});

test.serial(
  "a stack of the version before goes over by one up, without a failed request",
  async (t) => {
    t.deepEqual(await hostsOf("guestbook"), ["%"]);
    t.deepEqual(await hostsOf("trilithon_replication"), ["%"]);
    await isTold(t);
    // Another password at the same time: who still runs with the former one is let in by the new account.
    await stack.configure(settings({ "trilithon:database": { passwordKeeper: "1" } }));
    await underLoad(t, "over", () => stack.up());
    await isAsMade(t);
  },
);

test.serial(
  "each account is of an address that needs it, and nobody comes from elsewhere",
  async (t) => {
    t.deepEqual(await hostsOf("guestbook"), [...members, "localhost"]);
    t.deepEqual(await hostsOf("trilithon_replication"), members);
    const own = await tryLogin("web-01", "");
    t.is(own.status, 0, own.stderr);
    // As from a host that is no client of the database.
    t.regex((await tryLogin("web-01", "--bind-address=127.0.0.1")).stderr, /ERROR 1045/);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("accounts that somebody opened to all end by one up as well", async (t) => {
  await openToAll();
  await isTold(t);
  await underLoad(t, "over again", () => stack.up());
  await isAsMade(t);
});

/** The preview says each thing. */
async function isTold(t: ExecutionContext): Promise<void> {
  const { sentences } = await readPreview(stack);
  t.log(sentences);
  t.regex(
    sentences["database-content"] ?? "",
    /create account guestbook@172\.31\.124\.21 \(.*; at most 90 connections\)/,
  );
  t.regex(sentences["database-password-retirement"] ?? "", /drop account guestbook@%/);
  t.regex(
    sentences["database-replication"] ?? "",
    /let members in from .*, let nobody in from % any more/,
  );
}

test.serial(
  "killed between the new accounts and the end of the others, the next up completes it",
  async (t) => {
    await openToAll();
    await underLoad(t, "killed", async () => {
      const { end } = await killUpAt(stack, async (isOver) => {
        while (!isOver() && !(await hostsOf("guestbook")).includes(`${net}.21`)) await sleep(50);
      });
      t.log("killed", end, await hostsOf("guestbook"));
      await stack.up();
    });
    await isAsMade(t);
  },
);

test.serial("a rotation, and a web server that gets another address in the same up", async (t) => {
  await stack.configure(settings({}, `${net}.23`));
  await stack.up();
  const rotated = { "trilithon:database": { passwordKeeper: "2" } };
  await stack.configure(settings(rotated, `${net}.24`));
  await underLoad(t, "rotated", () => stack.up());
  t.deepEqual(await hostsOf("guestbook"), [...members, `${net}.24`, "localhost"]);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial(
  "a web server comes, gets another address, and goes: its account with it",
  async (t) => {
    const rotated = { "trilithon:database": { passwordKeeper: "2" } };
    for (const [third, all] of [
      [undefined, members],
      [`${net}.23`, [...members, `${net}.23`]],
      [`${net}.24`, [...members, `${net}.24`]],
      [undefined, members],
    ] as const) {
      await stack.configure(settings(rotated, third));
      await underLoad(t, third ?? "gone", () => stack.up());
      t.deepEqual(await hostsOf("guestbook"), [...all, "localhost"]);
      // It is no member.
      t.deepEqual(await hostsOf("trilithon_replication"), members);
      t.deepEqual((await readPreview(stack)).updates, []);
    }
  },
);

test.serial("a host that is away keeps its accounts", async (t) => {
  const rotated = { "trilithon:database": { passwordKeeper: "2" } };
  await stack.configure(settings(rotated, undefined, "web-02"));
  await stack.up();
  t.deepEqual(await hostsOf("guestbook"), [...members, "localhost"]);
  t.deepEqual(await hostsOf("trilithon_replication"), members);
  await stack.configure(settings(rotated));
  await stack.up();
  await isAsMade(t);
});

test.serial(
  "an account that somebody made stays, unless it has the application's password",
  async (t) => {
    const [password] = await passwords();
    await sql("CREATE USER guestbook@'10.9.9.9' IDENTIFIED BY 'of somebody'");
    t.deepEqual((await readPreview(stack)).updates, []);
    await sql(`CREATE USER guestbook@'10.9.9.8' IDENTIFIED BY '${password}'`);
    const { sentences } = await readPreview(stack);
    t.regex(sentences["database-password-retirement"] ?? "", /drop account guestbook@10\.9\.9\.8,/);
    await stack.up();
    t.deepEqual(await hostsOf("guestbook"), ["10.9.9.9", ...members, "localhost"]);
  },
);

/** As versions before made them: one account each, which may come from anywhere. At no moment is there none. */
async function openToAll(): Promise<void> {
  const [first, second] = members;
  for (const name of ["guestbook", "trilithon_replication"]) {
    await sql(`RENAME USER '${name}'@'${first}' TO '${name}'@'%'; DROP USER '${name}'@'${second}'`);
  }
  await sql("DROP USER guestbook@localhost");
}

async function isAsMade(t: ExecutionContext): Promise<void> {
  t.deepEqual(await hostsOf("guestbook"), [...members, "localhost"]);
  t.deepEqual(await hostsOf("trilithon_replication"), members);
  const waiting = "SELECT COUNT(*) FROM mysql.user WHERE Host LIKE 'new-%'";
  t.is((await sql(waiting)).trim(), "0");
  t.deepEqual((await readPreview(stack)).updates, []);
}

async function underLoad(
  t: ExecutionContext,
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const load = startLoad({ url, requestsPerSecond: 100, writeEvery: 5 });
  let seen: Awaited<ReturnType<typeof load.stop>> | undefined;
  try {
    await work();
  } finally {
    seen = await load.stop();
  }
  t.log(what, { answered: seen.answered, failures: seen.failures });
  t.deepEqual(seen.failures, {}, what);
  t.true(seen.answered > 10, what);
}

async function hostsOf(name: string): Promise<readonly string[]> {
  const said = await sql(`SELECT Host FROM mysql.user WHERE User = '${name}' ORDER BY Host`);
  return said.split("\n").filter((host) => host !== "");
}

function sql(statement: string): Promise<string> {
  return stack.on("web-01", `mysql -BNe "${statement}"`);
}

async function tryLogin(host: string, option: string) {
  const [password] = await passwords();
  const script = `MYSQL_PWD='${password}' mysql --no-defaults --protocol=tcp ${option} -h ${members[0]} -u guestbook --connect-timeout=5 -e 'DO 0'`;
  return stack.try(host, script);
}

async function passwords(): Promise<readonly string[]> {
  const found = (await readSecrets(stack)).find(({ name }) => name === "database-password");
  if (found === undefined) throw new Error("no password of the database");
  return found.texts;
}

/** `third`: the address of a web server beside those that are members. */
function settings(more: Settings = {}, third?: string, away?: string): Settings {
  const hosts = [
    { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
    { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
    { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
    ...(third === undefined ? [] : [{ name: "web-03", address: third, roles: ["web"] }]),
  ].map((host) => (host.name === away ? { ...host, away: true } : host));
  return threeHosts(number, {
    "trilithon:hosts": hosts,
    "trilithon:containers": { subnet: `${net}.0/24`, publish, sshPortBase: 16_800 },
    ...more,
  });
}
