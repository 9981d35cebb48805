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

test("a text of our own is masked only where a whole secret stands", (t) => {
  t.is(
    maskWhole("restart guestbook 1.2.3", ["NAME=guestbook\n", "1.2.3"]),
    "restart guestbook [secret]",
  );
});
