import type { ExecutionContext } from "ava";
import type { Properties } from "../../../../provider/kind";
import type { Content } from "../../../../provider/kinds/mysql-content/args";
import { mysqlContent } from "../../../../provider/kinds/mysql-content/kind";
import { mysqlPasswordRetirement } from "../../../../provider/kinds/mysql-content/retirement";
import { MysqlHosts } from "../../../support/mysql-hosts";
import { content } from "../../../support/mysql-inputs";
import { onLinux } from "../../../support/on-linux";

/** A primary that takes writes, and nobody who has to acknowledge them. */
async function primary(t: ExecutionContext): Promise<MysqlHosts> {
  const hosts = await MysqlHosts.make({ "web-01": "10.0.0.1", "web-02": "10.0.0.2" });
  t.teardown(() => hosts.remove());
  hosts.on("web-02").isRunning = false;
  hosts
    .on("web-01")
    .take(
      "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF; CREATE DATABASE trilithon; CREATE TABLE IF NOT EXISTS trilithon.cluster (id TINYINT PRIMARY KEY) COMMENT = 'guestbook'",
    );
  return hosts;
}

function accounts(more: Properties = {}, name = "app"): Properties {
  const grants = { "guestbook.*": ["SELECT", "INSERT"] };
  return { [name]: { password: "of app", grants, ...more } };
}

/** As the engine does it. Nothing is left to do then. */
async function up(
  t: ExecutionContext,
  hosts: MysqlHosts,
  desired: Content,
  state?: Content,
): Promise<{ readonly sentences: string[]; readonly state: Content }> {
  const { context } = hosts;
  const live = state === undefined ? undefined : await mysqlContent.read({ ...state }, context);
  const steps = mysqlContent.plan(live, desired, context.owner);
  const made = await mysqlContent.apply(steps, live, desired, context);
  t.deepEqual(mysqlContent.diff(made, desired), []);
  const seen = await mysqlContent.read(made, context);
  t.deepEqual(seen && mysqlContent.plan(seen, desired, context.owner), []);
  return { sentences: steps.map(({ sentence }) => sentence), state: made };
}

function canLogin(hosts: MysqlHosts, password: string): boolean {
  return hosts.on("web-01").login("app", password, "10.0.0.1").error === undefined;
}

onLinux("databases and accounts are made, and log in with what they were given", async (t) => {
  const hosts = await primary(t);
  const password = `it's "quoted" \\ and $(long) \`enough\` é`;
  const desired = content({
    databases: ["guest_book", "shop"],
    accounts: accounts({
      password,
      maxConnections: 180,
      grants: { "guest_book.*": ["ALL"], "shop.the_items": ["SELECT"], "*.*": ["PROCESS"] },
    }),
  });
  await up(t, hosts, desired);
  const { data } = hosts.on("web-01");
  t.true(data.schemas.has("guest_book") && data.schemas.has("shop"));
  t.true(canLogin(hosts, password));
  const user = data.users.get("'app'@'%'");
  t.is(user?.maxConnections, 180);
  // As it is, `_` would be any character: another database's.
  t.deepEqual([...(user?.grants.keys() ?? [])].sort(), [
    "*.*",
    "`guest\\_book`.*",
    "`shop`.`the_items`",
  ]);
});

onLinux("a new password leaves the former one good until it is retired", async (t) => {
  const hosts = await primary(t);
  const first = await up(t, hosts, content());
  const desired = content({ accounts: accounts({ password: "another" }) });
  await up(t, hosts, desired, first.state);
  t.true(canLogin(hosts, "of app"));
  t.true(canLogin(hosts, "another"));

  const { cluster, members } = desired;
  const wanted = {
    ...{ cluster, members, primary: "web-01", former: {} },
    passwords: { app: "another" },
  };
  const live = await mysqlPasswordRetirement.read(wanted, hosts.context);
  t.deepEqual(live?.former, { app: "%" });
  const [step] = mysqlPasswordRetirement.plan(live, wanted, hosts.context.owner);
  t.is(step?.sentence, "web-01: retire the former password of app, since all have the new one");
  await mysqlPasswordRetirement.apply([], live, wanted, hosts.context);
  t.false(canLogin(hosts, "of app"));
  t.true(canLogin(hosts, "another"));
});

onLinux(
  "only a password that was another one is retired; who comes and who goes is told apart",
  (t) => {
    const { cluster, members } = content();
    const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };
    const of = (passwords: Record<string, string>) => ({
      ...{ cluster, members, primary: "web-01", former: {}, passwords },
    });
    const planned = (live: Record<string, string>, now: Record<string, string>) =>
      mysqlPasswordRetirement.plan(of(live), of(now), owner).map(({ sentence }) => sentence);
    t.deepEqual(planned({ app: "one" }, { app: "one", shop: "two" }), [
      "web-01: take note of the password of shop",
    ]);
    t.deepEqual(planned({ app: "one", shop: "two" }, { app: "three" }), [
      "web-01: retire the former password of app, since all have the new one, forget the password of shop, whose account stays",
    ]);
    t.deepEqual(planned({ app: "one" }, { app: "one" }), []);
    const dropping = { ...of({ app: "one", shop: "two" }), dropped: ["shop"] };
    t.is(
      mysqlPasswordRetirement.plan(dropping, of({ app: "one" }), owner)[0]?.sentence,
      "web-01: forget the password of shop, whose account is dropped once all else is done, and whose database stays",
    );
    t.is(
      mysqlPasswordRetirement.plan(dropping, of({ app: "one", store: "x" }), owner)[0]?.sentence,
      "web-01: take note of the password of store, forget the password of shop, whose account is dropped once all else is done, and whose database stays: nothing of it is copied",
    );
  },
);

const addresses = ["10.0.0.1", "10.0.0.2"];

/** As the engine reads before it changes: what the state has, and what the program names. */
async function over(hosts: MysqlHosts, state: Content, desired: Content): Promise<string[]> {
  const both = { ...state, ...desired, accounts: { ...state.accounts, ...desired.accounts } };
  const live = await mysqlContent.read({ ...both }, hosts.context);
  const steps = mysqlContent.plan(live, desired, hosts.context.owner);
  await mysqlContent.apply(steps, live, desired, hosts.context);
  return steps.map(({ sentence }) => sentence);
}

function retirementOf({ cluster, members }: Content, password: string, retired = password) {
  return {
    ...{ cluster, members, primary: "web-01", former: {} },
    ...{ passwords: { app: password }, retired: { app: retired }, from: { app: addresses } },
  };
}

/** What an application finds at each address: MySQL takes the narrowest account. */
function isServed(hosts: MysqlHosts, password: string, address: string): boolean {
  const server = hosts.on("web-01");
  const { users } = server.data;
  const user = users.get(`'app'@'${address}'`) ?? users.get("'app'@'%'");
  const isLetIn = server.login("app", password, address).error === undefined;
  return isLetIn && user?.grants.get("`guestbook`.*")?.has("INSERT") === true;
}

for (const password of ["of app", "another"]) {
  const how = password === "of app" ? "" : ", also with another password at once";
  onLinux(
    `accounts of addresses take the place of one from anywhere, unnoticed${how}`,
    async (t) => {
      const hosts = await primary(t);
      const { state } = await up(t, hosts, content({ formerAccounts: "leave" }));
      const desired = content({
        accounts: accounts({ from: addresses, password }),
        formerAccounts: "leave",
      });
      const refused: string[] = [];
      hosts.mysqlds.watch = (statement) => {
        for (const address of addresses) {
          if (!isServed(hosts, "of app", address)) refused.push(`${address} after ${statement}`);
        }
      };
      const sentences = await over(hosts, state, desired);
      t.deepEqual(
        sentences,
        addresses.map((one) => `web-01: create account app@${one} (INSERT, SELECT on guestbook.*)`),
      );
      t.deepEqual(refused, []);
      hosts.mysqlds.watch = undefined;
      const { users } = hosts.on("web-01").data;
      t.deepEqual([...users.keys()].sort(), ["'app'@'%'", "'app'@'10.0.0.1'", "'app'@'10.0.0.2'"]);
      // Somebody's, and not of this stack.
      hosts.on("web-01").take("CREATE USER 'app'@'10.9.9.9' IDENTIFIED BY 'of somebody'");
      const wanted = retirementOf(desired, password, "of app");
      const live = await mysqlPasswordRetirement.read(wanted, hosts.context);
      t.deepEqual(live?.left, { "app@%": "%" });
      const [step] = mysqlPasswordRetirement.plan(live, wanted, hosts.context.owner);
      t.regex(step?.sentence ?? "", /drop account app@%, which nobody uses any more/);
      const made = await mysqlPasswordRetirement.apply([], live, wanted, hosts.context);
      t.deepEqual([...users.keys()].sort(), [
        "'app'@'10.0.0.1'",
        "'app'@'10.0.0.2'",
        "'app'@'10.9.9.9'",
      ]);
      for (const address of addresses) t.true(isServed(hosts, password, address));
      t.is(isServed(hosts, "of app", "10.0.0.1"), password === "of app");
      const seen = await mysqlPasswordRetirement.read(made, hosts.context);
      t.deepEqual(seen && mysqlPasswordRetirement.diff(seen, wanted), []);
    },
  );
}

onLinux("an account that made views is locked, as they do what they do in its name", async (t) => {
  const hosts = await primary(t);
  const { state } = await up(t, hosts, content({ formerAccounts: "leave" }));
  const desired = content({ accounts: accounts({ from: addresses }), formerAccounts: "leave" });
  await over(hosts, state, desired);
  const { data } = hosts.on("web-01");
  data.definers = ["mysql.sys@localhost", "app@%"];
  const wanted = retirementOf(desired, "of app");
  const live = await mysqlPasswordRetirement.read(wanted, hosts.context);
  const [step] = mysqlPasswordRetirement.plan(live, wanted, hosts.context.owner);
  t.regex(step?.sentence ?? "", /lock account app@%, which nobody logs in by any more/);
  const made = await mysqlPasswordRetirement.apply([], live, wanted, hosts.context);
  t.true(data.users.get("'app'@'%'")?.isLocked);
  t.true(isServed(hosts, "of app", "10.0.0.1"));
  t.regex(hosts.on("web-01").login("app", "of app", "10.0.0.7").error ?? "", /3118/);
  const seen = await mysqlPasswordRetirement.read(made, hosts.context);
  t.deepEqual(seen && mysqlPasswordRetirement.diff(seen, wanted), []);
});

onLinux("an up that was killed between two accounts is completed", async (t) => {
  const hosts = await primary(t);
  const { state } = await up(t, hosts, content({ formerAccounts: "leave" }));
  const desired = content({ accounts: accounts({ from: addresses }), formerAccounts: "leave" });
  await over(hosts, state, desired);
  const server = hosts.on("web-01");
  server.take("RENAME USER 'app'@'10.0.0.2' TO 'app'@'new-10.0.0.2'");
  t.deepEqual(await over(hosts, state, desired), [
    "web-01: create account app@10.0.0.2 (INSERT, SELECT on guestbook.*)",
  ]);
  t.deepEqual(
    [...server.data.users.keys()].filter((key) => key.includes("new-")),
    [],
  );
  t.true(isServed(hosts, "of app", "10.0.0.2"));
});

onLinux("what is done by hand to one of several is told of that one, and mended", async (t) => {
  const hosts = await primary(t);
  const desired = content({ accounts: accounts({ from: addresses }) });
  let { state } = await up(t, hosts, desired);
  for (const [sql, told] of [
    [
      "ALTER USER 'app'@'10.0.0.2' IDENTIFIED BY 'by hand'",
      /change account app@10.0.0.2 \(its password\)/,
    ],
    ["REVOKE INSERT ON `guestbook`.* FROM 'app'@'10.0.0.2'", /account app@10.0.0.2 \(grant INSERT/],
    ["DROP USER 'app'@'10.0.0.2'", /create account app@10.0.0.2/],
  ] as const) {
    t.is(hosts.on("web-01").take(sql).error, undefined, sql);
    const done = await up(t, hosts, desired, state);
    t.is(done.sentences.length, 1, sql);
    t.regex(done.sentences[0] ?? "", told);
    state = done.state;
  }
});

onLinux("with an application all of its accounts go", async (t) => {
  const hosts = await primary(t);
  const server = hosts.on("web-01");
  const desired = content({
    accounts: accounts({ from: addresses }),
    accountsOnRemoval: "drop",
  });
  const { state } = await up(t, hosts, desired);
  // Of an address that was given up, and was not retired yet.
  server.take("CREATE USER 'app'@'10.0.0.9' IDENTIFIED BY 'of app'");
  await mysqlContent.remove(state, hosts.context);
  t.deepEqual([...server.data.users.keys()], []);
});

onLinux("a password that was changed by hand is set back, and is not good any more", async (t) => {
  const hosts = await primary(t);
  const { state } = await up(t, hosts, content());
  hosts.on("web-01").take("ALTER USER 'app'@'%' IDENTIFIED BY 'by hand'");
  await up(t, hosts, content(), state);
  t.true(canLogin(hosts, "of app"));
  t.false(canLogin(hosts, "by hand"));
});

const byHand: readonly (readonly [sql: string, told: RegExp])[] = [
  ["GRANT DROP ON `guestbook`.* TO 'app'@'%'", /revoke DROP on guestbook\.\*/],
  ["GRANT GRANT OPTION ON `guestbook`.* TO 'app'@'%'", /revoke GRANT OPTION on guestbook\.\*/],
  ["GRANT SELECT ON `shop`.* TO 'app'@'%'", /revoke SELECT on shop\.\*/],
  ["GRANT SELECT ON `guest_ook`.* TO 'app'@'%'", /revoke SELECT on `guest_ook`\.\*/],
  ["GRANT PROCESS ON *.* TO 'app'@'%'", /revoke PROCESS on \*\.\*/],
  ["REVOKE INSERT ON `guestbook`.* FROM 'app'@'%'", /grant INSERT on guestbook\.\*/],
  ["ALTER USER 'app'@'%' WITH MAX_USER_CONNECTIONS 7", /any number of connections/],
  ["ALTER USER 'app'@'%' ACCOUNT LOCK", /its password/],
  ["RENAME USER 'app'@'%' TO 'app'@'10.%'", /its host to %/],
  ["DROP USER 'app'@'%'", /create account app/],
];

onLinux("what is done to an account by hand is told, and mended", async (t) => {
  const hosts = await primary(t);
  const desired = content();
  let { state } = await up(t, hosts, desired);
  for (const [sql, told] of byHand) {
    t.is(hosts.on("web-01").take(sql).error, undefined, sql);
    const done = await up(t, hosts, desired, state);
    t.is(done.sentences.length, 1, sql);
    t.regex(done.sentences[0] ?? "", told, sql);
    state = done.state;
  }
  hosts
    .on("web-01")
    .data.users.get("'app'@'%'")
    ?.grants.set("role `reader`@`%`", new Set(["ROLE"]));
  const { sentences } = await up(t, hosts, desired, state);
  t.regex(sentences[0] ?? "", /revoke ROLE on role `reader`@`%`/);
});

onLinux("what the program has no more goes, but for data and the accounts of others", async (t) => {
  const hosts = await primary(t);
  const server = hosts.on("web-01");
  server.take("CREATE USER IF NOT EXISTS 'someone'@'%' IDENTIFIED BY 'else'");
  const { state } = await up(t, hosts, content());
  const { sentences } = await up(t, hosts, content({ databases: [], accounts: {} }), state);
  t.deepEqual(sentences, ["web-01: drop account app"]);
  t.deepEqual([...server.data.users.keys()], ["'someone'@'%'"]);
  t.true(server.data.schemas.has("guestbook"));
});

onLinux("a removal leaves the database, and the account unless it is to be dropped", async (t) => {
  const hosts = await primary(t);
  const server = hosts.on("web-01");
  const { state } = await up(t, hosts, content());
  await mysqlContent.remove(state, hosts.context);
  t.deepEqual([...server.data.users.keys()], ["'app'@'%'"]);
  const noted = await up(t, hosts, content({ accountsOnRemoval: "drop" }), state);
  t.deepEqual(noted.sentences, ["take note to drop its accounts when it is removed"]);
  await mysqlContent.remove(noted.state, hosts.context);
  t.deepEqual([...server.data.users.keys()], []);
  t.true(server.data.schemas.has("guestbook"));
  // It is gone already.
  await mysqlContent.remove(noted.state, hosts.context);
});

onLinux("an account that another resource has by now is not dropped", async (t) => {
  const hosts = await primary(t);
  const server = hosts.on("web-01");
  const { state } = await up(t, hosts, content({ accountsOnRemoval: "drop" }));
  // It comes with a password of its own, and leaves the former one good for now.
  const other = await up(t, hosts, content({ accounts: accounts({ password: "of another" }) }));
  t.true(canLogin(hosts, "of another"));
  await mysqlContent.remove(state, hosts.context);
  t.deepEqual([...server.data.users.keys()], ["'app'@'%'"]);
  server.take("ALTER USER 'app'@'%' DISCARD OLD PASSWORD");
  await mysqlContent.remove(state, hosts.context);
  t.deepEqual([...server.data.users.keys()], ["'app'@'%'"]);
  await up(t, hosts, content({ accounts: accounts({ password: "of another" }) }), other.state);
});

onLinux("where nobody takes writes, an account stays, and the removal goes on", async (t) => {
  const hosts = await primary(t);
  const { state } = await up(t, hosts, content({ accountsOnRemoval: "drop" }));
  hosts.on("web-01").isRunning = false;
  const told: string[] = [];
  const tell = (_: string, message: string) => told.push(message);
  await mysqlContent.remove(state, { ...hosts.context, tell });
  t.deepEqual(told, [
    "left behind in cluster guestbook: account app: no member that takes writes answers",
  ]);
});

onLinux("an account that may come from elsewhere keeps its password and grants", async (t) => {
  const hosts = await primary(t);
  const { state } = await up(t, hosts, content());
  const moved = content({ accounts: accounts({ from: "10.0.%" }) });
  await up(t, hosts, moved, state);
  t.deepEqual([...hosts.on("web-01").data.users.keys()], ["'app'@'10.0.%'"]);
  t.true(canLogin(hosts, "of app"));
});

onLinux(
  "what a cluster holds is set on whoever leads it, also where another is named",
  async (t) => {
    const hosts = await primary(t);
    const desired = content({ primary: "web-02" });
    await up(t, hosts, desired, desired);
    t.true(hosts.on("web-01").data.schemas.has("guestbook"));
  },
);

onLinux(
  "an account without a password is dropped, unless it is another system user's",
  async (t) => {
    const hosts = await primary(t);
    const server = hosts.on("web-01");
    const accounts = { trilithon_role: { grants: { "performance_schema.*": ["SELECT"] } } };
    const { state } = await up(t, hosts, content({ accounts, accountsOnRemoval: "drop" }));
    const alter = "ALTER USER 'trilithon_role'@'localhost' IDENTIFIED WITH auth_socket";
    server.take(`${alter} AS 'nobody'`);
    await mysqlContent.remove(state, hosts.context);
    t.deepEqual([...server.data.users.keys()], ["'trilithon_role'@'localhost'"]);
    server.take(alter);
    await mysqlContent.remove(state, hosts.context);
    t.deepEqual([...server.data.users.keys()], []);
  },
);

onLinux("an account without a password is the system user's, over the socket alone", async (t) => {
  const hosts = await primary(t);
  const grants = { "performance_schema.*": ["SELECT"] };
  const desired = content({ accounts: { trilithon_role: { grants } } });
  t.like(desired.accounts.trilithon_role, { from: "localhost" });
  const { sentences, state } = await up(t, hosts, desired);
  t.true(sentences.some((one) => one.includes("create account trilithon_role")));
  // Another system user's from then on.
  hosts
    .on("web-01")
    .take("ALTER USER 'trilithon_role'@'localhost' IDENTIFIED WITH auth_socket AS 'nobody'");
  const found = await mysqlContent.read({ ...state }, hosts.context);
  t.deepEqual(found && mysqlContent.diff(found, desired), [
    { path: ["accounts", "trilithon_role", "password"], kind: "delete" },
  ]);
  const again = await up(t, hosts, desired, state);
  t.deepEqual(again.sentences, ["web-01: change account trilithon_role (its password)"]);
  t.is(hosts.on("web-01").data.users.get("'trilithon_role'@'localhost'")?.systemUser, undefined);
});
