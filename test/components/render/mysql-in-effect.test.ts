import test from "ava";
import {
  renderMysqlConfigurationCommand,
  renderMysqlOverrides,
} from "../../../components/render/mysql-in-effect";

const config = {
  topology: "pair" as const,
  address: "10.0.0.1",
  bufferPoolMegabytes: 128,
  maxConnections: 200,
  requirePrimaryKeys: true,
  trustsCreators: false,
  rawLines: [],
};

const wanted = (more: object = {}) => {
  const { find, reset } = renderMysqlOverrides({ ...config, ...more });
  const rows = (words: readonly string[]) =>
    new Map(
      [...words.join(" ").matchAll(/ROW\('(\w+)', '([\w/.-]+)'\)/g)].map(
        ([, name = "", value = ""]) => [name, value] as const,
      ),
    );
  return { find: rows(find), reset: rows(reset) };
};

test("what the file says is what is looked for and put back, as the server shows it", (t) => {
  const { find, reset } = wanted();
  t.deepEqual(find, reset);
  t.is(find.get("max_connections"), "200");
  t.is(find.get("sql_require_primary_key"), "ON");
  t.is(find.get("log_bin_trust_function_creators"), "OFF");
  t.is(find.get("ssl_cert"), "/etc/mysql/trilithon/server.pem");
  t.is(find.get("clone_ssl_ca"), "/etc/mysql/trilithon/authority.pem");
  const other = wanted({ requirePrimaryKeys: false, trustsCreators: true }).find;
  t.is(other.get("sql_require_primary_key"), "OFF");
  t.is(other.get("log_bin_trust_function_creators"), "ON");
});

test("what the user's own lines set is not put back to the stack's value", (t) => {
  const rawLines = ["sync_binlog = 0", "  max-connections=1000"];
  const { find } = wanted({ rawLines });
  t.false(find.has("sync_binlog") || find.has("max_connections"));
  t.true(find.has("replica_net_timeout"));
});

test("what shows the cluster's leader, and what the stack's file sets, is told elsewhere", (t) => {
  const command = renderMysqlConfigurationCommand("pair").join(" ");
  for (const name of ["gtid\\_%", "rpl\\_semi\\_sync\\_%", "%read\\_only"]) {
    t.true(command.includes(`NOT LIKE '${name}'`), name);
  }
  // Of a stack whose certificates MySQL made itself they are noted already: they stay where they are.
  const noted = ["ssl_ca", "ssl_cert", "ssl_key", "clone_ssl_ca"];
  const names = [...wanted().find.keys()].filter((name) => !noted.includes(name));
  for (const name of names) t.true(command.includes(`'${name}'`), name);
});

test("of a group's member its timeouts and its exit are looked for as well", (t) => {
  const { find } = wanted({ topology: "group" });
  t.is(find.get("group_replication_exit_state_action"), "OFFLINE_MODE");
  t.is(find.get("group_replication_unreachable_majority_timeout"), "60");
  t.false([...find.keys()].some((name) => name.includes("group_name")));
  const told = renderMysqlConfigurationCommand("group").join(" ");
  // Which group it is in, and where that is, is told by the kind that leads it.
  t.regex(told, /NOT LIKE 'group\\_replication\\_group\\_%'/);
  t.regex(told, /'group_replication_consistency'/);
});
