import test from "ava";
import {
  moveTo,
  nothing,
  parseDescription,
  withoutContents,
} from "../../../benchmark/peers/description";
import type { HostSet } from "../../../benchmark/peers/hosts";
import { withQueueTimeout } from "../../../benchmark/peers/peer-files";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

const service = (name: string, more: object) => ({
  type: "trilithon:index:Service",
  inputs: { host: { name: "web-01" }, name, files: {}, absent: [], ...more },
});

const exported = JSON.stringify({
  deployment: {
    resources: [
      { type: "pulumi:pulumi:Stack" },
      {
        type: "trilithon:index:Packages",
        inputs: { host: { name: "web-01" }, packages: { "mysql-server": "present" } },
      },
      {
        ...service("shop-assets", { root: "/srv/shop.assets", version: "abc" }),
        type: "trilithon:index:Release",
      },
      service("mysql", {
        unit: "mysql.service",
        files: {
          "/etc/my.cnf": { content: "server_id = 167772161\nbind = 10.0.0.1\n", mode: "0644" },
        },
      }),
      service("haproxy", {
        unit: "haproxy.service",
        files: {
          "/etc/h.cfg": { content: "    timeout queue 10s\n    timeout queue 11s\n", mode: "0644" },
        },
      }),
      service("asking", { unit: "asking.service", users: { asking: "/nonexistent" } }),
      {
        ...service("shop", {
          unit: "shop.service",
          root: "/srv/shop",
          version: "abc",
          files: { "/etc/secrets": { content: secret("KEY=1\n"), mode: "0600" } },
        }),
        type: "trilithon:index:Release",
      },
      {
        type: "trilithon:index:MysqlReplication",
        inputs: {
          durability: { carryOnAfterSeconds: 2 },
          replicationAccount: { name: "replication", password: secret("two") },
        },
      },
      {
        type: "trilithon:index:MysqlContent",
        inputs: {
          databases: ["shop"],
          accounts: {
            asking: { grants: { "performance_schema.*": ["SELECT"] } },
            shop: { password: secret("one"), grants: { "shop.*": ["SELECT"] } },
          },
        },
      },
    ],
  },
});

test("a stack's state says what the other tools have to describe", (t) => {
  const { hosts, release, database } = parseDescription(exported);
  t.deepEqual(hosts["web-01"]?.packages, ["mysql-server"]);
  t.deepEqual(hosts["web-01"]?.services.shop?.files, [
    { path: "/etc/secrets", content: "KEY=1\n", mode: "0600" },
  ]);
  t.deepEqual(hosts["web-01"]?.helpers, ["asking"]);
  t.deepEqual(hosts["web-01"]?.users, { asking: "/nonexistent" });
  t.deepEqual(release, { name: "shop", root: "/srv/shop", version: "abc" });
  t.deepEqual(database, {
    name: "shop",
    account: { name: "shop", password: "one" },
    privileges: ["SELECT"],
    localAccounts: [{ name: "asking", reads: "performance_schema.*" }],
    replication: { name: "replication", password: "two" },
    semiSyncTimeout: 2000,
  });
});

test("a state that was not brought up is refused", (t) => {
  const empty = JSON.stringify({ deployment: { resources: [] } });
  t.regex(t.throws(() => parseDescription(empty))?.message ?? "", /was it brought up/);
});

test("on other hosts the same stack has their addresses and server ids", (t) => {
  const moved = moveTo(parseDescription(exported), hostSet("10.0.0.1"), hostSet("10.0.0.2"));
  t.is(contentOf(moved, "mysql"), "server_id = 167772162\nbind = 10.0.0.2\n");
});

test("the one line that changes is the first of its kind", (t) => {
  const changed = withQueueTimeout(parseDescription(exported), 12);
  t.is(contentOf(changed, "haproxy"), "    timeout queue 12s\n    timeout queue 11s\n");
});

test("an inventory names files without what is in them", (t) => {
  const { hosts } = parseDescription(exported);
  const host = withoutContents(hosts["web-01"] ?? nothing);
  t.false(JSON.stringify(host).includes("KEY"));
});

function contentOf({ hosts }: ReturnType<typeof parseDescription>, name: string) {
  return hosts["web-01"]?.services[name]?.files[0]?.content;
}

function hostSet(address: string): HostSet {
  const host = { name: "web-01", address, roles: [], sshPort: 22, hostKey: "" };
  return { hosts: [host], url: "", privateKey: "", privateKeyFile: "", knownHostsFile: "" };
}
