/** How a component refuses arguments: all faults at once, as the settings do. */
import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type Fault, unexpected } from "./expectation";
import { isLater, isRecord, record } from "./rule";

export interface ArgsCheck<E extends v.ObjectEntries> {
  /** `LoadBalancer lb` */
  readonly component: string;
  readonly entries: E;
  /**
   * What has to be known before the program runs, as it names resources and paths, or says which there are: `servers`,
   * `servers.host.name`. Other values may be outputs.
   */
  readonly plain: readonly string[];
}

/**
 * `LoadBalancer lb: port: expected an integer from 1 to 65535, got 0`. What is an output is left for `whenKnown`.
 * `checkAgreement` tells which arguments have to agree; it is asked when each is good by itself.
 */
export function checkArgs<const E extends v.ObjectEntries>(
  { component, entries, plain }: ArgsCheck<E>,
  args: object,
  checkAgreement: () => readonly Fault[] = () => [],
): void {
  const { issues = [] } = v.safeParse(record("arguments", entries), withoutUndefined(args));
  const told = issues.filter(({ path = [] }) => {
    const later = path.findIndex(({ value }) => isLater(value));
    return later < 0 || plain.includes(keysOf(path.slice(0, later + 1)));
  });
  const faults: readonly Fault[] =
    told.length > 0
      ? told.map(({ path, message }) => ({ path: writePath(path), message }))
      : checkAgreement();
  refuse(component, faults);
}

/** One error with a line for each fault; none without faults. */
export function refuse(component: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const lines = faults.map(({ path, message }) => `${component}: ${path}: ${message}`);
  throw new ArgumentsRefused(lines.join("\n"));
}

/**
 * Pulumi hangs the promise of an output on the error that it ended with, and prints an error with all that hangs on it:
 * that is the program's whole graph, which took 3.6 GB and 16 seconds for one load balancer.
 */
class ArgumentsRefused extends pulumi.RunError {
  [inspect.custom](): string {
    return this.stack ?? this.message;
  }
}

export type Known<T> = { readonly [K in keyof T]: pulumi.Output<pulumi.Unwrap<T[K]>> };

/** Arguments as outputs, each checked when it is known; one that a preview does not know yet hides no other. */
export function whenKnown<T extends object>(
  { component, entries }: ArgsCheck<v.ObjectEntries>,
  args: T,
): Known<T> {
  const outputs = Object.entries(args).map(([name, value]) => {
    const entry = entries[name];
    const check = entry && { component, entries: { [name]: entry }, plain: [] };
    const output = pulumi.output(value).apply((known: unknown) => {
      if (check) checkArgs(check, { [name]: known });
      return known;
    });
    return [name, output] as const;
  });
  // Object.entries forgets which value has which name.
  return Object.fromEntries(outputs) as Known<T>;
}

/** Each name once in a list. */
export function checkUnique(
  path: string,
  expected: string,
  items: readonly { readonly name: string }[],
  key = "",
): readonly Fault[] {
  const names = items.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [{ path: `${path}[${index}]${key}`, message: unexpected(expected, name) }],
  );
}

/** What is not given may also be given as `undefined`. */
function withoutUndefined(values: object): object {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [key, isPlain(value) ? withoutUndefined(value) : value]),
  );
}

function isPlain(value: unknown): value is object {
  return isRecord(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** `hosts.port` */
function keysOf(path: readonly { readonly key?: unknown }[]): string {
  return path
    .map(({ key }) => key)
    .filter((key) => typeof key !== "number")
    .join(".");
}

/** `hosts[1].port` */
export function writePath(path: readonly { readonly key?: unknown }[] = []): string {
  return path.reduce((sum, { key }) => {
    if (typeof key === "number") return `${sum}[${key}]`;
    return sum === "" ? String(key) : `${sum}.${String(key)}`;
  }, "");
}
