import test from "ava";
import { quoteWord, renderApplicationUnit } from "../../../components/render/application-unit";
import { isGolden } from "./golden";

test("renders the unit of an application", (t) => {
  const text = renderApplicationUnit({
    name: "guestbook",
    root: "/srv/guestbook",
    start: ["node", "server.js"],
    environmentFiles: ["/etc/guestbook/environment", "/etc/guestbook/secrets"],
    stopSeconds: 30,
  });
  isGolden(t, "guestbook.service", text);
});

// Each was seen to arrive as it is through a real systemd.
const words: readonly (readonly [string, string])[] = [
  ["node", "node"],
  ["--port=80", "--port=80"],
  ["a b", '"a b"'],
  ["", '""'],
  ["$HOME", "$$HOME"],
  ["%n", "%%n"],
  ['q"x\\', '"q\\"x\\\\"'],
  ["it's", '"it\'s"'],
  [";", '";"'],
];

for (const [word, quoted] of words) {
  test(`the word ${JSON.stringify(word)} stays one word`, (t) => {
    t.is(quoteWord(word), quoted);
  });
}
