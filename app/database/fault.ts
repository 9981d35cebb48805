/** What an error of the database means for the application. */

/** Accounts, grants, database name: the server answers, but this program's settings are wrong. */
const refusals = new Set([1044, 1045, 1049, 1142, 1227, 1820, 3118, 3159]);
/**
 * It is not the primary, or not any more: offline, it ended the statement to hand over, its group did not take the transaction, or
 * it is to be the primary and holds statements back until it has all.
 */
const readOnly = new Set([
  ...[1290, 1317, 1836, 3032, 3098, 3100, 3101, 3168],
  ...[3781, 3782, 3783, 3796, 3797, 3798, 3799],
]);
const duplicate = 1062;
const missingTable = 1146;
/** The server stops, lost its client, or fails in the middle of a commit: it may be done or not. */
const unknownOutcomes = new Set([1053, 1158, 1159, 1160, 1161, 1180]);

/** `nobody`: no connection came about. `away`: no answer in time, and all else. */
export type Fault =
  | "refused"
  | "read-only"
  | "duplicate"
  | "missing-table"
  | "lost"
  | "nobody"
  | "away";

export function classifyFault(error: unknown): Fault {
  const number = property(error, "errno");
  const code = String(property(error, "code") ?? "");
  if (typeof number === "number") {
    if (refusals.has(number)) return "refused";
    if (readOnly.has(number)) return "read-only";
    if (number === duplicate) return "duplicate";
    if (number === missingTable) return "missing-table";
    if (unknownOutcomes.has(number)) return "lost";
  }
  // While TLS was being agreed on: another member is about to become the primary.
  if (/socket disconnected/.test(String(property(error, "message")))) return "nobody";
  // The server's TLS or way of logging in is not what the settings say.
  if (code === "HANDSHAKE_SSL_ERROR" || code === "HANDSHAKE_NO_SSL_SUPPORT") return "refused";
  if (["PROTOCOL_CONNECTION_LOST", "ECONNRESET", "EPIPE"].includes(code)) return "lost";
  if (["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"].includes(code)) return "nobody";
  return "away";
}

/** The server said that the statement failed: then it has had no effect. */
export function isAnswered(error: unknown): boolean {
  const number = property(error, "errno");
  return (
    typeof property(error, "sqlState") === "string" &&
    !(typeof number === "number" && unknownOutcomes.has(number))
  );
}

export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = property(error, "code");
  const text = error.message || "no answer";
  return typeof code === "string" && !text.includes(code) ? `${text} (${code})` : text;
}

function property(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}
