import { execFileSync } from "node:child_process";
import test from "ava";
import { shaCrypt } from "../../../../provider/kinds/mysql/password-hash";
import type { Facts } from "../../../../provider/kinds/mysql/probe";
import { parseAnswer, renderProbe } from "../../../../provider/kinds/mysql/probe";
import { freshServer, running } from "../../../support/mysql-model";

const asked = [
  { name: "replication", from: "%", password: "of replication" },
  { name: "app", from: "%", password: "of app" },
];
const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

function answer(found: Facts, rest: string): string {
  return `running\n${JSON.stringify(found)}\n${rest}`;
}

test("a machine without MySQL says so", (t) => {
  t.deepEqual(parseAnswer("absent\n", asked), { mysqld: "absent" });
  t.deepEqual(parseAnswer("absent\nempty\n", asked), { mysqld: "absent", isEmpty: true });
});

test("a mysqld that does not answer is told with the client's own error", (t) => {
  const said = "silent\nmysql: [Warning] something\nERROR 2002 (HY000): Can't connect (2)\n";
  t.deepEqual(parseAnswer(said, asked), {
    mysqld: "silent",
    reason: "ERROR 2002 (HY000): Can't connect (2)",
  });
});

/** As MySQL keeps a password, in hexadecimal digits. */
function kept(password: string): string {
  const salt = "twenty bytes of salt";
  return Buffer.from(`$A$001$${salt}${shaCrypt(password, Buffer.from(salt), 1000)}`).toString(
    "hex",
  );
}

test("accounts are found with their grants and whether they can log in", (t) => {
  const said = answer(
    facts,
    `account 0\t%\t0\t0\tcaching_sha2_password\t${kept("of replication")}\topen
GRANT REPLICATION SLAVE ON *.* TO \`replication\`@\`%\`
GRANT BACKUP_ADMIN ON *.* TO \`replication\`@\`%\`
account 1\t10.%\t0\t0\tcaching_sha2_password\t${kept("of app")}\topen
account 1\t%\t180\t1\tcaching_sha2_password\t${kept("another")}\topen
GRANT USAGE ON *.* TO \`app\`@\`%\`
GRANT SELECT ON \`guestbook\`.* TO \`app\`@\`%\`
`,
  );
  t.deepEqual(parseAnswer(said, asked), {
    mysqld: "running",
    facts,
    accounts: {
      replication: {
        from: "%",
        login: "yes",
        grants: { "*.*": ["BACKUP_ADMIN", "REPLICATION SLAVE"] },
        maxConnections: 0,
        hasFormerPassword: false,
        plugin: "caching_sha2_password",
      },
      app: {
        from: "%",
        login: "denied",
        grants: { "guestbook.*": ["SELECT"] },
        maxConnections: 180,
        hasFormerPassword: true,
        plugin: "caching_sha2_password",
      },
    },
    hosts: {
      replication: [{ from: "%", login: "yes", hasFormerPassword: false }],
      app: [
        { from: "10.%", login: "yes", hasFormerPassword: false },
        { from: "%", login: "denied", hasFormerPassword: true },
      ],
    },
  });
});

test("an account that exists for another host alone is found there", (t) => {
  const said = answer(facts, "account 1\t10.%\t0\t0\tauth_socket\t\topen\n");
  t.like(parseAnswer(said, asked), {
    accounts: {
      app: {
        from: "10.%",
        login: "denied",
        grants: {},
        maxConnections: 0,
        hasFormerPassword: false,
        plugin: "auth_socket",
      },
    },
  });
});

test("of several host parts each is its own account, and none is taken for another", (t) => {
  const both = ["10.0.0.1", "10.0.0.2"].map((from) => ({
    ...{ key: `app@${from}`, name: "app", from, password: "of app" },
  }));
  const said = answer(
    facts,
    `account 0\t%\t0\t0\tcaching_sha2_password\t${kept("of app")}\topen
account 0\t10.0.0.2\t90\t0\tcaching_sha2_password\t${kept("of app")}\tshut
account 1\t10.0.0.2\t90\t0\tcaching_sha2_password\t${kept("of app")}\tshut
GRANT SELECT ON \`guestbook\`.* TO \`app\`@\`10.0.0.2\`
`,
  );
  const found = parseAnswer(said, both);
  const accounts = found.mysqld === "running" ? found.accounts : {};
  t.deepEqual(Object.keys(accounts), ["app@10.0.0.2"]);
  t.like(accounts["app@10.0.0.2"], {
    ...{ from: "10.0.0.2", login: "denied", grants: { "guestbook.*": ["SELECT"] } },
  });
});

test("a password that MySQL keeps in another way is not said to be another one", (t) => {
  const said = answer(facts, "account 1\t%\t0\t0\tmysql_native_password\t2A30\topen\n");
  t.like(parseAnswer(said, asked), { accounts: { app: { login: "not known" } } });
});

test("the question is good POSIX shell, and keeps every password off the list of processes", (t) => {
  const replicationPassword = `pl@nted'"$(id)\\one`;
  const accounts = [
    { name: "replication", password: replicationPassword, from: "%" },
    { name: "app", password: "pl@nted;two` #", from: "%" },
  ];
  const script = renderProbe({ accounts, replicationPassword }).text;
  const shell = `mysqld() { :; }
timeout() { shift 2; "$@"; }
mysql() { printf '%s\\n' "argv $*" >&9; cat >&9; echo '{}'; }
(
${script}
) 9>&1 >/dev/null`;
  const seen = execFileSync("/bin/sh", ["-c", shell], { encoding: "utf8" }).split("\n");
  t.false(seen.some((line) => line.startsWith("argv") && line.includes("pl@nted")));
  // An account's password stays where it is: it is compared with what the server keeps of it.
  t.false(seen.some((line) => line.includes("pl@nted;two")));
  t.true(seen.some((line) => line.includes("pl@nted")));
});

test("a mysqld that hangs costs its own question some seconds, and is told as such", (t) => {
  const script = renderProbe({ accounts: [] }).text;
  const shell = `mysqld() { :; }
mysql() { :; }
timeout() { return 124; }
${script}`;
  const said = execFileSync("/bin/sh", ["-c", shell], { encoding: "utf8" });
  t.deepEqual(parseAnswer(said, []), {
    mysqld: "silent",
    reason: "ERROR: mysqld took the question and did not answer in time",
  });
});
