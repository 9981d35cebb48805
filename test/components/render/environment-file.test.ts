import test from "ava";
import { renderEnvironmentFile } from "../../../components/render/environment-file";

// Each was seen to arrive as it is through a real systemd.
const values: readonly (readonly [string, string])[] = [
  ["plain", '"plain"'],
  ["", '""'],
  ['a"b', '"a\\"b"'],
  ["a\\b\\", '"a\\\\b\\\\"'],
  ["$HOME $(id) $$", '"\\$HOME \\$(id) \\$\\$"'],
  ["`id`", '"\\`id\\`"'],
  ["line 1\nline 2\n", '"line 1\nline 2\n"'],
  ["  spaced  ", '"  spaced  "'],
  ["# no comment", '"# no comment"'],
  ["\\\nx", '"\\\\\nx"'],
  ["ümläut 😀", '"ümläut 😀"'],
  ["%n", '"%n"'],
];

for (const [value, quoted] of values) {
  test(`the value ${JSON.stringify(value)} is kept`, (t) => {
    t.is(renderEnvironmentFile({ A: value }), `# Written by trilithon.\nA=${quoted}\n`);
  });
}

test("the order in which variables are given makes no other file", (t) => {
  t.is(renderEnvironmentFile({ B: "2", A: "1" }), '# Written by trilithon.\nA="1"\nB="2"\n');
});

test("refuses what no variable can hold", (t) => {
  t.throws(() => renderEnvironmentFile({ A: "a\0b" }), {
    message: "a variable cannot hold a NUL character",
  });
});
