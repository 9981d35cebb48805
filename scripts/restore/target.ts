/** Up to where the database is restored, and into what. */
import { UsageError } from "../command-line";

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const ofUuid = `${uuid}(?::[1-9]\\d*(?:-[1-9]\\d*)?)+`;

/** As `trilithon-restore` takes it. A transaction alone means all before it too; a set means just what is in it. */
export function parseTarget(text: string): string {
  if (text === "latest") return text;
  // As MySQL prints it, a set has a line for each UUID.
  const set = text.replaceAll(/\s/g, "").toLowerCase();
  if (new RegExp(`^${uuid}:[1-9]\\d*$`).test(set)) return `gtid:${set}`;
  if (new RegExp(`^${ofUuid}(,${ofUuid})*$`).test(set)) return `set:${set}`;
  const expected =
    "latest, a time with its zone such as 2026-11-30T05:37:09Z, a GTID such as UUID:NUMBER, or a set of them such as UUID:1-NUMBER";
  return `time:${parseTime("--to", text, expected)}`;
}

/** Microseconds since 1970. */
export function parseTime(
  option: string,
  text: string,
  expected = "a time with its zone such as 2026-11-30T05:37:09Z",
): string {
  const [, second = "", fraction = "", zone = ""] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const milliseconds = Date.parse(`${second}${zone}`);
  if (second === "" || Number.isNaN(milliseconds)) {
    throw new UsageError(`${option}: expected ${expected}, got "${text}"`);
  }
  if (milliseconds > Date.now()) {
    throw new UsageError(`${option}: expected a time that has passed, got "${text}"`);
  }
  return String(BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, "0")));
}

export function parsePlace<Host extends { readonly name: string }>(
  text: string,
  members: readonly Host[],
): Host {
  const [, name = "", into = ""] = /^(.+):([^:]+)$/.exec(text) ?? [];
  const names = members.map((member) => member.name).join(", ");
  const host = members.find((member) => member.name === name);
  if (into !== "scratch" || host === undefined) {
    const expected = `HOST:scratch with one of ${names || "no host, as the stack has no database"}`;
    throw new UsageError(`--into: expected ${expected}, got "${text}"`);
  }
  return host;
}
