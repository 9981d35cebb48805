/** Visitors of a page on this machine, who ask with the domain as browsers do. */
import { type IncomingHttpHeaders, request } from "node:http";
import { buffer } from "node:stream/consumers";
import type { ExecutionContext } from "ava";

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Uint8Array;
}

export interface Site {
  /** Default 127.0.0.1. */
  readonly address?: string;
  readonly port: number;
  readonly domain: string;
  /** With each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** On a connection of its own. (`fetch` sends no `Host` but the address's.) */
export function ask(
  { address = "127.0.0.1", port, domain, headers: all = {} }: Site,
  path: string,
  { method = "GET", headers = {}, body }: Question = {},
): Promise<Answer> {
  const own = { host: domain, ...all, ...headers };
  return new Promise((resolve, reject) => {
    const options = { host: address, port, path, method, headers: own, agent: false };
    const call = request(options, (response) => {
      const { statusCode: status = 0, headers } = response;
      buffer(response).then(
        (bytes) => resolve({ status, headers, body: bytes.toString(), bytes }),
        reject,
      );
    });
    call.on("error", reject);
    call.end(body);
  });
}

const visitors = 2;

/** Asks for pages, one after the other, until it is told to stop: two visitors at a time. */
export function visit(site: Site, paths: readonly string[]) {
  const failures: string[] = [];
  let [count, isOver] = [0, false];
  const one = async () => {
    for (let at = 0; !isOver; at += 1) {
      const path = paths[at % paths.length] ?? "/";
      try {
        const { status } = await ask(site, path);
        if (status !== 200) failures.push(`${path}: ${status}`);
      } catch (error) {
        failures.push(`${path}: ${error}`);
      }
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const running = Promise.all(Array.from({ length: visitors }, one));
  return async () => {
    isOver = true;
    await running;
    return { count, failures };
  };
}

/**
 * Nobody gets anything but pages meanwhile. `isCutOff`: a process ends by itself, and what it was asked at that moment, once by each
 * visitor, is not asked again (docs/web-path.md).
 */
export async function underVisits(
  t: ExecutionContext,
  site: Site,
  paths: readonly string[],
  work: () => Promise<void>,
  { isCutOff = false } = {},
): Promise<void> {
  const stop = visit(site, paths);
  try {
    await work();
  } finally {
    const { count, failures } = await stop();
    const cutOff = failures.filter((failure) => failure.endsWith(": 502"));
    t.log(`${count} pages${isCutOff ? `, ${cutOff.length} cut off` : ""}`);
    t.true(count > 20);
    if (isCutOff) t.true(cutOff.length <= visitors);
    t.deepEqual(isCutOff ? failures.filter((one) => !cutOff.includes(one)) : failures, []);
  }
}

export async function eventually(
  t: ExecutionContext,
  isTrue: () => Promise<boolean>,
  what: string,
): Promise<unknown> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await isTrue()) return t.pass();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return t.fail(what);
}
