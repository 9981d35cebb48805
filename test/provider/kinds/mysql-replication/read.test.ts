import test from "ava";
import { withNewNames } from "../../../../provider/kinds/mysql/new-names";
import { observe } from "../../../../provider/kinds/mysql-replication/read";
import { cluster } from "../../../support/mysql-inputs";
import { freshServer, noAccounts, running } from "../../../support/mysql-model";

const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

test("a primary waits for its replica, carries on after a while, or waits for nothing", (t) => {
  const durability = (change: Readonly<Record<string, string>>) => {
    const variables = { ...facts.variables, ...change };
    const found = { ...facts, variables, cluster: "guestbook", superReadOnly: 0 };
    const answers = { "web-01": { mysqld: "running" as const, facts: found, ...noAccounts } };
    return observe({ ...answers, "web-02": freshServer("web-02") }, cluster())?.durability;
  };
  const on = { rpl_semi_sync_source_enabled: "ON" };
  t.is(durability({ ...on, rpl_semi_sync_source_timeout: "4294967295" }), "wait-for-replica");
  t.deepEqual(durability({ ...on, rpl_semi_sync_source_timeout: "10000" }), {
    carryOnAfterSeconds: 10,
  });
  t.deepEqual(durability({ rpl_semi_sync_source_timeout: "4294967295" }), {
    carryOnAfterSeconds: 0,
  });
  t.deepEqual(durability({ ...on, rpl_semi_sync_source_wait_point: "AFTER_COMMIT" }), {
    carryOnAfterSeconds: 0,
  });
});

test("a member that is reached where one of another name was is that one", (t) => {
  const recorded = cluster();
  const { "web-01": first, "web-02": second } = recorded.members;
  if (first === undefined || second === undefined) return t.fail();
  const desired = {
    ...recorded,
    members: { "app-01": first, "web-02": second },
    primary: "app-01",
  };
  const known = withNewNames(recorded, desired);
  t.deepEqual(known.members, desired.members);
  t.is(known.primary, "app-01");
  // What was read of both names, as before an update.
  const both = { ...recorded, members: { ...recorded.members, ...desired.members } };
  t.deepEqual(withNewNames(both, desired), known);
  const elsewhere = {
    ...desired,
    members: { ...desired.members, "app-01": { ...first, port: 3307 } },
  };
  t.is(withNewNames(recorded, elsewhere), recorded);
});
