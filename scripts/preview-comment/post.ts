/** Posts a rendered comment to GitHub: `post.ts comment --pull-request 12 --file comment.md`. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Done, publishComment, publishIssue, type Target } from "./publish";

const usage = `post.ts comment --file FILE --pull-request NUMBER [--author LOGIN]
post.ts issue --file FILE --title TEXT --state drifted|clean [--author LOGIN]

Makes the comment or the issue, or edits the one that was made before. \`clean\` closes the issue.
Environment: GITHUB_REPOSITORY, GITHUB_TOKEN, GITHUB_API_URL.
`;

async function main(args: string[], environment: NodeJS.ProcessEnv): Promise<Done> {
  const text = { type: "string" } as const;
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { file: text, "pull-request": text, title: text, state: text, author: text },
  });
  const target: Target = {
    repository: {
      api: environment.GITHUB_API_URL ?? "https://api.github.com",
      name: required("GITHUB_REPOSITORY", environment.GITHUB_REPOSITORY),
      token: required("GITHUB_TOKEN", environment.GITHUB_TOKEN),
    },
    author: values.author ?? "github-actions[bot]",
  };
  const markdown = readFileSync(required("--file", values.file), "utf8");
  switch (positionals[0]) {
    case "comment":
      return publishComment(target, pullRequestNumber(values["pull-request"]), markdown);
    case "issue": {
      const title = required("--title", values.title);
      return publishIssue(target, { title, markdown, state: issueState(values.state) });
    }
    default:
      throw new Error(`expected comment or issue, got "${positionals[0] ?? ""}"\n${usage}`);
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new Error(`${name}: expected a value, got none`);
  return value;
}

function pullRequestNumber(value: string | undefined): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--pull-request: expected a number, got "${value ?? ""}"`);
}

function issueState(value: string | undefined): "drifted" | "clean" {
  if (value === "drifted" || value === "clean") return value;
  throw new Error(`--state: expected drifted or clean, got "${value ?? ""}"`);
}

main(process.argv.slice(2), process.env).then(
  (done) => process.stdout.write(`${done}\n`),
  (error: Error) => {
    process.stderr.write(`post: ${error.message}\n`);
    process.exitCode = 1;
  },
);
