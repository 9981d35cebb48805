/**
 * The certificates of a MySQL cluster, as a pair and as a group: a stack of before has them by reloads alone; who shows a certificate of
 * another authority, of another name or one that has ended is believed by nobody; renewed certificates and another authority come while the
 * site is written to.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { type Certified, makeAuthority, makeCertificate } from "../../provider/certificates";
import { readProcesses } from "../end-to-end/support/host-state";
import { OldCode } from "../end-to-end/support/old-code";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";
import { authorityOf, changeState, makeShort } from "../support/certificates-in-state";

/** The last one in which a pair had no certificates of an authority, and no application verified any. */
const codeOfBefore = "6dafb96";
const day = 24 * 3600 * 1000;
const authorityName = "database-authority";

interface Trial {
  readonly topology: "pair" | "group";
  /** From 65 to 99. */
  readonly number: number;
  readonly hosts: readonly { readonly name: string; readonly roles: readonly string[] }[];
  readonly members: readonly string[];
  /** Has the application, and is a member. */
  readonly web: string;
}

const trials: readonly Trial[] = [
  {
    ...{ topology: "pair", number: 82, web: "web-02", members: ["web-01", "web-02"] },
    hosts: [
      { name: "lb-01", roles: ["load-balancer"] },
      { name: "web-01", roles: ["web", "database-primary"] },
      { name: "web-02", roles: ["web", "database-replica"] },
    ],
  },
  {
    ...{ topology: "group", number: 83, web: "node-02" },
    members: ["node-01", "node-02", "node-03"],
    hosts: [
      { name: "node-01", roles: ["load-balancer", "database"] },
      { name: "node-02", roles: ["web", "database"] },
      { name: "node-03", roles: ["web", "database"] },
    ],
  },
];

let oldCode: OldCode;

test.before(async () => {
  oldCode = await OldCode.make("certificates", codeOfBefore);
});

test.after.always(() => oldCode?.remove());

for (const trial of trials) {
  test.serial(`a ${trial.topology}`, async (t) => {
    const stack = await TestStack.make(`certificates-${trial.topology}`, settingsOf(trial));
    t.teardown(async () => {
      if (process.env.TRILITHON_KEEP === undefined) await stack.remove();
    });
    const writes = new AcknowledgedWrites(`http://127.0.0.1:${8000 + trial.number}`);
    const place = { trial, stack, writes };
    await comesByReload(t, place);
    await isRenewed(t, place);
    await authorityIsReplaced(t, place);
    await strangersAreRefused(t, place);
    for (const member of trial.members) t.deepEqual(await writes.missingOn(stack, member), []);
  });
}

interface Place {
  readonly trial: Trial;
  readonly stack: TestStack;
  readonly writes: AcknowledgedWrites;
}

function settingsOf({ number, hosts }: Trial, database: Settings = {}): Settings {
  return threeHosts(number, {
    "trilithon:hosts": hosts.map((host, index) => ({
      ...host,
      address: `172.31.${number}.${11 + index}`,
    })),
    "trilithon:database": database,
  });
}

async function comesByReload(t: ExecutionContext, place: Place): Promise<void> {
  const { trial, stack } = place;
  await oldCode.with(stack, async () => {
    await stack.up();
  });
  const { sentences } = await readPreview(stack);
  for (const member of trial.members) {
    const said = sentences[`database-${member}-service`] ?? "";
    t.log(said);
    t.regex(said, /reload mysql \(no connection dropped; new ones are shown the certificate\)/);
  }
  if (trial.topology === "pair") {
    const said = sentences["database-replication"] ?? "";
    t.regex(said, /web-02: follow web-01 \(was: without verifying its certificate\)/);
  }
  const before = await mysqlds(place);
  await upUnderWrites(t, place, "the first up");
  t.deepEqual(await mysqlds(place), before, "no mysqld was restarted");
  for (const member of trial.members) {
    const ca = `/etc/mysql/trilithon/authority.pem`;
    t.is(await asked(place, member, `SELECT @@ssl_ca, @@clone_ssl_ca`), `${ca}\t${ca}`);
  }
  if (trial.topology === "pair") {
    const followed = `SELECT SSL_VERIFY_SERVER_CERTIFICATE FROM performance_schema.replication_connection_configuration`;
    t.is(await asked(place, "web-02", followed), "YES");
  }
  t.regex(await stack.on(trial.web, "cat /etc/guestbook/environment"), /^DATABASE_SSL="verify"$/m);
  t.is(await reached(place), "verified");
}

/** Whoever has the address and the port of a member, and no certificate of the authority, gets no client. */
async function strangersAreRefused(t: ExecutionContext, place: Place): Promise<void> {
  const { trial, stack } = place;
  const authority = await authorityOf(stack, authorityName);
  const stranger = await makeAuthority("database authority");
  const primary = await primaryOf(place);
  const address = await asked(place, primary, "SELECT @@report_host");
  const names = [address, primary, "127.0.0.1", "127.0.0.2", "localhost"];
  const other = await makeCertificate({ name: primary, addresses: names, authority: stranger });
  const misnamed = { name: "elsewhere", addresses: ["10.9.8.7"], authority };
  const shown: Readonly<Record<string, () => Promise<Certified>>> = {
    "another authority": async () => other,
    "another name": () => makeCertificate(misnamed),
    "one that has ended": () => makeShort(names, authority, new Date(Date.now() + 30_000)),
  };
  for (const [what, make] of Object.entries(shown)) {
    const issuer = what === "another authority" ? stranger : authority;
    const files = { ...(await make()), authority: issuer.certificate };
    await show(place, primary, files);
    // MySQL takes in none that has ended already.
    if (what === "one that has ended") await sleep(31_000);
    t.is(await reached(place), "refused", what);
    const application = await stack.on(trial.web, restartedApplication);
    t.notRegex(application, /^200$/m, `the application believes ${what}`);
    if (trial.topology === "pair") {
      await asked(place, "web-02", "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD");
      await sleep(2000);
      const said = await asked(place, "web-02", receiver);
      t.regex(said, /^CONNECTING\t.*certificate verify failed/, what);
    } else if (what === "another authority") {
      await isKeptOut(t, place, files);
    }
    const preview = await readPreview(stack);
    t.regex(
      preview.sentences[`database-${primary}-service`] ?? "",
      /ssl_cert is \/etc\/mysql\/shown\//,
      what,
    );
    await stack.up();
    t.is(await reached(place), "verified", `after ${what}`);
    t.deepEqual((await readPreview(stack)).updates, [], `after ${what}`);
  }
}

const receiver = `SELECT SERVICE_STATE, LAST_ERROR_MESSAGE FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = ''`;

const restartedApplication = `systemctl restart guestbook; sleep 3
curl -s -o /dev/null -m 5 -w '%{http_code}\\n' http://127.0.0.1:3000/healthz || true`;

/** A member that trusts the group, and shows a stranger's certificate: the others connect to it, and do not believe it. */
async function isKeptOut(t: ExecutionContext, place: Place, files: Shown): Promise<void> {
  const primary = await primaryOf(place);
  const member = place.trial.members.find((name) => name !== primary) ?? "";
  await show(place, primary, await ownFilesOf(place, primary));
  await show(place, member, files);
  await place.stack.on(member, "systemctl stop trilithon-mysql-rejoin");
  await asked(place, member, "STOP GROUP_REPLICATION");
  await place.stack.on(
    member,
    `cat /etc/mysql/shown/authority.pem >>/etc/mysql/trilithon/authority.pem`,
  );
  const { status, stderr } = await place.stack.try(
    member,
    `timeout 100 mysql -e 'START GROUP_REPLICATION'`,
  );
  t.not(status, 0, `a member of another authority joined: ${stderr}`);
  const state = "SELECT COUNT(*) FROM performance_schema.replication_group_members";
  t.is(await asked(place, primary, state), String(place.trial.members.length - 1));
}

async function ownFilesOf({ stack }: Place, member: string): Promise<Shown> {
  const read = (name: string) => stack.on(member, `cat /etc/mysql/trilithon/${name}.pem`);
  return {
    certificate: await read("server"),
    privateKey: await read("server-key"),
    authority: await read("authority"),
  };
}

/** Its end is moved in the state, as if two thirds of its life were over. */
async function isRenewed(t: ExecutionContext, place: Place): Promise<void> {
  const { trial, stack } = place;
  const [member = ""] = trial.members;
  const before = await stack.on(member, serialOf);
  const end = new Date(Date.now() + day);
  const old = await makeShort(["10.9.8.7"], await authorityOf(stack, authorityName), end);
  await changeState(stack, `database-${member}-certificate`, { certificate: old.certificate });
  const { sentences } = await readPreview(stack);
  const said = sentences[`database-${member}-certificate`] ?? "";
  t.true(said.includes(`renew a certificate: it ends on ${end.toISOString().slice(0, 10)}`), said);
  t.regex(sentences[`database-${member}-service`] ?? "", /reload mysql/);
  const processes = await mysqlds(place);
  await upUnderWrites(t, place, "a renewal");
  t.not(await stack.on(member, serialOf), before);
  t.deepEqual(await mysqlds(place), processes, "no mysqld was restarted");
  t.is(await reached(place), "verified");
}

const serialOf = "openssl x509 -noout -serial -in /etc/mysql/trilithon/server.pem";

async function authorityIsReplaced(t: ExecutionContext, place: Place): Promise<void> {
  const { trial, stack } = place;
  await stack.on(trial.web, `cp ${authorityFile} /tmp/former.pem`);
  const processes = await mysqlds(place);
  await stack.configure(settingsOf(trial, { authorityKeeper: "2" }));
  const { sentences } = await readPreview(stack);
  const said = sentences["database-authority"] ?? "";
  t.regex(said, /make another authority: the former one is trusted until \d{4}-\d\d-\d\d as well/);
  await upUnderWrites(t, place, "another authority");
  t.is(await reached(place), "verified");
  t.is(await reached(place, "/tmp/former.pem"), "verified", "for a week");
  await changeState(stack, authorityName, {
    formerUntil: new Date(Date.now() - 1000).toISOString(),
  });
  const over = (await readPreview(stack)).sentences["database-authority"] ?? "";
  t.regex(over, /trust the former authority no longer/);
  await upUnderWrites(t, place, "the end of the former authority");
  t.is(await reached(place), "verified");
  t.is(await reached(place, "/tmp/former.pem"), "refused");
  t.deepEqual(await mysqlds(place), processes, "no mysqld was restarted");
}

async function upUnderWrites(t: ExecutionContext, { stack, writes }: Place, what: string) {
  const { failed, acknowledged } = await writes.during(() => stack.up());
  t.log(`${what}: ${acknowledged} writes, ${failed} failed`);
  t.is(failed, 0, what);
  t.true(acknowledged > 10, what);
  t.deepEqual((await readPreview(stack)).updates, [], what);
}

const authorityFile = "/etc/guestbook/database-authority.pem";

/** As the application does it: through the proxy of its host, by the primary's certificate. */
async function reached({ stack, trial }: Place, authority = authorityFile): Promise<string> {
  const { status, stderr } = await stack.try(
    trial.web,
    `set -a; . /etc/guestbook/environment; . /etc/guestbook/secrets
MYSQL_PWD=$DATABASE_PASSWORD mysql --no-defaults -h 127.0.0.1 -P 6446 -u "$DATABASE_USER" --connect-timeout=5 \\
  --ssl-mode=VERIFY_IDENTITY --ssl-ca=${authority} -e 'SELECT 1'`,
  );
  if (status === 0) return "verified";
  return stderr.includes("certificate verify failed") ? "refused" : stderr;
}

async function asked({ stack }: Place, host: string, sql: string): Promise<string> {
  return (await stack.on(host, `mysql -NBe "${sql}"`)).trim();
}

async function primaryOf(place: Place): Promise<string> {
  for (const member of place.trial.members) {
    if ((await asked(place, member, "SELECT @@super_read_only")) === "0") return member;
  }
  throw new Error("nobody takes writes");
}

async function mysqlds({ stack, trial }: Place): Promise<Record<string, string>> {
  const all = Object.entries(await readProcesses(stack, trial.members));
  return Object.fromEntries(all.filter(([name]) => name.endsWith("mysql main")));
}

interface Shown extends Certified {
  readonly authority: string;
}

/** By hand, past the files that are the stack's. */
async function show({ stack }: Place, host: string, files: Shown): Promise<void> {
  const texts = { ca: files.authority, cert: files.certificate, key: files.privateKey };
  for (const [name, text] of Object.entries({ ...texts, authority: files.authority })) {
    const encoded = Buffer.from(text).toString("base64");
    await stack.on(
      host,
      `mkdir -p /etc/mysql/shown && echo ${encoded} | base64 -d >/etc/mysql/shown/${name}.pem && chown -R mysql /etc/mysql/shown`,
    );
  }
  const values = Object.keys(texts).map((name) => `ssl_${name} = '/etc/mysql/shown/${name}.pem'`);
  await stack.on(host, `mysql -e "SET GLOBAL ${values.join(", ")}; ALTER INSTANCE RELOAD TLS"`);
}
