import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { check } from "../../../../provider/kinds/mysql-group/args";
import { mysqlGroup } from "../../../../provider/kinds/mysql-group/kind";
import { unknown } from "../../../../provider/protocol/values";
import { group, groupInputs } from "../../../support/mysql-inputs";

const faults: { more: Properties; is: string }[] = [
  {
    more: { primary: "node-09" },
    is: 'primary: expected one of node-01, node-02, node-03, got "node-09"',
  },
  {
    more: { primary: "node-02", away: ["node-02"] },
    is: 'primary: expected a member that is not away, got "node-02"',
  },
  {
    more: { away: ["node-01", "node-02", "node-03"] },
    is: "away: expected one member or more that is not away",
  },
  {
    more: { discardDataOn: ["node-09"] },
    is: 'discardDataOn: expected one of node-01, node-02, node-03, got "node-09"',
  },
  {
    more: { away: ["node-09"] },
    is: 'away: expected one of node-01, node-02, node-03, got "node-09"',
  },
  {
    more: { members: groupInputs({}, 10).members ?? {} },
    is: "members: expected 9 members at most, got 10",
  },
  { more: { durability: "wait-for-replica" }, is: "durability: no such property" },
];

for (const { more, is } of faults) {
  test(`a fault is told: ${is}`, (t) => {
    const { failures } = check(groupInputs(more));
    t.deepEqual(
      failures.map(({ property, reason }) => `${property}: ${reason}`),
      [is],
    );
  });
}

test("defaults are filled in, and a cluster keeps the name that it was made with", (t) => {
  const { args } = check(groupInputs(), { cluster: "former" });
  t.like(args, { cluster: "former", primary: "", away: [], discardDataOn: [] });
});

test("what the engine hands back is taken as it is", (t) => {
  const { args } = check(groupInputs());
  t.deepEqual(check(args).failures, []);
  t.deepEqual(check(args).args, args);
});

test("what a preview does not know is no fault", (t) => {
  for (const key of ["members", "primary", "replicationAccount"]) {
    t.deepEqual(check(groupInputs({ [key]: unknown })).failures, [], key);
  }
});

test("it does not live on a host that is away", (t) => {
  const desired = group({ away: ["node-02"] });
  t.deepEqual(
    mysqlGroup.hosts(desired).map(({ name }) => name),
    ["node-01", "node-03"],
  );
});
