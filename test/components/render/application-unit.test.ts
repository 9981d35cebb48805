import test from "ava";
import {
  quoteWord,
  renderApplicationUnit,
  renderCommandUnit,
} from "../../../components/render/application-unit";
import { describePhpFpm, renderPhpFpm } from "../../../components/render/php-fpm";
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

test("renders the unit of PHP-FPM", (t) => {
  const text = renderApplicationUnit({
    name: "blog",
    root: "/srv/blog",
    environmentFiles: ["/etc/blog/environment", "/etc/blog/secrets"],
    stopSeconds: 30,
    ...describePhpFpm({
      ...{ name: "blog", version: "8.4", configurationFile: "/etc/blog/php-fpm.conf" },
    }),
  });
  isGolden(t, "blog.service", text);
});

test("renders the configuration of PHP-FPM", (t) => {
  const text = renderPhpFpm({
    ...{ name: "blog", socket: "/run/blog/php-fpm.sock", children: 20, memoryMegabytes: 256 },
    ...{ uploadLimitMegabytes: 10, stopSeconds: 30, ini: { "date.timezone": "Europe/Berlin" } },
  });
  isGolden(t, "php-fpm.conf", text);
});

test("the release command's unit is confined like the application's", (t) => {
  const text = renderCommandUnit({
    name: "guestbook",
    process: "release command",
    folder: "/srv/guestbook/releases/1",
    command: ["bin/migrate", "--all"],
  });
  t.true(text.includes("\nType=oneshot\nUser=guestbook\n"));
  t.true(text.includes("\nExecStart=/srv/guestbook/releases/1/bin/migrate --all\n"));
  const application = renderApplicationUnit({
    ...{ name: "guestbook", root: "/srv/guestbook", start: ["x"] },
    ...{ environmentFiles: [], stopSeconds: 1 },
  });
  const confinement = (unit: string) => /# What it may write to[^[]*/.exec(unit)?.[0].trim();
  t.is(confinement(text), confinement(application));
  t.regex(confinement(text) ?? "", /NoNewPrivileges=yes/);
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
