/** Asks a member for the accounts that are expected, their grants and their passwords, and reads the answer. */

import { BlockList, isIPv4 } from "node:net";
import { Shell, sh } from "../../ssh/shell";
import { type Grants, parseGrants } from "./grants";
import type { Member } from "./members";
import { accountName, literal } from "./sql";

export interface AccountFacts {
  /** The expected host part, or another one where only that exists. */
  readonly from: string;
  readonly login: "yes" | "denied" | "not tried";
  readonly grants: Grants;
  /** How many connections it may have at once; 0: as many as the server takes. */
  readonly maxConnections: number;
  /** Whether a former password is good as well. */
  readonly hasFormerPassword: boolean;
  /** MySQL's plugin by which it logs in: `caching_sha2_password`, `auth_socket`, or `auth_socket of another` system user. */
  readonly plugin: string;
}

export interface AskedAccount {
  readonly name: string;
  readonly from: string;
  /** None: nobody logs in as it over the network. */
  readonly password?: string;
}

/**
 * `account 0`, the host part, the limit of connections, whether there is a former password and the plugin, for each host
 * part that there is; then the grants of the expected one.
 */
export function renderGrantsQuestion({ name, from }: AskedAccount, index: number): string {
  return `SELECT 'account ${index}', Host, max_user_connections, COALESCE(JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password'), 0), IF(plugin = 'auth_socket' AND authentication_string <> '', 'auth_socket of another', plugin)
  FROM mysql.user WHERE User = ${literal(name)};
SHOW GRANTS FOR ${accountName(name, from)}`;
}

export function parseAccount(
  index: number,
  from: string,
  shown: readonly string[],
): Omit<AccountFacts, "login"> | undefined {
  const own = `account ${index}\t`;
  const rows = shown
    .filter((line) => line.startsWith(own))
    .map((line) => line.slice(own.length).split("\t"));
  const [host, limit = "0", former = "0", plugin = ""] =
    rows.find((row) => row[0] === from) ?? rows[0] ?? [];
  if (host === undefined) return undefined;
  const found = {
    from: host,
    maxConnections: Number(limit),
    hasFormerPassword: former === "1",
    plugin,
  };
  if (host !== from) return { ...found, grants: {} };
  const after = shown.slice(shown.findLastIndex((line) => line.startsWith(own)) + 1);
  const end = after.findIndex((line) => line.startsWith("account "));
  return { ...found, grants: parseGrants(end < 0 ? after : after.slice(0, end)) };
}

/**
 * The truth about a password is a login. It is tried over TCP, from the member's own address, and only where the
 * account may come from there.
 */
export function renderLogin({ name, from, password }: AskedAccount, member: Member): Shell {
  if (password === undefined || !isMatch(member.address, from)) return sh`echo 'not tried'`;
  const options = `[client]
user=${optionValue(name)}
password=${optionValue(password)}
host=${member.address}
port=${member.port}
protocol=tcp
connect-timeout=5`;
  return new Shell(`if said=$(timeout --kill-after=1 15 mysql --defaults-file=/dev/fd/3 -e 'DO 0' 2>&1 3<<'__OPTIONS__'
${options}
__OPTIONS__
); then echo yes; else printf '%s ' $said; echo; fi`);
}

/** Whether an account's host part, a network such as `10.0.0.0/8` or a pattern as of LIKE, covers an address. */
function isMatch(address: string, from: string): boolean {
  const [network = "", mask] = from.split("/");
  if (mask !== undefined) return isWithin(address, network, mask);
  const pattern = from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("%", ".*");
  return new RegExp(`^${pattern.replaceAll("_", ".")}$`, "i").test(address);
}

/** MySQL takes both forms of a mask: `255.0.0.0` and `8`. */
function isWithin(address: string, network: string, mask: string): boolean {
  if (!isIPv4(network) || !isIPv4(address)) return false;
  const ones = (byte: string) => Number(byte).toString(2).replaceAll("0", "").length;
  const bits = isIPv4(mask)
    ? mask.split(".").reduce((sum, byte) => sum + ones(byte), 0)
    : Number(mask);
  if (!(bits >= 0 && bits <= 32)) return false;
  const range = new BlockList();
  range.addSubnet(network, bits);
  return range.check(address);
}

/** A value in a MySQL option file. */
function optionValue(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** 1045: wrong password. 3118: locked. 1862: expired. 3955: blocked after too many failures. */
export function loginOf(said: string | undefined): AccountFacts["login"] {
  if (said === "yes") return "yes";
  return /ERROR (1045|3118|1862|3955)\b/.test(said ?? "") ? "denied" : "not tried";
}
