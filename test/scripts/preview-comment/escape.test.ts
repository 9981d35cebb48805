import test from "ava";
import fc from "fast-check";
import { code, fence, htmlCode, prose } from "../../../scripts/preview-comment/escape";

const rows: readonly (readonly [string, string])[] = [
  [
    "write /etc/haproxy/haproxy.cfg (2 lines), check it",
    "write `/etc/haproxy/haproxy.cfg` (2 lines), check it",
  ],
  ["reload haproxy (no connection dropped)", "reload haproxy (no connection dropped)"],
  ["grant SELECT on guestbook.* to guestbook", "grant SELECT on `guestbook.*` to guestbook"],
  ["@octocat fixed #1", "`@octocat` fixed `#1`"],
  [
    "see https://evil.example/x and www.evil.example",
    "see `https://evil.example/x` and `www.evil.example`",
  ],
  ["![x](https://evil.example/x.png)", "`![x](https://evil.example/x.png)`"],
  ["<b>bold</b> *a* _b_", "`<b>bold</b> *a* _b_`"],
  [":tada: GH-12 0123456789abcdef", "`:tada`: `GH-12 0123456789abcdef`"],
  ["super_read_only is off.", "`super_read_only` is off."],
  ["a|b", "<code>a&#124;b</code>"],
  ["back`tick", "<code>back&#96;tick</code>"],
];

for (const [text, expected] of rows) {
  test(`writes ${text} as prose`, (t) => t.is(prose(text), expected));
}

test("nothing in a code span can end it, the line or the cell", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const span of [code(text), htmlCode(text)]) {
        const inside = span.replace(/^(`|<code>)|(`|<\/code>)$/g, "");
        if (/[\n\r|`]/.test(inside)) return false;
        if (span.startsWith("<") && /[<>@*_[\]:$\\]/.test(inside)) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test("a fence is longer than any run of backticks in it", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("`", "``", "\n", "a", "~~~", " "), { maxLength: 60 }),
      (parts) => {
        const [first = "", ...rest] = fence("diff", parts.join("")).split("\n");
        const ticks = first.replace("diff", "");
        return rest.filter((line) => line.includes(ticks)).length === 1 && rest.at(-1) === ticks;
      },
    ),
  );
  t.pass();
});

test("what reorders or hides text is made visible", (t) => {
  t.is(
    code("a\u202eb\u200bc\r\u0000"),
    "<code>a&#92;u&#123;202e&#125;b&#92;u&#123;200b&#125;c &#92;u&#123;0&#125;</code>",
  );
  t.true(fence("diff", "a\u2066b").includes("a\\u{2066}b"));
});
