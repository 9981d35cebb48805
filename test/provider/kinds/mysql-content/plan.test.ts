import test from "ava";
import { contentOf } from "../../../../provider/kinds/mysql-content/kind";
import { diff, plan } from "../../../../provider/kinds/mysql-content/plan";
import { accountStatements } from "../../../../provider/kinds/mysql-content/statements";
import { unknown } from "../../../../provider/protocol/values";
import { content } from "../../../support/mysql-inputs";
import { freshServer, running } from "../../../support/mysql-model";

const desired = content();
const app = desired.accounts.app;
if (app === undefined) throw new Error("no account");

test("databases and accounts are made on the primary", (t) => {
  t.deepEqual(
    plan(undefined, desired).map(({ sentence }) => sentence),
    [
      "web-01: create database guestbook",
      "web-01: create account app (INSERT, SELECT on guestbook.*)",
    ],
  );
  const limited = content({ accounts: { app: { ...app, maxConnections: 90 } }, databases: [] });
  t.deepEqual(
    plan(undefined, limited).map(({ sentence }) => sentence),
    ["web-01: create account app (INSERT, SELECT on guestbook.*; at most 90 connections)"],
  );
});

test("what is as it should be is left alone, and what the program forgot goes, but for databases", (t) => {
  t.deepEqual(plan(desired, desired), []);
  t.deepEqual(diff(desired, content({ accounts: {}, databases: [] })), [
    { path: ["accounts", "app"], kind: "delete" },
  ]);
  t.deepEqual(
    plan(desired, content({ accounts: {}, databases: [] })).map(({ sentence }) => sentence),
    ["web-01: drop account app"],
  );
});

test("a database of another name is a new one: the former one and its account stay, and that it is empty is told", (t) => {
  const { app: _, ...none } = desired.accounts;
  const renamed = content({
    databases: ["shop"],
    accounts: { ...none, shop: { password: "of shop", grants: { "shop.*": ["SELECT"] } } },
    formerAccounts: "leave",
  });
  t.deepEqual(
    // As a read has it, which asks for the databases that are wanted.
    plan({ ...desired, databases: [] }, renamed).map(({ sentence, warning }) => [
      sentence,
      warning,
    ]),
    [
      [
        "web-01: create database shop",
        "database shop is empty: what is in guestbook stays there, and nothing is copied",
      ],
      ["web-01: create account shop (SELECT on shop.*)", undefined],
    ],
  );
  t.deepEqual(
    diff(desired, renamed).map(({ path }) => path),
    [["databases"], ["accounts", "shop"]],
  );
  const without = content({ accounts: {}, databases: [], formerAccounts: "leave" });
  t.deepEqual([diff(desired, without), plan(desired, without)], [[], []]);
});

test("grants and limits set by hand are told one by one", (t) => {
  const live = {
    ...desired,
    accounts: {
      app: { ...app, maxConnections: 7, grants: { "guestbook.*": ["DROP", "SELECT"] } },
    },
  };
  t.deepEqual(
    plan(live, desired).map(({ sentence }) => sentence),
    [
      "web-01: change account app (any number of connections; grant INSERT on guestbook.*; revoke DROP on guestbook.*)",
    ],
  );
});

test("a new password leaves the former one good, and no sentence shows either", (t) => {
  const wanted = content({
    accounts: { app: { password: "planted", grants: { "guestbook.*": ["SELECT", "INSERT"] } } },
  });
  const told = JSON.stringify(plan(desired, wanted));
  t.true(told.includes("change account app (its password)"));
  t.false(told.includes("planted") || told.includes("of app"));
  t.deepEqual(accountStatements("app", app, { ...app, password: "planted", isRotated: true }), [
    "ALTER USER 'app'@'%' IDENTIFIED BY 'planted' RETAIN CURRENT PASSWORD",
    "ALTER USER 'app'@'%' ACCOUNT UNLOCK",
  ]);
  const byHand = { ...app, password: "(another)" };
  t.deepEqual(accountStatements("app", byHand, { ...app, isRotated: false }), [
    "ALTER USER 'app'@'%' IDENTIFIED BY 'of app'",
    "ALTER USER 'app'@'%' ACCOUNT UNLOCK",
  ]);
  t.deepEqual(
    plan(desired, content({ accounts: { app: { password: unknown, grants: {} } } })).length,
    1,
  );
});

test("a new account gets its password, its limit and its grants", (t) => {
  t.deepEqual(
    accountStatements("app", undefined, { ...app, maxConnections: 180, isRotated: true }),
    [
      "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 'of app'",
      "ALTER USER 'app'@'%' IDENTIFIED BY 'of app'",
      "ALTER USER 'app'@'%' ACCOUNT UNLOCK",
      "ALTER USER 'app'@'%' WITH MAX_USER_CONNECTIONS 180",
      "GRANT INSERT, SELECT ON `guestbook`.* TO 'app'@'%'",
    ],
  );
});

test("what the primary says is compared; where it is silent, all stands as last known", (t) => {
  const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");
  const answer = {
    mysqld: "running" as const,
    facts: { ...facts, schemas: ["guestbook", "other"] },
    accounts: {
      app: {
        from: "%",
        login: "denied" as const,
        grants: app.grants,
        maxConnections: 0,
        hasFormerPassword: true,
        plugin: "caching_sha2_password",
      },
    },
    hosts: {},
  };
  t.deepEqual(diff(contentOf(answer, desired), desired), [
    { path: ["accounts", "app", "password"], kind: "update" },
  ]);
  t.deepEqual(contentOf({ mysqld: "silent", reason: "x" }, desired), desired);
});
