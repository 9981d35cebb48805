/** How a component refuses arguments: all faults at once, as the settings do. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { Fault } from "./expectation";
import { isRecord, record } from "./rule";

/** `LoadBalancer lb: port: expected an integer from 1 to 65535, got 0` */
export function checkArgs<const E extends v.ObjectEntries>(
  component: string,
  entries: E,
  args: object,
  /** Which of them have to agree; asked when each is good by itself. */
  checkAgreement: () => readonly Fault[] = () => [],
): void {
  const { issues } = v.safeParse(record("arguments", entries), withoutUndefined(args));
  const faults: readonly Fault[] = issues
    ? issues.map(({ path, message }) => ({ path: writePath(path), message }))
    : checkAgreement();
  if (faults.length === 0) return;
  const lines = faults.map(({ path, message }) => `${component}: ${path}: ${message}`);
  throw new pulumi.RunError(lines.join("\n"));
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

/** `hosts[1].port` */
export function writePath(path: readonly { readonly key?: unknown }[] = []): string {
  return path.reduce((sum, { key }) => {
    if (typeof key === "number") return `${sum}[${key}]`;
    return sum === "" ? String(key) : `${sum}.${String(key)}`;
  }, "");
}
