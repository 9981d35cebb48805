import test from "ava";
import { contentOf } from "../../../../provider/kinds/mysql-replication/content";
import { cluster } from "../../../support/mysql-inputs";
import { freshServer, running } from "../../../support/mysql-model";

const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

test("a primary waits for its replica, carries on after a while, or has no plugin for it", (t) => {
  const durability = (variables: Readonly<Record<string, string>>) =>
    contentOf({ mysqld: "running", facts: { ...facts, variables }, accounts: {} }, cluster())
      .durability;
  t.is(durability({ rpl_semi_sync_source_timeout: "4294967295" }), "wait-for-replica");
  t.deepEqual(durability({ rpl_semi_sync_source_timeout: "10000" }), { carryOnAfterSeconds: 10 });
  t.deepEqual(durability({}), { carryOnAfterSeconds: 0 });
});
