/** As much of GitHub's REST API as posting needs, on loopback. */

import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

export interface Stored {
  readonly id: number;
  readonly number: number;
  readonly user: { readonly login: string };
  body: string;
  title?: string;
  state?: string;
  readonly pull_request?: object;
}

export interface GithubServer {
  readonly api: string;
  readonly comments: Stored[];
  readonly issues: Stored[];
  /** `GET /repos/acme/web/issues/7/comments?per_page=100&page=1` */
  readonly calls: string[];
  /** Statuses to answer the next calls with; 200 is an empty list. */
  readonly failures: number[];
  stop(): void;
}

export async function startGithub(): Promise<GithubServer> {
  const github = { comments: [], issues: [], calls: [], failures: [] };
  const state: Omit<GithubServer, "api" | "stop"> = github;
  const server = createServer(async (request, response) => {
    state.calls.push(`${request.method} ${request.url}`);
    const failure = state.failures.shift();
    const isKnown = request.headers.authorization === "Bearer the-token";
    const isAnswered = failure === undefined && isKnown;
    const body = isAnswered ? answer(state, request, await text(request)) : undefined;
    const status = failure ?? (isKnown ? (body === undefined ? 404 : 200) : 401);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? (failure === 200 ? [] : { message: "no" })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  const api = `http://127.0.0.1:${address.port}`;
  return { ...state, api, stop: () => server.close() };
}

type State = Omit<GithubServer, "api" | "stop">;

function answer(state: State, { method, url = "" }: IncomingMessage, sent: string): unknown {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const path = pathname.replace("/repos/acme/web/", "");
  const fields = sent === "" ? {} : JSON.parse(sent);
  const list = path.endsWith("comments") ? state.comments : state.issues;
  if (method === "GET") {
    const size = Number(searchParams.get("per_page"));
    const start = (Number(searchParams.get("page")) - 1) * size;
    const wanted = searchParams.get("state");
    return list
      .filter((entry) => wanted === null || entry.state === wanted)
      .slice(start, start + size);
  }
  if (method === "POST") {
    const entry = stored(list.length + 1, "github-actions[bot]", fields.body);
    list.push({ ...entry, ...fields, state: "open" });
    return list.at(-1);
  }
  const id = Number(path.split("/").at(-1));
  const entries = path.startsWith("issues/comments/") ? state.comments : state.issues;
  const entry = entries.find((one) => one.id === id);
  return entry && Object.assign(entry, fields);
}

export function stored(id: number, login: string, body: string): Stored {
  return { id, number: id, user: { login }, body };
}
