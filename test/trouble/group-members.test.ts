/** The kind `MysqlGroup` against real MySQL servers, which are killed, cut off, and led astray. */
import test, { type ExecutionContext } from "ava";
import { applyGroup } from "../../provider/kinds/mysql-group/apply";
import type { Group } from "../../provider/kinds/mysql-group/args";
import { diff } from "../../provider/kinds/mysql-group/diff";
import { plan } from "../../provider/kinds/mysql-group/plan";
import { readGroup } from "../../provider/kinds/mysql-group/read";
import { group } from "../support/mysql-inputs";
import { RealMysqlds, type Server } from "../support/real-mysqlds";

const names = ["node-01", "node-02", "node-03"] as const;
let mysqlds: RealMysqlds;
/** What was acknowledged. */
const acknowledged: string[] = [];

test.before(async () => {
  mysqlds = await RealMysqlds.make("trilithon-test-group-members", serversOf(group()));
});
test.after.always(() => mysqlds?.remove());

function serversOf({ members }: Group): Server[] {
  return Object.entries(members).map(([name, { address, port }]) => ({ name, address, port }));
}

/** Reads, plans and applies as the engine does; it fails where anything is left to do. Answers what was announced. */
async function up(desired: Group, before = desired): Promise<string[]> {
  const live = await readGroup(before, mysqlds.context, desired);
  const steps = plan(live, desired);
  if (steps.length > 0) await applyGroup(steps, live, desired, mysqlds.context);
  return steps.map(({ sentence }) => sentence);
}

async function planned(desired: Group): Promise<string[]> {
  const live = await readGroup(desired, mysqlds.context);
  return plan(live, desired).map(({ sentence }) => sentence);
}

/** Nothing is left to do within a minute: members come back by themselves. */
async function settles(t: ExecutionContext, desired = group()): Promise<Group> {
  for (let look = 0; ; look += 1) {
    const live = await readGroup(desired, mysqlds.context);
    if (live !== undefined && diff(live, desired).length === 0) return live;
    if (look < 120) await new Promise((resolve) => setTimeout(resolve, 500));
    else {
      t.deepEqual(live && plan(live, desired).map(({ sentence }) => sentence), []);
      throw new Error(`not settled: ${JSON.stringify(live?.status)}`);
    }
  }
}

async function write(primary: string, entry: string): Promise<void> {
  await mysqlds.sql(primary, `INSERT INTO app.entries VALUES ('${entry}')`);
  acknowledged.push(entry);
}

/**
 * Writes on and on, as an application does that tries again: to whoever takes it, each entry up to 20 seconds. Answers how
 * many were acknowledged meanwhile, and how many were not.
 */
async function whileWriting(label: string, work: () => Promise<unknown>) {
  const count = { acknowledged: 0, failed: 0, refused: 0 };
  let isOver = false;
  let primary: string = names[0];
  const takes = async (entry: string) => {
    const deadline = Date.now() + 20_000;
    const all = mysqlds.names;
    for (let turn = all.indexOf(primary); Date.now() < deadline; turn += 1) {
      primary = all[turn % all.length] ?? "";
      const insert = `INSERT INTO app.entries VALUES ('${entry}') ON DUPLICATE KEY UPDATE entry = '${entry}'`;
      const isTaken = await mysqlds.sql(primary, insert).then(
        () => true,
        () => false,
      );
      if (isTaken) return true;
      count.refused += 1;
    }
    return false;
  };
  const writer = async () => {
    for (let number = 1; !isOver; number += 1) {
      const entry = `${label} ${number}`;
      if (await takes(entry)) {
        acknowledged.push(entry);
        count.acknowledged += 1;
      } else count.failed += 1;
    }
  };
  const writing = writer();
  try {
    await work();
  } finally {
    isOver = true;
    await writing;
  }
  return count;
}

/** Every member has all that was acknowledged, and one takes writes. */
async function isWhole(t: ExecutionContext, members: readonly string[] = names): Promise<void> {
  let open = 0;
  for (const name of members) {
    const found = (await mysqlds.sql(name, "SELECT entry FROM app.entries")).split("\n");
    t.deepEqual(
      acknowledged.filter((entry) => !found.includes(entry)),
      [],
      name,
    );
    open += 1 - Number(await mysqlds.sql(name, "SELECT @@super_read_only"));
  }
  t.is(open, 1, "members that take writes");
}

test.serial("three servers as installed become a group", async (t) => {
  const sentences = await up(group());
  t.deepEqual(sentences, [
    "node-01: mark its data as that of cluster guestbook",
    "node-01: create the replication account replication (BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM, REPLICATION SLAVE)",
    "node-01: make it the first member of the group",
    "node-02: fill from node-01 by CLONE (it has no data)",
    "node-02: join the group",
    "node-03: fill from node-01 by CLONE (it has no data)",
    "node-03: join the group",
  ]);
  t.is((await settles(t)).primary, "node-01");
  await mysqlds.sql("node-01", "CREATE DATABASE app");
  await mysqlds.sql("node-01", "CREATE TABLE app.entries (entry VARCHAR(40) PRIMARY KEY)");
  await write("node-01", "first");
  await mysqlds.shell("sleep 1");
  await isWhole(t);
});

test.serial(
  "members trust certificates of their authority only, and speak encrypted",
  async (t) => {
    const ciphers = await mysqlds.sql(
      "node-01",
      "SELECT COUNT(*) FROM performance_schema.threads WHERE CONNECTION_TYPE = 'TCP/IP' AND PROCESSLIST_USER = 'replication'",
    );
    t.is(ciphers, "0", "no connection of the members is in the clear");
    t.is(await mysqlds.sql("node-02", "SELECT @@group_replication_ssl_mode"), "VERIFY_CA");
  },
);

test.serial("a primary that is killed is replaced, and comes back by itself", async (t) => {
  await mysqlds.kill("node-01");
  for (let look = 0; look < 60; look += 1) {
    const open = await mysqlds.sql("node-02", "SELECT @@super_read_only").catch(() => "1");
    const other = await mysqlds.sql("node-03", "SELECT @@super_read_only").catch(() => "1");
    if (open === "0" || other === "0") break;
    await mysqlds.shell("sleep 0.5");
  }
  const live = await readGroup(group(), mysqlds.context);
  const primary = live?.primary ?? "";
  t.true(["node-02", "node-03"].includes(primary), primary);
  t.deepEqual(
    (await planned(group())).map((sentence) => sentence.replace(/ \(ERROR.*/, "")),
    ["node-01: look again once mysqld answers"],
  );
  await write(primary, "without the former primary");
  await mysqlds.start("node-01");
  t.is((await settles(t)).primary, primary);
  await isWhole(t);
});

test.serial("the primary is switched as the program says", async (t) => {
  const desired = group({ primary: "node-03" });
  const former = (await settles(t)).primary;
  if (former === "node-03") await up(group({ primary: "node-01" }));
  const [sentence = ""] = await up(desired);
  t.regex(sentence, /^node-03: make it the primary instead of node-0[12] /);
  t.is((await settles(t, desired)).primary, "node-03");
  await write("node-03", "after the switch");
  await mysqlds.shell("sleep 1");
  await isWhole(t);
});

test.serial(
  "a switch is given up where a transaction does not end, and nothing is changed",
  async (t) => {
    const busy = mysqlds.sql(
      "node-03",
      "BEGIN; INSERT INTO app.entries VALUES ('long'); SELECT SLEEP(45); COMMIT",
    );
    await mysqlds.shell("sleep 3");
    const error = await t.throwsAsync(up(group({ primary: "node-01" })));
    t.regex(error?.message ?? "", /a transaction did not end within 30 seconds: thread \d+/);
    t.is((await settles(t)).primary, "node-03");
    await busy;
    acknowledged.push("long");
    await mysqlds.shell("sleep 1");
    await isWhole(t);
  },
);

test.serial("after all were down, the member that has most brings the group back", async (t) => {
  await mysqlds.kill("node-01");
  await mysqlds.shell("sleep 8");
  await write("node-03", "without node-01");
  await mysqlds.kill("node-02", "node-03");
  // One of them is still off: it may have more.
  await mysqlds.start("node-01");
  await mysqlds.start("node-02");
  t.deepEqual(
    (await planned(group())).map((sentence) => sentence.replace(/ \(ERROR.*/, "")),
    ["node-03: look again once mysqld answers"],
  );
  await mysqlds.start("node-03");
  const sentences = await up(group());
  t.regex(
    sentences[0] ?? "",
    /^node-0[23]: bring the group back from it, since it has all that any other has \(asked: node-01, node-02, node-03\)$/,
  );
  await settles(t);
  await isWhole(t);
});

test.serial(
  "with a member that is away, the rest goes on; it comes back like any other",
  async (t) => {
    const desired = group({ away: ["node-03"] });
    await mysqlds.kill(...names);
    mysqlds.off.add("node-03");
    await mysqlds.start("node-01");
    await mysqlds.start("node-02");
    const refused = await t.throwsAsync(up(group()));
    t.is(
      refused?.message,
      "node-03: no group has a majority, and it cannot be asked: it may hold what the others lack; nothing will be changed. To go on, bring node-03 back, or say that it is away",
    );
    for (const name of ["node-01", "node-02"]) {
      t.is(await mysqlds.sql(name, "SELECT @@super_read_only"), "1", name);
    }
    const live = await readGroup(desired, mysqlds.context);
    const [step] = plan(live, desired);
    t.regex(step?.sentence ?? "", /bring the group back from it/);
    t.regex(step?.warning ?? "", /without node-03: what only node-03 has is lost/);
    await up(desired);
    const { primary } = await settles(t, desired);
    await write(primary, "while node-03 was away");
    mysqlds.off.delete("node-03");
    await mysqlds.start("node-03");
    // Its group is another one: it does not come into this one by itself.
    t.deepEqual(await up(group(), desired), ["node-03: join the group (was: outside)"]);
    await settles(t);
    await isWhole(t);
  },
);

test.serial(
  "a member with transactions of its own is refused, until its data is given up",
  async (t) => {
    const { primary } = await settles(t);
    const name = names.find((one) => one !== primary) ?? "";
    await mysqlds.sql(
      name,
      "STOP GROUP_REPLICATION; SET GLOBAL super_read_only = OFF; CREATE DATABASE stray; SET GLOBAL super_read_only = ON",
    );
    const refused = await t.throwsAsync(up(group()));
    t.regex(
      refused?.message ?? "",
      new RegExp(`^${name}: it has 1 transaction of guestbook that `),
    );
    t.regex(refused?.message ?? "", /set discardDataOn/);
    const sentences = await up(group({ discardDataOn: [name] }));
    t.deepEqual(sentences, [
      `${name}: fill from ${primary} by CLONE (what it has is discarded)`,
      `${name}: join the group`,
    ]);
    await settles(t);
    t.is(await mysqlds.sql(name, "SHOW DATABASES LIKE 'stray'"), "");
    await isWhole(t);
  },
);

test.serial("what is done by hand is told, and set right", async (t) => {
  const { primary } = await settles(t);
  const other = names.find((one) => one !== primary) ?? "";
  const byHand: readonly (readonly [string, string, RegExp])[] = [
    [other, "STOP GROUP_REPLICATION", /join the group/],
    [other, "SET GLOBAL super_read_only = OFF", /close for writes/],
    [other, "SET GLOBAL offline_mode = ON", /let clients connect again/],
    [other, "SET PERSIST group_replication_start_on_boot = OFF", /start on boot/],
    [other, "SET PERSIST group_replication_group_seeds = '10.0.0.9:3306'", /seeds/],
    [other, "RESET PERSIST group_replication_group_name", /group name/],
    [primary, "SET GLOBAL super_read_only = ON", /open the primary/],
    [primary, "SET PERSIST super_read_only = OFF", /start closed/],
    [primary, "SET GLOBAL group_replication_bootstrap_group = ON", /bootstrap/],
    [primary, "ALTER USER replication IDENTIFIED BY 'another'", /set the password of the repl/],
    [primary, "REVOKE BACKUP_ADMIN ON *.* FROM replication", /mend the replication account/],
  ];
  for (const [name, sql, told] of byHand) {
    await mysqlds.sql(name, sql);
    const sentences = await up(group());
    t.is(sentences.length, 1, `${sql}: ${sentences.join("; ")}`);
    t.regex(sentences[0] ?? "", told, sql);
    await settles(t);
  }
  await isWhole(t);
});

test.serial(
  "a member that is taken out is fenced, and comes back as one that was filled",
  async (t) => {
    const before = group();
    const { primary } = await settles(t);
    const keep = names.filter((name) => name !== primary);
    const members = Object.fromEntries(keep.map((name) => [name, before.members[name]]));
    const smaller = group({ members: JSON.parse(JSON.stringify(members)) });
    // It is the primary that leaves: another one takes over before.
    const sentences = await up(smaller, before);
    t.true(
      sentences.some((sentence) => sentence.includes(`make it the primary instead of ${primary}`)),
    );
    t.is(
      sentences.at(-1),
      `${primary}: leave the group (it keeps its data and stays closed for writes)`,
    );
    const now = await settles(t, smaller);
    await write(now.primary, "of the smaller group");
    await mysqlds.kill(primary);
    await mysqlds.start(primary);
    await mysqlds.shell("sleep 3");
    t.is(await mysqlds.sql(primary, "SELECT @@super_read_only"), "1");
    t.is(
      await mysqlds.sql(
        primary,
        "SELECT MEMBER_STATE FROM performance_schema.replication_group_members",
      ),
      "OFFLINE",
    );
    await up(group(), group());
    await settles(t);
    await isWhole(t);
  },
);

test.serial("members are added and taken out under load: three, five, three", async (t) => {
  const five = group({}, 5);
  const all = Object.keys(five.members);
  const added = serversOf(five).slice(3);
  await mysqlds.add(added);
  const growing = await whileWriting("growing", async () => {
    await up(five, group());
    await settles(t, five);
  });
  t.log(growing);
  t.is(growing.failed, 0);
  t.true(growing.acknowledged > 0);
  await mysqlds.shell("sleep 1");
  await isWhole(t, all);
  // The one that takes the writes is one of those that leave.
  const shrinking = await whileWriting("shrinking", async () => {
    await up(group({ primary: "node-05" }, 5));
    await up(group(), five);
    await settles(t);
  });
  t.log(shrinking);
  t.is(shrinking.failed, 0);
  t.true(shrinking.acknowledged > 0);
  await mysqlds.shell("sleep 1");
  await isWhole(t);
  const counted = "SELECT COUNT(*) FROM performance_schema.replication_group_members";
  t.is(await mysqlds.sql("node-01", counted), "3");
  for (const { name } of added) t.is(await mysqlds.sql(name, "SELECT @@super_read_only"), "1");
  await mysqlds.kill(...added.map(({ name }) => name));
});

test.serial(
  "one that is taken out while it is dead is waited for until the group has put it out",
  async (t) => {
    const four = group({}, 4);
    await mysqlds.start("node-04");
    await up(four, group());
    await settles(t, four);
    await mysqlds.kill("node-04");
    const sentences = await up(group(), four);
    t.is(sentences.at(-1), "node-04: take it out without telling it, since it does not answer");
    await settles(t);
    const counted = "SELECT COUNT(*) FROM performance_schema.replication_group_members";
    t.is(await mysqlds.sql("node-01", counted), "3");
    await isWhole(t);
  },
);

test.serial(
  "members that do not reach each other are back by themselves once they do, and nothing is missing",
  async (t) => {
    await mysqlds.attend();
    const apart = async (members: readonly string[], seconds: number) => {
      // A start that is a minute and a half old is over.
      const uptime =
        "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'";
      for (const name of names) {
        while (Number(await mysqlds.sql(name, uptime)) <= 90) await mysqlds.shell("sleep 2");
      }
      await mysqlds.part(...members);
      let united = 0;
      const count = await whileWriting(`apart ${members} ${seconds}`, async () => {
        await mysqlds.shell(`sleep ${seconds}`);
        await mysqlds.unite();
        united = Date.now();
        // Members that see each other again may be put out all the same: the others had suspected them.
        await mysqlds.shell("sleep 12");
        await settles(t);
        united = Date.now() - united;
      });
      t.log(members.join(), `${seconds} s apart, in step ${united / 1000} s after`, count);
      await mysqlds.shell("sleep 1");
      await isWhole(t);
    };
    for (const seconds of [8, 12, 40]) await apart(names, seconds);
    // The primary alone, and for longer than MySQL waits for the others.
    await apart([(await settles(t)).primary], 60);
  },
);

test.serial("a former pair becomes a group, with all that it holds", async (t) => {
  await mysqlds.kill(...names);
  for (const name of names) await mysqlds.install(name);
  await mysqlds.sql(
    "node-01",
    `SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF;
CREATE DATABASE trilithon; CREATE TABLE trilithon.cluster (id TINYINT PRIMARY KEY) COMMENT = 'guestbook';
CREATE USER replication IDENTIFIED BY 'of replication' REQUIRE SSL;
GRANT BACKUP_ADMIN, REPLICATION SLAVE ON *.* TO replication;
CREATE DATABASE app; CREATE TABLE app.entries (entry VARCHAR(40) PRIMARY KEY)`,
  );
  const options = Object.entries({
    ...{ SOURCE_HOST: "'10.0.0.1'", SOURCE_PORT: 3311, SOURCE_USER: "'replication'" },
    ...{ SOURCE_PASSWORD: "'of replication'", SOURCE_AUTO_POSITION: 1, SOURCE_SSL: 1 },
  }).map(([name, value]) => `${name} = ${value}`);
  await mysqlds.sql("node-02", `CHANGE REPLICATION SOURCE TO ${options.join(", ")}; START REPLICA`);
  acknowledged.length = 0;
  await write("node-01", "of the pair");
  await mysqlds.shell("sleep 2");
  t.deepEqual(await up(group({ primary: "node-01" })), [
    "node-01: close for writes (super_read_only on) until the group is there",
    "node-02: apply what it received, and stop following 10.0.0.1:3311",
    "node-01: mend the replication account replication (BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM, REPLICATION SLAVE)",
    "node-01: bring the group back from it, since it has all that any other has (asked: node-01, node-02, node-03)",
    "node-02: join the group (was: outside)",
    "node-03: fill from node-01 by CLONE (it has no data)",
    "node-03: join the group",
  ]);
  t.is((await settles(t, group({ primary: "node-01" }))).primary, "node-01");
  await write("node-01", "of the group");
  await mysqlds.shell("sleep 1");
  await isWhole(t);
});
