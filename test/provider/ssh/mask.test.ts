import test from "ava";
import { mask, maskWhole } from "../../../provider/ssh/mask";

const environment = "DB_PASSWORD=hunter2-planted\nDEBUG=1\n";

const cases: [name: string, text: string, secrets: string[], masked: string][] = [
  ["a secret wherever it stands", "a s3cret b s3cret", ["s3cret"], "a [secret] b [secret]"],
  ["the longer one first", "abcdefgh", ["abcd", "abcdefgh"], "[secret]"],
  ["a line of a secret file", "bad: DB_PASSWORD=hunter2-planted!", [environment], "bad: [secret]!"],
  ["a value in a secret file", "denied for hunter2-planted", [environment], "denied for [secret]"],
  ["not a short text that is there by chance", "exit 1, DEBUG", ["1", "exi"], "exit 1, DEBUG"],
  [
    "of an address with a password that one alone",
    "guestbook at 10.0.0.11: denied for hunter2-planted",
    ['DATABASE_URL="mysql://guestbook:hunter2-planted@10.0.0.11:3306/guestbook?pool=5"\n'],
    "guestbook at 10.0.0.11: denied for [secret]",
  ],
  ["nothing twice", "abcdsecret", ["secret", "abcd"], "[secret][secret]"],
  ["nothing without secrets", "text", [], "text"],
  ["no pattern in a secret", "a.c abc", ["a.c "], "[secret]abc"],
];

for (const [name, text, secrets, masked] of cases) {
  test(`mask hides ${name}`, (t) => t.is(mask(text, secrets), masked));
}

const options = `# Written by hand
[client]
host=127.0.0.1
user=guestbook
password="hunter2-planted"
ssl-mode=REQUIRED
connect-timeout=3

[mysql]
database=guestbook
`;

const named: [name: string, text: string, secrets: string[], masked: string][] = [
  [
    "of an option file",
    "[mysql] database: no connect-timeout for hunter2-planted, database=guestbook",
    [options],
    "[mysql] database: no connect-timeout for [secret], [secret]",
  ],
  [
    "of an environment file",
    "DATABASE_PASSWORD is empty, hunter2-planted is not",
    ['DATABASE_PASSWORD="hunter2-planted"\nexport TOKENTOKEN=x\n'],
    "DATABASE_PASSWORD is empty, [secret] is not",
  ],
  [
    "of a YAML file",
    "database: no password, hunter2-planted",
    ["database:\n  password: hunter2-planted\n"],
    "database: no password, [secret]",
  ],
  [
    "of a text in JSON",
    "no database password in hunter2-planted",
    ['SERVICES="{\\"database\\":{\\"password\\":\\"hunter2-planted\\"}}"\n'],
    "no database password in [secret]",
  ],
  [
    "of a data source",
    "no password: hunter2-planted",
    ['DSN="mysql:host=db;password=hunter2-planted"\n'],
    "no password: [secret]",
  ],
];

for (const [name, text, secrets, masked] of named) {
  test(`mask shows the names of values ${name}`, (t) => t.is(mask(text, secrets), masked));
}

const alike: [name: string, text: string, secret: string][] = [
  ["one value that looks like a name with a value", "no Hunter2Planted", "Hunter2Planted=other"],
  ["the end of a text in base64", "no aHVudGVyMi1wbGFudGVk", "a\naHVudGVyMi1wbGFudGVk==\n"],
  ["a user and a password", "no hunter2-planted", "hunter2:hunter2-planted\n"],
  ["a part of a random value", "no ;Kx93ja7Q", "PASSWORD=qq;Kx93ja7Q=99\n"],
  [
    "a name where it is a value, too",
    "no hunter2-planted",
    "A=hunter2-planted\nhunter2-planted=1\n",
  ],
];

for (const [name, text, secret] of alike) {
  test(`mask hides ${name}`, (t) => t.regex(mask(text, [secret]), /^no ;?\[secret\]$/));
}

test("mask shows what is open elsewhere, but no secret as it is", (t) => {
  const open = ['QUEUE_CONNECTION="database"\nAPP=guestbook-of-all\n', "[a b c d]"];
  t.is(
    mask(
      "database guestbook-of-all [a b c d] hunter2-planted",
      ["A=database guestbook-of-all\n[a b c d]\nB=hunter2-planted\n"],
      open,
    ),
    "database guestbook-of-all [a b c d] [secret]",
  );
  t.is(mask("guestbook", ["guestbook"], ["guestbook"]), "[secret]");
});

test("a text of our own is masked only where a whole secret stands", (t) => {
  t.is(
    maskWhole("restart guestbook 1.2.3", ["NAME=guestbook\n", "1.2.3"]),
    "restart guestbook [secret]",
  );
});
