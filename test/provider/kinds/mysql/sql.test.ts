import { execFileSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { identifier, literal, mysql } from "../../../../provider/kinds/mysql/sql";

const literals = [
  ["plain", "'plain'"],
  ["it's", "'it\\'s'"],
  ["back\\slash", "'back\\\\slash'"],
  ["two\nlines\0", "'two\\nlines\\0'"],
  ["'; DROP TABLE x; -- ", "'\\'; DROP TABLE x; -- '"],
] as const;

for (const [text, is] of literals) {
  test(`${JSON.stringify(text)} becomes one literal`, (t) => t.is(literal(text), is));
}

test("a literal is one line, and ends where it should", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) =>
      /^'(?:[^'\\\n\r\0]|\\.)*'$/u.test(literal(text)),
    ),
  );
  t.pass();
});

test("an identifier is refused rather than quoted", (t) => {
  t.is(identifier("guest_book"), "`guest_book`");
  t.throws(() => identifier("a`b"), { message: '"a`b" is no MySQL identifier' });
});

test("the shell hands SQL on to the client's standard input as it is", (t) => {
  const script = mysql(`SELECT ${literal("$(id) `id` 'x' \\ \" $HOME")}`).text;
  const fake = `mysql() { printf '%s|' "$@"; cat; }\n${script}`;
  const lines = execFileSync("/bin/sh", ["-c", fake], { encoding: "utf8" }).trim().split("\n");
  t.false((lines[0] ?? "").includes("SELECT"));
  t.is(lines[1], "SELECT '$(id) `id` \\'x\\' \\\\ \" $HOME';");
});
