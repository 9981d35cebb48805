/** `npm run preview:comment`: a preview as one Markdown comment, for a pull request or an issue. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { UsageError } from "../command-line";
import { type Arguments, parseArguments } from "./arguments";
import { type Comment, type CommentOptions, renderComment, renderNotRun } from "./comment";
import { noLimits, summaryLimits } from "./limits";
import { tellMonitors } from "./monitors";
import { runPreview } from "./run-preview";

/** Variables whose values are never to be shown, wherever they turn up. */
const secretVariable = /PASSPHRASE$|PASSWORD|SECRET|TOKEN|PRIVATE_KEY|ACCESS_KEY/;

async function main(args: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const chosen = parseArguments(args, environment);
  if (chosen === undefined) return 0;
  const options = {
    stack: `${readProject()}/${chosen.stack}`,
    secrets: Object.entries(environment).flatMap(([name, value]) =>
      secretVariable.test(name) && value ? [value] : [],
    ),
  };
  const { whole, report, notRun, commit } = chosen;
  const named = { ...options, ...(commit !== undefined && { commit }) };
  const shown = { ...named, ...(whole !== undefined && { whole }) };
  const preview = notRun === undefined ? await readPreview(chosen, environment) : "";
  const render = (how: Partial<CommentOptions>) =>
    notRun === undefined
      ? renderComment(preview, { ...named, ...how })
      : renderNotRun(notRun, { ...named, ...how });
  const comment = render(shown);
  if (chosen.output === undefined) process.stdout.write(comment.markdown);
  else writeFileSync(chosen.output, comment.markdown);
  if (report !== undefined) {
    writeFileSync(report, render({ limits: noLimits }).markdown);
  }
  tellWorkflow(comment, () => render({ limits: summaryLimits }));
  if (chosen.expects === "no changes" && chosen.file === undefined && comment.found) {
    await tellMonitors(chosen.stack, comment.found);
  }
  return exitStatus(comment, chosen);
}

async function readPreview({ file, stack }: Arguments, environment: NodeJS.ProcessEnv) {
  if (file === "-") return text(process.stdin);
  return file === undefined ? runPreview(stack, environment) : readFileSync(file, "utf8");
}

function readProject(): string {
  try {
    return /^name:\s*(\S+)/m.exec(readFileSync("Pulumi.yaml", "utf8"))?.[1] ?? "project";
  } catch {
    return "project";
  }
}

/** In a GitHub workflow: the report as the job's summary, and the verdict as an output of the step. */
function tellWorkflow({ verdict }: Comment, summarize: () => Comment) {
  const { GITHUB_STEP_SUMMARY, GITHUB_OUTPUT } = process.env;
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, summarize().markdown);
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, `verdict=${verdict}\n`);
}

function exitStatus({ verdict }: Comment, { expects }: Arguments): number {
  if (verdict === "failed") return 1;
  return verdict !== "none" && expects === "no changes" ? 2 : 0;
}

main(process.argv.slice(2), process.env).then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`preview-comment: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
