/** How a stack is, as `npm run status -- --json` prints it: all that the screen shows is in it. */
import * as v from "valibot";

const text = v.string();
const time = v.pipe(v.string(), v.isoTimestamp());

/** `fault`: as `npm run verify` judges it. `unknown`: a host that it needs was not reached. */
const check = v.strictObject({
  /** `null`: it is about the stack. */
  host: v.nullable(text),
  name: text,
  state: v.picklist(["well", "fault", "unknown"]),
  seen: text,
  lines: v.array(text),
  expected: text,
  remedy: text,
});

const host = v.strictObject({
  name: text,
  roles: v.array(text),
  /** Nothing is asked of one that the settings call `away`. */
  state: v.picklist(["reached", "not reached", "away"]),
  /** Why it was not reached. */
  reason: v.nullable(text),
});

const server = v.strictObject({
  host: text,
  state: v.picklist(["up", "drained", "down", "maintenance", "away"]),
  /** HAProxy's own word, such as `UP 1/2`; empty for one that is away. */
  haproxy: text,
});

const balancer = v.strictObject({
  host: text,
  application: text,
  /** Empty where the load balancer does not tell: `reason` says why. */
  servers: v.array(server),
  reason: v.nullable(text),
});

const release = v.strictObject({
  application: text,
  host: text,
  /** Empty where no version is live. `null`: it is not known. */
  version: v.nullable(text),
  since: v.nullable(time),
  reason: v.nullable(text),
});

const member = v.strictObject({
  host: text,
  role: v.picklist(["primary", "replica", "unknown"]),
  /** `open` is a primary. `follows`: receives what the primary writes, and applies it. */
  state: v.picklist(["open", "follows", "does not follow", "unknown"]),
  /** How old the transaction is that it applies; 0 where none waits. `null` for a primary, and where nothing is applied. */
  lagSeconds: v.nullable(v.number()),
  reason: v.nullable(text),
});

const certificate = v.strictObject({
  /** The name that visitors ask for, or the host whose MySQL shows it. */
  name: text,
  /** Where it was shown: a URL, or `mysql`. */
  at: text,
  ends: v.nullable(time),
  days: v.nullable(v.number()),
  reason: v.nullable(text),
});

export const statusSchema = v.strictObject({
  stack: text,
  url: text,
  at: time,
  /**
   * `fault`: a check fails, a host is not reached, a load balancer sends a web server nothing, not one host alone has the shared
   * address or takes writes, or a certificate has ended. `unknown`: no host was reached.
   */
  state: v.picklist(["well", "fault", "unknown"]),
  hosts: v.array(host),
  /** `null` where load balancers share none. `address` is `null` where a command leads visitors to the one in charge. */
  shared: v.nullable(v.strictObject({ address: v.nullable(text), holders: v.array(text) })),
  loadBalancers: v.array(balancer),
  releases: v.array(release),
  /** `null` where the stack has no database. `primary`: the one member that takes writes. */
  database: v.nullable(
    v.strictObject({ name: text, primary: v.nullable(text), members: v.array(member) }),
  ),
  certificates: v.array(certificate),
  checks: v.array(check),
});

export type Status = v.InferOutput<typeof statusSchema>;

/** Whether a load balancer sends it nothing, though it is not away. */
export function isLeftOut({ state }: Status["loadBalancers"][number]["servers"][number]): boolean {
  return state !== "up" && state !== "away";
}
