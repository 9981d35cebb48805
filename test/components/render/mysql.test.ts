import test from "ava";
import { bufferPoolMegabytes, renderMysql } from "../../../components/render/mysql";
import {
  renderMysqlCertificates,
  renderMysqlCertificatesDropIn,
} from "../../../components/render/mysql-certificates";
import { isGolden } from "./golden";

const config = {
  topology: "pair" as const,
  address: "172.31.64.21",
  bufferPoolMegabytes: 256,
  maxConnections: 200,
  requirePrimaryKeys: true,
  trustsCreators: false,
  rawLines: [],
};

test("renders the configuration of a member", (t) => {
  isGolden(t, "zz-trilithon.cnf", renderMysql(config));
});

test("renders the configuration of a group's member", (t) => {
  isGolden(t, "zz-trilithon-group.cnf", renderMysql({ ...config, topology: "group" }));
});

test("renders where a member of a pair has its certificate, and how it takes in another one", (t) => {
  isGolden(t, "zz-trilithon-certificates.cnf", renderMysqlCertificates());
  isGolden(t, "trilithon-certificates.conf", renderMysqlCertificatesDropIn());
});

test("tables without a primary key, and functions and triggers, are let through by setting", (t) => {
  const text = renderMysql({ ...config, requirePrimaryKeys: false, trustsCreators: true });
  t.regex(text, /^sql_require_primary_key = OFF$/m);
  t.regex(text, /^log_bin_trust_function_creators = ON$/m);
});

test("raw lines stand last", (t) => {
  const text = renderMysql({ ...config, rawLines: ["long_query_time = 1"] });
  t.is(text, `${renderMysql(config)}long_query_time = 1\n`);
});

test("the highest address makes a server id that MySQL takes", (t) => {
  t.regex(renderMysql({ ...config, address: "255.255.255.254" }), /^server_id = 4294967294$/m);
});

test("the buffer pool is a share of the memory in whole chunks", (t) => {
  t.deepEqual(
    [
      [512, 25],
      [1024, 25],
      [1000, 60],
      [65536, 50],
    ].map(([memory = 0, percent = 0]) => bufferPoolMegabytes(memory, percent)),
    [128, 256, 512, 32768],
  );
});
