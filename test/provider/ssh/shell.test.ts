import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import fc from "fast-check";
import { lines, quote, Shell, sh } from "../../../provider/ssh/shell";

const nastyWords = [
  "",
  " ",
  "plain",
  "two words",
  "it's",
  "'",
  "''",
  "'\\''",
  '"double"',
  "$HOME",
  "$(id)",
  ["$", "{x}"].join(""),
  "`id`",
  "\\",
  "\\n",
  "back\\",
  "new\nline",
  "\n",
  "ends with newlines\n\n",
  "tab\there",
  "carriage\rreturn",
  "*",
  "?",
  "[a-z]",
  "{a,b}",
  "~",
  "~root",
  "#comment",
  "!history",
  "a=b",
  "-n",
  "--",
  "-e x",
  "%s",
  "%%d",
  "a;b",
  "a&b",
  "a|b",
  "<in",
  ">out",
  "(sub)",
  "ünïcödé ✓ 日本語 🦀",
  "\u0001\u001b[31m\u007f",
  "EOF",
];

async function wordsSeenBySh(command: Shell): Promise<string[]> {
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command.text], {
    encoding: "buffer",
  });
  return stdout.toString("utf8").split("\0").slice(0, -1);
}

test("nasty words arrive as they are", async (t) => {
  t.deepEqual(await wordsSeenBySh(sh`printf '%s\0' ${nastyWords}`), nastyWords);
});

test("each nasty word is one word", async (t) => {
  const commands = nastyWords.map((word) => sh`printf '%s\0' x${word}y ${word}; printf '\n\0'`);
  const seen = await wordsSeenBySh(lines(...commands));
  t.deepEqual(
    seen,
    nastyWords.flatMap((word) => [`x${word}y`, word, "\n"]),
  );
});

test("any words arrive as they are", async (t) => {
  const word = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", ""));
  const [samples = []] = fc.sample(fc.array(word, { minLength: 300, maxLength: 300 }), 1);
  t.deepEqual(await wordsSeenBySh(sh`printf '%s\0' ${samples}`), samples);
});

test("a nested command stands as it is, also in a list", (t) => {
  t.is(
    sh`if ${sh`test -e ${"a b"}`}; then ${[sh`echo`, "x y", 1]}; fi`.text,
    "if test -e 'a b'; then echo 'x y' 1; fi",
  );
});

test("backslashes are the shell's, save before a backtick and before a placeholder", (t) => {
  const expected = ["printf '\\n' `x` \"$", '{y}" "$z"'].join("");
  t.is(sh`printf '\n' \`x\` "\${y}" "$z"`.text, expected);
});

test("lines leaves out what does not apply", (t) => {
  t.is(lines(sh`a`, false, undefined, sh`b`).text, "a\nb");
});

test("a word that needs no quotes has none", (t) => {
  t.is(quote("/etc/nginx/nginx.conf"), "/etc/nginx/nginx.conf");
  t.is(quote(""), "''");
});

test("a word with a NUL is refused", (t) => {
  t.throws(() => sh`echo ${"a\0b"}`, { message: "a shell word cannot hold a NUL character" });
});

test("a Shell prints as its text", (t) => {
  t.is(String(new Shell("echo")), "echo");
});
