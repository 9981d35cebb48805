import { execFileSync } from "node:child_process";
import test from "ava";
import type { Facts } from "../../../../provider/kinds/mysql-replication/facts";
import { parseAnswer, renderQuestion } from "../../../../provider/kinds/mysql-replication/question";
import { cluster } from "../../../support/mysql-inputs";
import { freshServer, running } from "../../../support/mysql-model";

const args = cluster();
const member = args.members["web-01"] ?? missing();
const { facts } = running({ "web-01": freshServer("web-01") }, "web-01");

function missing(): never {
  throw new Error("no such member");
}

function answer(found: Facts, rest: string): string {
  return `running\n${JSON.stringify(found)}\n${rest}`;
}

test("a machine without MySQL says so", (t) => {
  t.deepEqual(parseAnswer("absent\n", args), { mysqld: "absent" });
});

test("a mysqld that does not answer is told with the client's own error", (t) => {
  const said = "silent\nmysql: [Warning] something\nERROR 2002 (HY000): Can't connect (2)\n";
  t.deepEqual(parseAnswer(said, args), {
    mysqld: "silent",
    reason: "ERROR 2002 (HY000): Can't connect (2)",
  });
});

test("accounts are found with their grants and whether they can log in", (t) => {
  const said = answer(
    facts,
    `account 0\t%
GRANT REPLICATION SLAVE ON *.* TO \`replication\`@\`%\`
GRANT BACKUP_ADMIN ON *.* TO \`replication\`@\`%\`
account 1\t10.%
account 1\t%
GRANT USAGE ON *.* TO \`app\`@\`%\`
GRANT SELECT ON \`guestbook\`.* TO \`app\`@\`%\`
logins
yes
ERROR 1045 (28000): Access denied for user 'app'@'web-01' (using password: YES)
`,
  );
  t.deepEqual(parseAnswer(said, args), {
    mysqld: "running",
    facts,
    accounts: {
      replication: {
        from: "%",
        login: "yes",
        grants: { "*.*": ["BACKUP_ADMIN", "REPLICATION SLAVE"] },
      },
      app: { from: "%", login: "denied", grants: { "guestbook.*": ["SELECT"] } },
    },
  });
});

test("an account that exists for another host alone is found there", (t) => {
  const said = answer(facts, "account 1\t10.%\nlogins\nyes\nnot tried\n");
  t.deepEqual(parseAnswer(said, args), {
    mysqld: "running",
    facts,
    accounts: { app: { from: "10.%", login: "not tried", grants: {} } },
  });
});

test("a server that has too many connections is not said to have another password", (t) => {
  const said = answer(
    facts,
    "account 1\t%\nlogins\nyes\nERROR 1040 (HY000): Too many connections\n",
  );
  t.like(parseAnswer(said, args), { accounts: { app: { login: "not tried" } } });
});

test("a password is tried from where the account may come, in each form that MySQL has for it", (t) => {
  const asks = (from: string) => {
    const accounts = { app: { password: "a-long-password", from, grants: {} } };
    return !renderQuestion(cluster({ accounts }), member).text.includes("not tried");
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
  const nasty = cluster({
    replicationAccount: { name: "replication", password: "pl@nted'\"$(id)\\one" },
    accounts: { app: { password: "pl@nted;two` #", grants: {} } },
  });
  const script = renderQuestion(nasty, member).text;
  const shell = `mysqld() { :; }
mysql() { printf '%s\\n' "argv $*" >&9; case "$*" in *defaults-file*) cat <&3 >&9 ;; *) cat >&9 ;; esac; echo '{}'; }
(
${script}
) 9>&1 >/dev/null`;
  const seen = execFileSync("/bin/sh", ["-c", shell], { encoding: "utf8" }).split("\n");
  t.false(seen.some((line) => line.startsWith("argv") && line.includes("pl@nted")));
  t.true(seen.includes(`password="pl@nted'\\"$(id)\\\\one"`));
  t.true(seen.includes('password="pl@nted;two` #"'));
});
