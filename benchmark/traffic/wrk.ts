/** Requests per second, out of what wrk prints. An answer that is no success, or a connection that failed, is an error. */
export function parseRate(said: string): number {
  const bad = /^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*[1-9].*)$/m.exec(said)?.[1];
  if (bad !== undefined) throw new Error(`wrk: ${bad}`);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(said)?.[1]);
  if (!(rate > 0)) throw new Error(`wrk: expected requests per second, got: ${said}`);
  return rate;
}
