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
    "bind-address = 127.0.0.1",
    "report_host = db-01",
    "skip-replica-start",
    "skip_slave_start = ON",
    "loose_skip_replica_start = ON",
    "rpl_semi_sync_replica_enabled = OFF",
    "binlog_format = STATEMENT",
    "binlog-ignore-db = sessions",
    "replicate_wild_ignore_table = shop.log%",
    "group_replication_start_on_boot = OFF",
    "group_replication_local_address = 10.0.0.1:33061",
    "loose-group_replication_bootstrap_group = ON",
    "group_replication_single_primary_mode = OFF",
  ]) {
    t.false(isTaken(line), line);
  }
});

test("the fault says why", (t) => {
  const told = (line: string) => v.safeParse(mysqlRawLines, [line]).issues?.[0].message;
  t.is(
    told("skip_replica_start = ON"),
    'expected a line that may be set, got "skip_replica_start = ON": leave it out, a replica that restarts follows by itself; STOP REPLICA stops one for a while',
  );
  t.is(
    told("replicate_ignore_db = a"),
    'expected a line that may be set, got "replicate_ignore_db = a": any replica may become the primary, and has to have all',
  );
});

test("all other lines are taken", (t) => {
  for (const line of [
    "long_query_time = 1",
    "plugin_load_add = x.so",
    "binlog_row_image = MINIMAL",
    "# gtid_mode",
    "[mysqld]",
  ]) {
    t.true(isTaken(line), line);
  }
});
