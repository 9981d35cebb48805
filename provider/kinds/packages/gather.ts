/** Requests for the same host that come within a moment are carried out as one, after those that are under way. */

import type { Host } from "../../kind";

export function gatherer<Request extends { readonly host: Host }, Answer>(
  milliseconds: number,
  carryOut: (together: readonly Request[]) => Promise<Answer>,
): (request: Request) => Promise<Answer> {
  const waiting = new Map<
    string,
    { readonly requests: Request[]; readonly done: Promise<Answer> }
  >();
  const running = new Map<string, Promise<unknown>>();
  return (request) => {
    const key = `${request.host.address}:${request.host.port}`;
    const queue = waiting.get(key);
    if (queue !== undefined) {
      queue.requests.push(request);
      return queue.done;
    }
    const requests = [request];
    const before = running.get(key)?.catch(() => undefined);
    const pause = new Promise((resolve) => setTimeout(resolve, milliseconds));
    const done = Promise.all([before, pause]).then(() => {
      waiting.delete(key);
      return carryOut(requests);
    });
    waiting.set(key, { requests, done });
    running.set(key, done);
    return done;
  };
}
