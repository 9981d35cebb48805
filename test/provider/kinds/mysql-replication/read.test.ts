import test from "ava";
import { observe } from "../../../../provider/kinds/mysql-replication/read";
import { cluster } from "../../../support/mysql-inputs";
import { freshServer, running } from "../../../support/mysql-model";

const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

test("a primary waits for its replica, carries on after a while, or waits for nothing", (t) => {
  const durability = (change: Readonly<Record<string, string>>) => {
    const variables = { ...facts.variables, ...change };
    const found = { ...facts, variables, cluster: "guestbook", superReadOnly: 0 };
    const answers = { "web-01": { mysqld: "running" as const, facts: found, accounts: {} } };
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
