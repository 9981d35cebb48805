import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { startGithub } from "./github-server";
import { goldenPath, readGolden } from "./golden";

const run = promisify(execFile);
const program = (name: string) => ["--import=tsx", join("scripts", "preview-comment", name)];

function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), "preview-comment-"));
  t.teardown(() => rmSync(made, { recursive: true }));
  return made;
}

test("writes comment, report, job summary and verdict from a recorded preview", async (t) => {
  const at = folder(t);
  const [output, report] = [join(at, "comment.md"), join(at, "report.md")];
  const [summary, outputs] = [join(at, "summary"), join(at, "outputs")];
  const args = ["--file", goldenPath("one-line.json"), "--output", output, "--report", report];
  const env = { ...process.env, GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: outputs };
  await run(process.execPath, [...program("cli.ts"), ...args], { env });
  t.is(readFileSync(output, "utf8"), readGolden("one-line.md"));
  t.is(readFileSync(report, "utf8"), readGolden("one-line.md"));
  t.is(readFileSync(summary, "utf8"), readGolden("one-line.md"));
  t.is(readFileSync(outputs, "utf8"), "verdict=changes\n");
});

test("reads standard input, and ends with 2 where no changes were expected", async (t) => {
  const args = [...program("cli.ts"), "--file", "-", "--expect-no-changes"];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(readGolden("drift.json"));
  const status = new Promise((resolve) => child.on("close", resolve));
  t.is(await text(child.stdout), readGolden("drift.md"));
  t.is(await status, 2);
});

test("runs the preview, and comments on one that failed", async (t) => {
  const at = folder(t);
  const fake = join(at, "pulumi");
  writeFileSync(
    fake,
    '#!/bin/sh\necho "$@"\necho "error: passphrase planted-in-env" >&2\nexit 255\n',
  );
  chmodSync(fake, 0o755);
  const env = {
    ...process.env,
    PATH: `${at}:${process.env.PATH}`,
    PULUMI_BACKEND_URL: "file:///nowhere",
    PULUMI_CONFIG_PASSPHRASE: "planted-in-env",
  };
  const failure = await t.throwsAsync<Error & { code: number; stdout: string }>(
    run(process.execPath, [...program("cli.ts"), "--stack", "production"], { env }),
  );
  t.is(failure?.code, 1);
  t.is(
    failure?.stdout,
    [
      "<!-- trilithon-preview: trilithon/production -->",
      "**`trilithon/production`: the preview failed.** Nothing was changed.",
      "",
      "```text",
      "preview --json --non-interactive --stack production",
      "",
      "error: passphrase [masked]",
      "",
      "preview: exit 255",
      "```",
      "",
    ].join("\n"),
  );
});

test("in a workflow that is not told where the state is, nothing is previewed", async (t) => {
  const env = {
    ...process.env,
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: "",
    GITHUB_OUTPUT: "",
    PULUMI_BACKEND_URL: "",
    PULUMI_ACCESS_TOKEN: "",
  };
  const failure = await t.throwsAsync<Error & { code: number; stdout: string }>(
    run(process.execPath, [...program("cli.ts"), "--stack", "production"], { env }),
  );
  t.is(failure?.code, 1);
  t.regex(failure?.stdout ?? "", /the preview failed\.\*\* Nothing was changed/);
  t.regex(failure?.stdout ?? "", /set one of the repository's secrets PULUMI_BACKEND_URL/);
});

test("posts a comment file", async (t) => {
  const github = await startGithub();
  t.teardown(github.stop);
  const args = ["comment", "--pull-request", "7", "--file", goldenPath("drift.md")];
  const env = {
    ...process.env,
    GITHUB_API_URL: github.api,
    GITHUB_REPOSITORY: "acme/web",
    GITHUB_TOKEN: "the-token",
  };
  const { stdout } = await run(process.execPath, [...program("post.ts"), ...args], { env });
  t.is(stdout, "made\n");
  t.is(github.comments[0]?.body, readGolden("drift.md"));
});

test("says what is missing before it calls anything", async (t) => {
  const args = [...program("post.ts"), "comment", "--pull-request", "x", "--file", "package.json"];
  const env = { ...process.env, GITHUB_REPOSITORY: "acme/web", GITHUB_TOKEN: "" };
  const failure = await t.throwsAsync<Error & { stderr: string }>(
    run(process.execPath, args, { env }),
  );
  t.is(failure?.stderr, "post: GITHUB_TOKEN: expected a value, got none\n");
});

test("writes a comment on a job that did not run, and refuses an unknown result of one", async (t) => {
  const output = join(folder(t), "comment.md");
  const args = ["--stack", "dev", "--commit", "0a1b2c3d", "--output", output, "--not-run"];
  const ended = await t.throwsAsync(
    run(process.execPath, [...program("cli.ts"), ...args, "cancelled"]),
  );
  t.like(ended, { code: 1, stderr: "" });
  t.regex(readFileSync(output, "utf8"), /`trilithon\/dev` at `0a1b2c3`: not previewed\./);
  const refused = await t.throwsAsync(
    run(process.execPath, [...program("cli.ts"), ...args, "tired"]),
  );
  t.regex(refused?.message ?? "", /--not-run: expected one of cancelled, .*, got "tired"/);
});
