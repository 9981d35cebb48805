/** SQL made by quoting, and the client that takes it on its standard input: nothing of it is in the list of processes. */

import { Shell, sh } from "../../ssh/shell";

/** A text as a literal, for a session whose sql_mode is empty. */
export function literal(text: string): string {
  const escaped = text.replace(/[\0\n\r'\\]/g, (one) => escapes[one] ?? one);
  return `'${escaped}'`;
}

const escapes: Record<string, string> = {
  "\0": "\\0",
  "\n": "\\n",
  "\r": "\\r",
  "'": "\\'",
  "\\": "\\\\",
};

export function identifier(name: string): string {
  if (!/^\w{1,64}$/.test(name)) throw new Error(`${JSON.stringify(name)} is no MySQL identifier`);
  return `\`${name}\``;
}

export function accountName(name: string, from: string): string {
  return `${literal(name)}@${literal(from)}`;
}

/**
 * Every session's start: literals mean what `literal` makes of them, no log of the server takes them down, and
 * nothing waits for the year that is MySQL's default.
 */
const sessionStart =
  "SET SESSION sql_mode = '', sql_log_off = 1, long_query_time = 31536000, lock_wait_timeout = 30";

/** Runs statements as root over the local socket; stops at the first that fails. */
export function mysql(...statements: readonly string[]): Shell {
  return client(["mysql"], statements);
}

/** As `mysql`, and goes on after a statement that fails. */
export function mysqlGoingOn(...statements: readonly string[]): Shell {
  return client(["mysql", "--force"], statements);
}

/** For what only reads: ends with status 124 where a mysqld that hangs keeps it waiting. */
export function askMysql(...statements: readonly string[]): Shell {
  return client([...answersWithin, "mysql"], statements);
}

/** As `askMysql`, and goes on after a statement that fails. */
export function askMysqlGoingOn(...statements: readonly string[]): Shell {
  return client([...answersWithin, "mysql", "--force"], statements);
}

/** A read takes milliseconds; under heavy load, seconds. */
const answersWithin = ["timeout", "--kill-after=1", "15"];

function client(command: readonly string[], statements: readonly string[]): Shell {
  const text = [sessionStart, ...statements].map((statement) => `${statement};`).join("\n");
  return new Shell(`${sh`${[...command, ...clientFlags]}`} <<'__SQL__'\n${text}\n__SQL__`);
}

const clientFlags = [
  "--user=root",
  "--batch",
  "--raw",
  "--skip-column-names",
  "--default-character-set=utf8mb4",
];
