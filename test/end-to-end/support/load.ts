/** Constant load: requests start when their time has come, whether or not the ones before were answered. */
import { Agent, request } from "node:http";

export interface LoadArgs {
  readonly url: string;
  readonly requestsPerSecond: number;
  /** Every n-th request is a write; default: none. */
  readonly writeEvery?: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  /** What went wrong, by message, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Answers by the server that gave them. */
  readonly servers: Readonly<Record<string, number>>;
}

/** Started at once; `stop` waits for the last answers. A request fails on any error and on any status from 400. */
export function startLoad({ url, requestsPerSecond, writeEvery = 0 }: LoadArgs): {
  stop: () => Promise<LoadResult>;
} {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const failures: Record<string, number> = {};
  const servers: Record<string, number> = {};
  const open = new Set<Promise<void>>();
  const begin = Date.now();
  let sent = 0;
  let answered = 0;
  const timer = setInterval(() => {
    const due = ((Date.now() - begin) / 1000) * requestsPerSecond;
    while (sent < due) {
      sent += 1;
      const isWrite = writeEvery > 0 && sent % writeEvery === 0;
      const one = send(url, isWrite, sent, agent)
        .then((server) => {
          answered += 1;
          servers[server] = (servers[server] ?? 0) + 1;
        })
        .catch((error: Error) => {
          failures[error.message] = (failures[error.message] ?? 0) + 1;
        })
        .finally(() => open.delete(one));
      open.add(one);
    }
  }, 5);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { sent, answered, failures, servers };
    },
  };
}

function send(url: string, isWrite: boolean, number: number, agent: Agent): Promise<string> {
  const path = isWrite ? "/api/entries" : "/";
  const body = JSON.stringify({ name: "load", message: `entry ${number}` });
  const headers = isWrite ? { "content-type": "application/json" } : {};
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, url),
      { method: isWrite ? "POST" : "GET", headers, agent, timeout: 30_000 },
      (response) => {
        const status = response.statusCode ?? 0;
        response.resume();
        response.on("error", reject);
        response.on("end", () => {
          const server = String(response.headers["x-served-by"] ?? "nobody");
          if (status >= 400)
            reject(new Error(`${call.method} ${path}: status ${status} from ${server}`));
          else resolve(server);
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer within 30 seconds")));
    call.on("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`${call.method} ${path}: ${error.code ?? error.message}`)),
    );
    call.end(isWrite ? body : undefined);
  });
}
