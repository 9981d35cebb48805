/** Asks a member for the accounts that are expected, their grants and their passwords, and reads the answer. */

import { BlockList, isIPv4 } from "node:net";
import { Shell, sh } from "../../ssh/shell";
import type { Account, Member, Replication } from "./args";
import { type Grants, parseGrants } from "./grants";
import { accountName, literal } from "./sql";

export interface AccountFacts {
  /** The expected host part, or another one where only that exists. */
  readonly from: string;
  readonly login: "yes" | "denied" | "not tried";
  readonly grants: Grants;
}

interface AskedAccount {
  readonly name: string;
  readonly from: string;
  readonly password: string;
}

/** All accounts that a read asks about, the replication account included. */
export function askedAccounts({ replicationAccount, accounts }: Replication): AskedAccount[] {
  const all: [string, Account | undefined][] = Object.entries(accounts);
  return [
    { ...replicationAccount, from: "%" },
    ...all.flatMap(([name, account]) => (account === undefined ? [] : [{ ...account, name }])),
  ];
}

/** `account 0` and the host part, for each host part that there is; then the grants of the expected one. */
export function renderGrantsQuestion({ name, from }: AskedAccount, index: number): string {
  return `SELECT 'account ${index}', Host FROM mysql.user WHERE User = ${literal(name)};
SHOW GRANTS FOR ${accountName(name, from)}`;
}

export function parseAccount(
  index: number,
  from: string,
  shown: readonly string[],
): Pick<AccountFacts, "from" | "grants"> | undefined {
  const own = `account ${index}\t`;
  const hosts = shown.filter((line) => line.startsWith(own)).map((line) => line.slice(own.length));
  const [only] = hosts;
  if (only === undefined) return undefined;
  if (!hosts.includes(from)) return { from: only, grants: {} };
  const after = shown.slice(shown.findLastIndex((line) => line.startsWith(own)) + 1);
  const end = after.findIndex((line) => line.startsWith("account "));
  return { from, grants: parseGrants(end < 0 ? after : after.slice(0, end)) };
}

/**
 * The truth about a password is a login. It is tried over TCP, from the member's own address, and only where the
 * account may come from there.
 */
export function renderLogin({ name, from, password }: AskedAccount, member: Member): Shell {
  if (!isMatch(member.address, from)) return sh`echo 'not tried'`;
  const options = `[client]
user=${optionValue(name)}
password=${optionValue(password)}
host=${member.address}
port=${member.port}
protocol=tcp
connect-timeout=5`;
  return new Shell(`if said=$(mysql --defaults-file=/dev/fd/3 -e 'DO 0' 2>&1 3<<'__OPTIONS__'
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
