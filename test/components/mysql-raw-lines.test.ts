import test from "ava";
import * as v from "valibot";
import { mysqlRawLines } from "../../components/mysql-raw-lines";

const isTaken = (line: string) => v.safeParse(mysqlRawLines, [line]).success;

test("lines by which the cluster could no longer be seen or led are refused, however they are written", (t) => {
  for (const line of [
    "performance_schema = OFF",
    "performance-schema=0",
    "  loose_performance_schema=OFF",
    "skip-performance-schema",
    "skip_grant_tables",
    "skip-networking",
    "skip-log-bin",
    "disable_log_bin",
    "gtid_mode=OFF",
    "super_read_only = OFF",
    "READ_ONLY=0",
    "log_slave_updates = OFF",
    "plugin-load = clone.so",
    "loose-group_replication_bootstrap_group = ON",
    "group_replication_single_primary_mode = OFF",
  ]) {
    t.false(isTaken(line), line);
  }
});

test("all other lines are taken", (t) => {
  for (const line of ["long_query_time = 1", "plugin_load_add = x.so", "# gtid_mode", "[mysqld]"]) {
    t.true(isTaken(line), line);
  }
});
