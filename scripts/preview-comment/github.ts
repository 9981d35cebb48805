/** The few calls to GitHub's REST API that a comment or an issue needs. */

import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";

export interface Repository {
  /** `https://api.github.com` */
  readonly api: string;
  /** `owner/name` */
  readonly name: string;
  readonly token: string;
  /** How long a failed call waits before it is made again. Default 2 seconds. */
  readonly retrySeconds?: number;
}

const userSchema = v.nullish(v.looseObject({ login: v.string() }));

const entrySchema = v.looseObject({
  id: v.number(),
  number: v.optional(v.number()),
  body: v.nullish(v.string()),
  user: userSchema,
  pull_request: v.optional(v.unknown()),
});

/** A comment or an issue. */
export type Entry = v.InferOutput<typeof entrySchema>;

const perPage = 100;
const attempts = 4;

/** All pages of a list. */
export async function listAll(repository: Repository, path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let page = 1; ; page += 1) {
    const joint = path.includes("?") ? "&" : "?";
    const answer = await call(repository, {
      method: "GET",
      path: `${path}${joint}per_page=${perPage}&page=${page}`,
    });
    const found = v.parse(v.array(entrySchema), answer);
    entries.push(...found);
    if (found.length < perPage) return entries;
  }
}

export interface Request {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below the repository: `issues/12/comments`. */
  readonly path: string;
  readonly body?: object;
}

export async function send(repository: Repository, request: Request): Promise<Entry> {
  return v.parse(entrySchema, await call(repository, request));
}

/** A call that is refused for a while, or fails on the server's side, is made again. */
async function call(repository: Repository, request: Request): Promise<unknown> {
  const url = `${repository.api}/repos/${repository.name}/${request.path}`;
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(url, {
      method: request.method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${repository.token}`,
        "content-type": "application/json",
        "x-github-api-version": "2022-11-28",
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(30_000),
    });
    if (response.ok) return response.json();
    const text = (await response.text()).slice(0, 500);
    const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
    // A POST that failed on the server's side may have been done.
    const isTransient = response.status >= 500 && request.method !== "POST";
    const mayRetry = isTransient || response.status === 429 || !Number.isNaN(retryAfter);
    if (!mayRetry || attempt === attempts) {
      throw new Error(`github: ${request.method} ${request.path}: ${response.status}: ${text}`);
    }
    const seconds = Number.isNaN(retryAfter) ? (repository.retrySeconds ?? 2) : retryAfter;
    await sleep(Math.min(seconds, 60) * 1_000);
  }
}
