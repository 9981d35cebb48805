import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { check } from "../../../../provider/kinds/mysql-replication/args";
import { unknown } from "../../../../provider/protocol/values";
import { clusterInputs, memberInputs } from "../../../support/mysql-inputs";

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
    more: { discardDataOn: ["web-09"] },
    is: 'discardDataOn: expected one of web-01, web-02, got "web-09"',
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

test("defaults are filled in", (t) => {
  const { args, failures } = check(clusterInputs());
  t.deepEqual(failures, []);
  t.like(args, {
    members: { "web-01": { port: 3306, address: "10.0.0.1" } },
    discardDataOn: [],
    status: { "web-02": { mysqld: { state: "running" }, data: { state: "ok" } } },
  });
  t.deepEqual(check(args).args, args);
});

test("a cluster keeps its name, whatever the stack is called by now", (t) => {
  const olds = check(clusterInputs()).args;
  const { args, failures } = check(clusterInputs({ cluster: "renamed" }), olds);
  t.deepEqual(failures, []);
  t.is(args.cluster, "guestbook");
});

test("what a preview does not know yet is no fault", (t) => {
  const inputs = clusterInputs({
    replicationAccount: { name: "replication", password: unknown },
    members: {
      "web-01": { ...memberInputs("web-01", 1), address: unknown },
      "web-02": { ...memberInputs("web-02", 2), host: unknown },
    },
  });
  t.deepEqual(check(inputs).failures, []);
  t.deepEqual(check({ ...inputs, members: unknown }).failures, []);
});
