/** Which load balancer answers at an address, asked all the time. */
import { request } from "node:http";
import type { ExecutionContext } from "ava";

export interface Answers {
  /** Who answered the requests in the order in which they were sent: each name again only after another one had answered. */
  readonly turns: readonly string[];
  readonly failed: number;
  readonly answered: number;
}

const requestsPerSecond = 50;
/** Long enough for a connection to be tried again: what is refused or cut fails, what waits for a move does not. */
const answerMilliseconds = 5000;

/** HAProxy tells its host's name in this header, by a line of the stack's settings. */
export const balancerHeader = "x-balancer";

/** Each request over a connection of its own, whether or not the former ones are answered. */
export function watchBalancers(t: ExecutionContext, url: string): { stop(): Promise<Answers> } {
  const begin = performance.now();
  const asked: Promise<string | undefined>[] = [];
  const timer = setInterval(() => {
    const due = ((performance.now() - begin) / 1000) * requestsPerSecond;
    while (asked.length < due) asked.push(ask(url));
  }, 5);
  t.teardown(() => clearInterval(timer));
  return {
    stop: async () => {
      clearInterval(timer);
      const answers = await Promise.all(asked);
      const names = answers.filter((name) => name !== undefined);
      return {
        turns: names.filter((name, index) => name !== names[index - 1]),
        failed: answers.length - names.length,
        answered: names.length,
      };
    },
  };
}

/** The name of the load balancer; nothing where there was no page. */
export function ask(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { host: "www.foobar.com" };
    const call = request(url, { agent: false, headers }, (response) => {
      const { statusCode = 500, headers } = response;
      const by = statusCode < 400 ? String(headers[balancerHeader]) : undefined;
      response.resume();
      response.on("end", () => resolve(by)).on("error", () => resolve(undefined));
    });
    const late = setTimeout(() => call.destroy(), answerMilliseconds);
    call.on("close", () => clearTimeout(late)).on("error", () => resolve(undefined));
    call.end();
  });
}
