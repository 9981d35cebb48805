/**
 * Recorded previews and the comments that they give. Recorded with the plugin on three hosts: all but `binary`,
 * `data-at-risk`, `failure-with-secrets` and `machine-replaced`, which were written in the same form.
 * `UPDATE_GOLDEN=1 npx ava test/scripts/preview-comment/comment.test.ts` writes the comments anew.
 */

import { writeFileSync } from "node:fs";
import test from "ava";
import { renderComment, renderNotRun } from "../../../scripts/preview-comment/comment";
import { commentLimits, noLimits } from "../../../scripts/preview-comment/limits";
import { goldenPath, readGolden, readPreviews } from "./golden";

const options = { stack: "trilithon/dev" };

for (const [name, preview] of readPreviews()) {
  test(`renders ${name} as in its golden file`, (t) => {
    const { markdown } = renderComment(preview, options);
    const golden = goldenPath(`${name}.md`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, markdown);
    t.is(markdown, readGolden(`${name}.md`));
    t.true(Buffer.byteLength(markdown) < 60_000);
  });
}

function previewOf(name: string): string {
  return readPreviews().get(name) ?? "";
}

function linesOf(markdown: string): string[] {
  return markdown.trimEnd().split("\n");
}

test("says that nothing changes in one line below the marker", (t) => {
  const { markdown, verdict } = renderComment(previewOf("nothing"), options);
  t.is(verdict, "none");
  t.deepEqual(linesOf(markdown), [
    "<!-- trilithon-preview: trilithon/dev -->",
    "**`trilithon/dev`: no changes.** The machines are as the program says.",
  ]);
});

test("shows one changed line of a long file in fewer than 15 lines of diff", (t) => {
  const { markdown } = renderComment(previewOf("one-line"), options);
  const fenced = /```diff\n([\s\S]*?)\n```/.exec(markdown)?.[1] ?? "";
  t.true(fenced.split("\n").length < 15);
  t.true(fenced.includes("-    timeout client 30s\n+    timeout client 60s"));
  t.true(markdown.includes("Reloads haproxy on lb-01."));
});

test("names what restarts in its first line", (t) => {
  const { markdown } = renderComment(previewOf("database-restart"), options);
  t.is(
    linesOf(markdown)[1],
    "**`trilithon/dev`: 1 to update on 1 host.** Restarts **mysql** on web-01.",
  );
  t.true(markdown.includes("> - **Database restart:** mysql on web-01 is away for a moment."));
});

test("tells a machine that did not answer from one that changes", (t) => {
  const { markdown } = renderComment(previewOf("unreachable"), options);
  t.true(linesOf(markdown)[1]?.includes("Not checked, since unreachable: web-02."));
  t.false(markdown.includes("| web-02 |"));
});

test("finds no changes where a machine did not answer, but does not call it clean", (t) => {
  const { markdown, verdict } = renderComment(previewOf("unreachable-only"), options);
  t.is(verdict, "unchecked");
  t.is(
    linesOf(markdown)[1],
    "**`trilithon/dev`: no changes found.** Not checked, since unreachable: web-02.",
  );
});

test("says first why a preview failed", (t) => {
  const { markdown, verdict } = renderComment(previewOf("failure"), options);
  t.is(verdict, "failed");
  t.is(linesOf(markdown)[3], "```text");
  t.true(linesOf(markdown)[5]?.includes("expected an integer from 1 to 65535, got 99999"));
});

test("names the stack that was asked for where the preview named none", (t) => {
  const { markdown, verdict } = renderComment(previewOf("no-stack"), { stack: "trilithon/nope" });
  t.is(verdict, "failed");
  t.true(markdown.startsWith("<!-- trilithon-preview: trilithon/nope -->\n"));
  t.true(markdown.includes("error: no stack named 'nope' found"));
});

test("a preview that said nothing at all is a failure", (t) => {
  t.is(renderComment("", options).verdict, "failed");
});

test("an expectation of no changes that was not met is no failure", (t) => {
  const complaint = "error: no changes were expected for preview but changes were proposed\n";
  t.is(renderComment(`${previewOf("one-line")}${complaint}`, options).verdict, "changes");
});

test("finds the preview among what wrappers print", (t) => {
  const noise = `> trilithon@0.1.0 pulumi\n> {}\n\n${previewOf("one-line")}\nnpm notice {x}\n`;
  const { markdown } = renderComment(noise, options);
  t.true(markdown.includes("1 to update on 1 host"));
});

test("leaves out what is too much, says so, and keeps it in the report", (t) => {
  const preview = previewOf("many-resources");
  const whole = "[here](https://example.com/run/1)";
  const { markdown } = renderComment(preview, { ...options, whole });
  t.regex(markdown, /\*\*Left out here.*: \d+ rows and \d+ parts\.\*\* Whole report: \[here\]/);
  const report = renderComment(preview, { ...options, limits: noLimits }).markdown;
  t.is(report.match(/^\| (lb|web)-0\d \|/gm)?.length, 303);
  t.is(report.match(/^<details>$/gm)?.length, report.match(/^<\/details>$/gm)?.length);
  t.false(report.includes("Left out"));
});

test("a line without end is cut, and not in the report", (t) => {
  const long = "x".repeat(200_000);
  const preview = previewOf("one-line").replaceAll("timeout client 60s", long);
  const { markdown } = renderComment(preview, options);
  t.true(Buffer.byteLength(markdown) < commentLimits.bytes);
  t.true(markdown.includes("more characters)"));
  t.true(renderComment(preview, { ...options, limits: noLimits }).markdown.includes(long));
});

test("shows no known secret, wherever it stands", (t) => {
  const preview = previewOf("one-line").replaceAll("timeout client 60s", "pass phrase of mine");
  const { markdown } = renderComment(preview, { ...options, secrets: ["phrase of mine"] });
  t.true(markdown.includes("pass [masked]"));
});

test("names the commit that the preview is of", (t) => {
  const commit = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
  const { markdown } = renderComment(previewOf("nothing"), { ...options, commit });
  t.is(
    linesOf(markdown)[1],
    "**`trilithon/dev` at `0a1b2c3`: no changes.** The machines are as the program says.",
  );
});

test("says of a commit whose job was cancelled or got no runner that nothing is known of it", (t) => {
  const commit = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
  const whole = "[the run](https://example.com/run/1)";
  const { markdown, verdict } = renderNotRun("cancelled", { ...options, commit, whole });
  t.is(verdict, "failed");
  t.deepEqual(linesOf(markdown), [
    "<!-- trilithon-preview: trilithon/dev -->",
    "**`trilithon/dev` at `0a1b2c3`: not previewed.** The job that makes the preview was cancelled, ran out of its time, " +
      "or got no runner. What it would change on the machines is not known, and nothing was changed. Run the job again. " +
      "Whole report: [the run](https://example.com/run/1).",
  ]);
});

test("what a program or another plugin says is shown, though it looks like a plan", (t) => {
  const said = "lb-01: write /etc/haproxy/haproxy.cfg (1 line) [change]";
  const digest = JSON.parse(previewOf("one-line"));
  const line = { urn: digest.diagnostics[0].urn, message: said, severity: "info" };
  const changed = { ...digest, diagnostics: [...digest.diagnostics, line] };
  const { markdown } = renderComment(JSON.stringify(changed), options);
  t.true(markdown.includes(`<summary>messages</summary>`), markdown);
  t.is(markdown.split(said).length, 2, "and the plan itself is not repeated there");
});

test("what the plan touches is told from its data, not from its words", (t) => {
  const preview = previewOf("one-line").replaceAll(
    "reload haproxy (no connection dropped)",
    "the words do not matter",
  );
  const { markdown } = renderComment(preview, options);
  t.true(markdown.includes("Reloads haproxy on lb-01."));
});
