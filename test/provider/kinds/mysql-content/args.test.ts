import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { check } from "../../../../provider/kinds/mysql-content/args";
import { unknown } from "../../../../provider/protocol/values";
import { contentInputs } from "../../../support/mysql-inputs";

const app = { password: "x", grants: {} };

const faults: { more: Properties; is: string }[] = [
  {
    more: { databases: ["a b"] },
    is: 'databases[0]: expected 1 to 64 letters, digits and _ that name no database of MySQL\'s own, got "a b"',
  },
  {
    more: { accounts: { root: app } },
    is: "accounts.root: expected a name that is not MySQL's own",
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
  {
    more: { accounts: { app: { ...app, maxConnections: -1 } } },
    is: "accounts.app.maxConnections: expected an integer from 0 to 100000, got -1",
  },
  {
    more: { accounts: { app: { ...app, from: [] } } },
    is: "accounts.app.from: expected a host or more",
  },
  {
    more: { accounts: { "app@10.0.0.1": app } },
    is: "accounts.app@10.0.0.1: expected 1 to 32 letters, digits and _ . -",
  },
  { more: { colour: "red" }, is: "colour: no such property" },
];

for (const { more, is } of faults) {
  test(`a fault is told: ${is}`, (t) => {
    const { failures } = check(contentInputs(more));
    t.deepEqual(
      failures.map(({ property, reason }) => `${property}: ${reason}`),
      [is],
    );
  });
}

test("defaults are filled in, and privileges put in one form", (t) => {
  const { args, failures } = check(contentInputs());
  t.deepEqual(failures, []);
  t.like(args, {
    members: { "web-01": { port: 3306, address: "10.0.0.1" } },
    accounts: {
      app: { from: "%", maxConnections: 0, grants: { "guestbook.*": ["INSERT", "SELECT"] } },
    },
  });
  t.deepEqual(check(args).args, args);
});

test("each host that is listed is an account of its own", (t) => {
  const { args, failures } = check(
    contentInputs({ accounts: { app: { ...app, from: ["10.0.0.2", "10.0.0.1", "10.0.0.2"] } } }),
  );
  t.deepEqual(failures, []);
  t.deepEqual(args.accounts, {
    "app@10.0.0.1": { ...app, from: "10.0.0.1", maxConnections: 0 },
    "app@10.0.0.2": { ...app, from: "10.0.0.2", maxConnections: 0 },
  });
  t.deepEqual(check(args), { args, failures: [] });
  const later = contentInputs({ accounts: { app: { ...app, from: ["10.0.0.1", unknown] } } });
  t.deepEqual(check(later).failures, []);
});

test("what a preview does not know yet is no fault", (t) => {
  const inputs = contentInputs({ accounts: { app: { password: unknown, grants: {} } } });
  t.deepEqual(check(inputs).failures, []);
  t.deepEqual(check({ ...inputs, members: unknown, accounts: unknown }).failures, []);
});
