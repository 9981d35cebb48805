import { execFileSync } from "node:child_process";
import test from "ava";
import type { Facts } from "../../../../provider/kinds/mysql/probe";
import { parseAnswer, renderProbe } from "../../../../provider/kinds/mysql/probe";
import { cluster } from "../../../support/mysql-inputs";
import { freshServer, running } from "../../../support/mysql-model";

const member = cluster().members["web-01"] ?? missing();
const asked = [
  { name: "replication", from: "%", password: "of replication" },
  { name: "app", from: "%", password: "of app" },
];
const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

function missing(): never {
  throw new Error("no such member");
}

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

test("accounts are found with their grants and whether they can log in", (t) => {
  const said = answer(
    facts,
    `account 0\t%\t0\t0\tcaching_sha2_password
GRANT REPLICATION SLAVE ON *.* TO \`replication\`@\`%\`
GRANT BACKUP_ADMIN ON *.* TO \`replication\`@\`%\`
account 1\t10.%\t0\t0\tcaching_sha2_password
account 1\t%\t180\t1\tcaching_sha2_password
GRANT USAGE ON *.* TO \`app\`@\`%\`
GRANT SELECT ON \`guestbook\`.* TO \`app\`@\`%\`
logins
yes
ERROR 1045 (28000): Access denied for user 'app'@'web-01' (using password: YES)
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
  });
});

test("an account that exists for another host alone is found there", (t) => {
  const said = answer(facts, "account 1\t10.%\t0\t0\tauth_socket\nlogins\nyes\nnot tried\n");
  t.deepEqual(parseAnswer(said, asked), {
    mysqld: "running",
    facts,
    accounts: {
      app: {
        from: "10.%",
        login: "not tried",
        grants: {},
        maxConnections: 0,
        hasFormerPassword: false,
        plugin: "auth_socket",
      },
    },
  });
});

test("a server that has too many connections is not said to have another password", (t) => {
  const said = answer(
    facts,
    "account 1\t%\t0\t0\nlogins\nyes\nERROR 1040 (HY000): Too many connections\n",
  );
  t.like(parseAnswer(said, asked), { accounts: { app: { login: "not tried" } } });
});

test("a password is tried from where the account may come, in each form that MySQL has for it", (t) => {
  const asks = (from: string) => {
    const accounts = [{ name: "app", password: "a-long-password", from }];
    return !renderProbe({ member, accounts }).text.includes("not tried");
  };
  const { address } = member;
  const [first] = address.split(".");
  for (const from of ["%", address, `${first}.%`, `${first}.0.0.0/8`, `${first}.0.0.0/255.0.0.0`]) {
    t.true(asks(from), from);
  }
  for (const from of ["web-09", "9.%", "9.0.0.0/8", "9.0.0.0/255.0.0.0", "9.0.0.0/99", "a/b"]) {
    t.false(asks(from), from);
  }
});

test("the question is good POSIX shell, and keeps every password off the list of processes", (t) => {
  const replicationPassword = `pl@nted'"$(id)\\one`;
  const accounts = [
    { name: "replication", password: replicationPassword, from: "%" },
    { name: "app", password: "pl@nted;two` #", from: "%" },
  ];
  const script = renderProbe({ member, accounts, replicationPassword }).text;
  const shell = `mysqld() { :; }
timeout() { shift 2; "$@"; }
mysql() { printf '%s\\n' "argv $*" >&9; case "$*" in *defaults-file*) cat <&3 >&9 ;; *) cat >&9 ;; esac; echo '{}'; }
(
${script}
) 9>&1 >/dev/null`;
  const seen = execFileSync("/bin/sh", ["-c", shell], { encoding: "utf8" }).split("\n");
  t.false(seen.some((line) => line.startsWith("argv") && line.includes("pl@nted")));
  t.true(seen.includes(`password="pl@nted'\\"$(id)\\\\one"`));
  t.true(seen.includes('password="pl@nted;two` #"'));
});

test("a mysqld that hangs costs its own question some seconds, and is told as such", (t) => {
  const script = renderProbe({ member, accounts: [] }).text;
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
