/** How a component refuses arguments: all faults at once, as the settings do. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { isRecord, record } from "./rule";

/** Checks those arguments that are plain values: `LoadBalancer lb: port: expected an integer from 1 to 65535, got 0`. */
export function checkArgs<const E extends v.ObjectEntries>(
  component: string,
  entries: E,
  args: object,
): void {
  const named = Object.entries(args).filter(([key]) => key in entries);
  const plain = withoutOutputs(Object.fromEntries(named));
  const { issues } = v.safeParse(record("arguments", entries), plain);
  if (issues === undefined) return;
  const faults = issues.map((issue) => `${component}: ${writePath(issue.path)}: ${issue.message}`);
  throw new pulumi.RunError(faults.join("\n"));
}

/** What is not known yet is checked by the plugin when it is. */
function withoutOutputs(values: object): object {
  const known = Object.entries(values).filter(
    ([, value]) =>
      value !== undefined && !pulumi.Output.isInstance(value) && !(value instanceof Promise),
  );
  return Object.fromEntries(
    known.map(([key, value]) => [key, isRecord(value) ? withoutOutputs(value) : value]),
  );
}

/** `hosts[1].port` */
export function writePath(path: readonly { readonly key?: unknown }[] = []): string {
  return path.reduce((sum, { key }) => {
    if (typeof key === "number") return `${sum}[${key}]`;
    return sum === "" ? String(key) : `${sum}.${String(key)}`;
  }, "");
}
