import test from "ava";
import { diffTexts } from "../../../scripts/preview-comment/text-diff";

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`);

test("shows a changed line with three lines around it", (t) => {
  const old = numbered(300).join("");
  const { lines, added, removed } = diffTexts(old, old.replace("line 150\n", "line 150 changed\n"));
  t.deepEqual([added, removed], [1, 1]);
  t.deepEqual(lines, [
    "@@ -147,7 +147,7 @@",
    " line 147",
    " line 148",
    " line 149",
    "-line 150",
    "+line 150 changed",
    " line 151",
    " line 152",
    " line 153",
  ]);
});

test("shows a changed comment in a YAML document", (t) => {
  t.true(diffTexts("# old\na: 1\n", "# new\na: 1\n").lines.includes("-# old"));
});

test("tells a missing end of line", (t) => {
  t.true(diffTexts("a\nb", "a\nb\n").lines.includes("\\ No newline at end of file"));
});

test("shows a new file as added lines, and an empty one as nothing", (t) => {
  t.deepEqual(diffTexts(undefined, "a\nb\n").lines, ["+a", "+b"]);
  t.deepEqual(diffTexts("a\n", undefined).lines, ["-a"]);
  t.deepEqual(diffTexts(undefined, "").lines, []);
});

test("gives two texts with nothing in common as a whole, in reasonable time", (t) => {
  const { added, removed } = diffTexts(
    numbered(20_000).join(""),
    numbered(20_000).join("").replaceAll("line", "row"),
  );
  t.deepEqual([added, removed], [20_000, 20_000]);
});
