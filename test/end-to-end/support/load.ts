/** Constant load: requests start when their time has come, whether or not the ones before were answered. */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";

export interface LoadArgs {
  readonly url: string;
  readonly requestsPerSecond: number;
  /** Every n-th request is a write; default: none. */
  readonly writeEvery?: number;
  /** Sent as `Host`. Default: where the URL leads. */
  readonly domain?: string;
  /** Over TLS: whom to trust, and the name of the site. */
  readonly tls?: { readonly ca: string; readonly servername: string };
}

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  readonly writes: number;
  /** What went wrong, by message, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Answers by the server that gave them. */
  readonly servers: Readonly<Record<string, number>>;
  /** Sent once more, as browsers do it: the idle connection was closed before the request could reach anybody. */
  readonly repeated: number;
  readonly slowestMilliseconds: number;
}

export interface Load {
  /** Answers by the server that gave them, until now. */
  readonly servers: Readonly<Record<string, number>>;
  /** Waits for the last answers. */
  stop(): Promise<LoadResult>;
}

/** Below HAProxy's `timeout http-keep-alive` of 10 s: who closes an idle connection first must be the client. */
const idleSeconds = 4;
const answerSeconds = 60;

/** Started at once. A request fails on any error and on any status from 400. */
export function startLoad(args: LoadArgs): Load {
  const { url, requestsPerSecond, writeEvery = 0, domain, tls } = args;
  const options = { keepAlive: true, timeout: idleSeconds * 1000 };
  const agent = tls === undefined ? new Agent(options) : new TlsAgent({ ...options, ...tls });
  const count = { sent: 0, answered: 0, writes: 0, repeated: 0, slowestMilliseconds: 0 };
  const failures: Record<string, number> = {};
  const servers: Record<string, number> = {};
  const open = new Set<Promise<void>>();
  const begin = performance.now();
  const sendNext = (): void => {
    count.sent += 1;
    const isWrite = writeEvery > 0 && count.sent % writeEvery === 0;
    if (isWrite) count.writes += 1;
    const sentAt = performance.now();
    const onRepeat = () => count.repeated++;
    const one = send({ url, domain, isWrite, number: count.sent, agent, onRepeat })
      .then((server) => {
        count.answered += 1;
        servers[server] = (servers[server] ?? 0) + 1;
      })
      .catch((error: Error) => {
        failures[error.message] = (failures[error.message] ?? 0) + 1;
      })
      .finally(() => {
        open.delete(one);
        const took = Math.round(performance.now() - sentAt);
        count.slowestMilliseconds = Math.max(count.slowestMilliseconds, took);
      });
    open.add(one);
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - begin) / 1000) * requestsPerSecond;
    while (count.sent < due) sendNext();
  }, 5);
  return {
    servers,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { ...count, failures, servers };
    },
  };
}

interface Sending {
  readonly url: string;
  readonly domain: string | undefined;
  readonly isWrite: boolean;
  readonly number: number;
  readonly agent: Agent;
  readonly onRepeat: () => void;
}

/** Answers which server it was. */
async function send(sending: Sending): Promise<string> {
  for (;;) {
    const { call, answered } = exchange(sending);
    try {
      return await answered;
    } catch (error) {
      if (!(error instanceof HungUp) || !call.reusedSocket) throw error;
      sending.onRepeat();
    }
  }
}

/** The connection ended before any byte of an answer. */
class HungUp extends Error {}

function exchange({ url, domain, isWrite, number, agent }: Sending): {
  readonly call: ClientRequest;
  readonly answered: Promise<string>;
} {
  const [method, path] = isWrite ? ["POST", "/api/entries"] : ["GET", "/"];
  const body = isWrite ? JSON.stringify({ name: "load", message: `entry ${number}` }) : undefined;
  const headers = {
    ...(isWrite && { "content-type": "application/json" }),
    ...(domain !== undefined && { host: domain }),
  };
  const start = url.startsWith("https:") ? tlsRequest : request;
  const call = start(new URL(path, url), { method, headers, agent });
  const answered = new Promise<string>((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`${method} ${path}: ${reason}`));
    const late = setTimeout(() => {
      fail(`no answer within ${answerSeconds} seconds`);
      call.destroy();
    }, answerSeconds * 1000);
    call.on("close", () => clearTimeout(late));
    call.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code ?? error.message;
      if (["ECONNRESET", "EPIPE"].includes(reason))
        reject(new HungUp(`${method} ${path}: ${reason}`));
      else fail(reason);
    });
    call.on("response", (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      const server = String(response.headers["x-served-by"] ?? "nobody");
      let said = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        said = `${said}${part}`.slice(0, 1000);
      });
      response.on("error", (error) => fail(`cut off: ${error.message}`));
      response.on("end", () => {
        if (status < 400) return resolve(server);
        const [, why = ""] = /"error":("(?:[^"\\]|\\.)*")/.exec(said) ?? [];
        fail(`status ${status} from ${server} ${why}`.trim());
      });
    });
    call.end(body);
  });
  return { call, answered };
}
