import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { check } from "../../../../provider/kinds/mysql-replication/args";
import { unknown } from "../../../../provider/protocol/values";
import { clusterInputs, memberInputs } from "../../../support/mysql-inputs";

const app = { password: "x", grants: {} };

const faults: { more: Properties; is: string }[] = [
  {
    more: { cluster: "guest-book" },
    is: 'cluster: expected 1 to 64 letters, digits and _, got "guest-book"',
  },
  { more: { primary: "web-09" }, is: 'primary: expected one of web-01, web-02, got "web-09"' },
  {
    more: { durability: "sometimes" },
    is: 'durability: expected "wait-for-replica" or { carryOnAfterSeconds: 1 to 86400 }, got "sometimes"',
  },
  {
    more: { members: { "web-01": memberInputs("web-01", 1) } },
    is: "durability: expected two members or more to wait for a replica, got one",
  },
  {
    more: { databases: ["a b"] },
    is: 'databases[0]: expected 1 to 64 letters, digits and _ that name no database of MySQL\'s own, got "a b"',
  },
  {
    more: { discardDataOn: ["web-09"] },
    is: 'discardDataOn: expected one of web-01, web-02, got "web-09"',
  },
  {
    more: { accounts: { root: app } },
    is: "accounts.root: expected a name that is not in use by the cluster itself",
  },
  {
    more: { accounts: { replication: app } },
    is: "accounts.replication: expected a name that is not in use by the cluster itself",
  },
  {
    more: { accounts: { app: { ...app, grants: { "*.*": ["all privileges"] } } } },
    is: 'accounts.app.grants["*.*"]: expected privileges by name: ALL differs with each version of MySQL',
  },
  {
    more: { accounts: { app: { ...app, from: "10.0.0.1'; --" } } },
    is: 'accounts.app.from: expected a host in lower case, or a pattern such as "10.0.%", got "10.0.0.1\'; --"',
  },
  {
    more: { accounts: { app: { ...app, password: "two\nlines" } } },
    is: "accounts.app.password: expected 1 to 256 characters without control characters, got a string",
  },
  { more: { colour: "red" }, is: "colour: no such property" },
];

for (const { more, is } of faults) {
  test(`a fault is told: ${is}`, (t) => {
    const { failures } = check(clusterInputs(more));
    t.deepEqual(
      failures.map(({ property, reason }) => `${property}: ${reason}`),
      [is],
    );
  });
}

test("defaults are filled in, and privileges put in one form", (t) => {
  const { args, failures } = check(clusterInputs());
  t.deepEqual(failures, []);
  t.like(args, {
    members: { "web-01": { port: 3306, address: "10.0.0.1" } },
    accounts: { app: { from: "%", grants: { "guestbook.*": ["INSERT", "SELECT"] } } },
    discardDataOn: [],
    topology: { "web-02": { mysqld: "running", data: "guestbook", semiSynchronous: "on" } },
  });
  t.deepEqual(check(args).args, args);
});

test("what a preview does not know yet is no fault", (t) => {
  const inputs = clusterInputs({
    replicationAccount: { name: "replication", password: unknown },
    accounts: { app: { password: unknown, grants: {} } },
    members: {
      "web-01": { ...memberInputs("web-01", 1), address: unknown },
      "web-02": { ...memberInputs("web-02", 2), host: unknown },
    },
  });
  t.deepEqual(check(inputs).failures, []);
  t.deepEqual(check({ ...inputs, members: unknown, accounts: unknown }).failures, []);
});
