/** Keeps one comment of a pull request, or one issue, as the last preview has it. */

import { type Entry, listAll, type Repository, send } from "./github";

export interface Target {
  readonly repository: Repository;
  /** Whose entries may be edited: what somebody else wrote under the same marker is left alone. */
  readonly author: string;
}

export type Done = "made" | "edited" | "closed" | "nothing to do";

/** The first line of a rendered comment. */
export function markerOf(markdown: string): string {
  const [line = ""] = markdown.split("\n");
  if (!/^<!-- trilithon-preview: \S+ -->$/.test(line)) {
    throw new Error(`publish: expected a comment with a marker in its first line, got "${line}"`);
  }
  return line;
}

export async function publishComment(
  { repository, author }: Target,
  pullRequest: number,
  markdown: string,
): Promise<Done> {
  const marker = markerOf(markdown);
  const comments = await listAll(repository, `issues/${pullRequest}/comments`);
  const mine = comments.find((comment) => isOurs(comment, marker, author));
  if (!mine) {
    const path = `issues/${pullRequest}/comments`;
    await send(repository, { method: "POST", path, body: { body: markdown } });
    return "made";
  }
  if (mine.body === markdown) return "nothing to do";
  const path = `issues/comments/${mine.id}`;
  await send(repository, { method: "PATCH", path, body: { body: markdown } });
  return "edited";
}

export interface DriftIssue {
  readonly title: string;
  readonly markdown: string;
  /** `clean` closes the issue, where there is one. */
  readonly state: "drifted" | "clean";
}

export async function publishIssue(
  { repository, author }: Target,
  { title, markdown, state }: DriftIssue,
): Promise<Done> {
  const marker = markerOf(markdown);
  const issues = await listAll(repository, "issues?state=open");
  const mine = issues.find(
    (issue) => issue.pull_request === undefined && isOurs(issue, marker, author),
  );
  if (state === "clean") return mine ? closeIssue(repository, mine, markdown) : "nothing to do";
  if (!mine) {
    await send(repository, { method: "POST", path: "issues", body: { title, body: markdown } });
    return "made";
  }
  if (mine.body === markdown) return "nothing to do";
  const path = `issues/${mine.number}`;
  await send(repository, { method: "PATCH", path, body: { title, body: markdown } });
  return "edited";
}

async function closeIssue(repository: Repository, issue: Entry, markdown: string): Promise<Done> {
  const path = `issues/${issue.number}`;
  await send(repository, { method: "POST", path: `${path}/comments`, body: { body: markdown } });
  const body = { state: "closed", state_reason: "completed" };
  await send(repository, { method: "PATCH", path, body });
  return "closed";
}

function isOurs({ body, user }: Entry, marker: string, author: string): boolean {
  return user?.login === author && (body ?? "").replaceAll("\r", "").split("\n")[0] === marker;
}
