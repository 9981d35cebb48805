/** Asks a member for the accounts that are expected, their grants and their passwords, and reads the answer. */

import { type Grants, parseGrants } from "./grants";
import { isPasswordOf } from "./password-hash";
import { accountName, literal } from "./sql";

export interface AccountFacts {
  /** The expected host part, or another one where only that exists. */
  readonly from: string;
  /** Whether it lets in who has its password. */
  readonly login: Login;
  readonly grants: Grants;
  /** How many connections it may have at once; 0: as many as the server takes. */
  readonly maxConnections: number;
  /** Whether a former password is good as well. */
  readonly hasFormerPassword: boolean;
  /** MySQL's plugin by which it logs in: `caching_sha2_password`, `auth_socket`, or `auth_socket of another` system user. */
  readonly plugin: string;
}

type Login = "yes" | "denied" | "not known";

export interface AskedAccount {
  /** What it is found under in the answer. Default: its name. */
  readonly key?: string;
  readonly name: string;
  readonly from: string;
  /** None: nobody logs in as it over the network. */
  readonly password?: string | undefined;
  /** By which an account of its name is known as well that is asked for under no host part. */
  readonly formerPassword?: string | undefined;
  /** Whether to ask as well who made views, routines, triggers and events: what they do, they do as that account. */
  readonly asksForDefiners?: true;
}

/** An account by its host part, expected or not. */
export interface AccountHost {
  readonly from: string;
  /** With a password of those that are asked for under its name. */
  readonly login: Login;
  readonly hasFormerPassword: boolean;
  /** Only where it was asked for. */
  readonly isDefiner?: true;
}

export interface FoundAccounts {
  /** By key; without those that do not exist. */
  readonly accounts: Readonly<Record<string, AccountFacts>>;
  /** By name: all that there are of it. */
  readonly hosts: Readonly<Record<string, readonly AccountHost[]>>;
}

/** What an account is called that comes from a host part of several. */
export function hostKey(name: string, from: string): string {
  return `${name}@${from}`;
}

/**
 * `account 0`, the host part, the limit of connections, whether there is a former password, the plugin, what is kept of the password and whether
 * nobody is let in, for each host part that there is; then the grants of the expected one.
 */
export function renderGrantsQuestion(
  { name, from, asksForDefiners }: AskedAccount,
  index: number,
  all: readonly AskedAccount[],
): string {
  // The first of a name asks for all of that name.
  const isFirst = firstOf(name, all) === index;
  const which = isFirst ? "" : ` AND Host = ${literal(from)}`;
  const definers = asksForDefiners && isFirst ? `${definersQuestion(index, name)};\n` : "";
  return `${definers}SELECT 'account ${index}', Host, max_user_connections, COALESCE(JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password'), 0), IF(plugin = 'auth_socket' AND authentication_string <> '', 'auth_socket of another', plugin), HEX(authentication_string), IF(account_locked = 'Y' OR password_expired = 'Y', 'shut', 'open')
  FROM mysql.user WHERE User = ${literal(name)}${which};
SHOW GRANTS FOR ${accountName(name, from)}`;
}

function definersQuestion(index: number, name: string): string {
  const made = ["VIEWS", "ROUTINES", "TRIGGERS", "EVENTS"]
    .map((table) => `SELECT DEFINER FROM information_schema.${table}`)
    .join(" UNION ALL ");
  return `SELECT 'definer ${index}', DEFINER FROM (${made}) AS made WHERE DEFINER LIKE ${literal(`${name}@%`)}`;
}

function firstOf(name: string, all: readonly AskedAccount[]): number {
  return all.findIndex((one) => one.name === name);
}

export function parseAccounts(
  shown: readonly string[],
  asked: readonly AskedAccount[],
): FoundAccounts {
  const accounts = asked.flatMap((account, index) => {
    const found = accountOf(account, index, shown, asked);
    return found === undefined ? [] : [[account.key ?? account.name, found] as const];
  });
  const hosts = [...new Set(asked.map(({ name }) => name))].map((name) => {
    const passwords = asked
      .filter((one) => one.name === name)
      .flatMap(({ password, formerPassword }) => [password ?? [], formerPassword ?? []].flat());
    const definer = `definer ${firstOf(name, asked)}\t`;
    const isDefiner = ({ from }: AccountRow) => shown.includes(`${definer}${hostKey(name, from)}`);
    const found = rowsOf(name, shown, asked).map((row) => ({
      ...hostOf(row, passwords),
      ...(isDefiner(row) && { isDefiner: true as const }),
    }));
    return [name, found] as const;
  });
  return { accounts: Object.fromEntries(accounts), hosts: Object.fromEntries(hosts) };
}

/** A line of the answer. */
interface AccountRow {
  readonly from: string;
  readonly maxConnections: number;
  readonly hasFormerPassword: boolean;
  readonly plugin: string;
  readonly stored: Buffer;
  readonly isShut: boolean;
}

function rowsOf(
  name: string,
  shown: readonly string[],
  asked: readonly AskedAccount[],
): readonly AccountRow[] {
  const own = prefix(firstOf(name, asked));
  return shown
    .filter((line) => line.startsWith(own))
    .map((line) => {
      const [from = "", limit = "0", former = "0", plugin = "", stored = "", state = ""] = line
        .slice(own.length)
        .split("\t");
      return {
        from,
        maxConnections: Number(limit),
        hasFormerPassword: former === "1",
        plugin,
        stored: Buffer.from(stored, "hex"),
        isShut: state === "shut",
      };
    });
}

function prefix(index: number): string {
  return `account ${index}\t`;
}

function accountOf(
  { key, name, from, password }: AskedAccount,
  index: number,
  shown: readonly string[],
  asked: readonly AskedAccount[],
): AccountFacts | undefined {
  const rows = rowsOf(name, shown, asked);
  // One that comes from a single host part may have moved; of several each is its own.
  const isAlone = key === undefined || key === name;
  const isOther = (row: AccountRow) =>
    isAlone && !asked.some((one) => one.name === name && one.from === row.from);
  const row = rows.find((one) => one.from === from) ?? rows.find(isOther);
  if (row === undefined) return undefined;
  const { maxConnections, hasFormerPassword, plugin } = row;
  const login = loginOf(row, password === undefined ? [] : [password]);
  const found = { from: row.from, login, maxConnections, hasFormerPassword, plugin };
  if (row.from !== from) return { ...found, grants: {} };
  const after = shown.slice(shown.findLastIndex((line) => line.startsWith(prefix(index))) + 1);
  const end = after.findIndex((line) => line.startsWith("account "));
  return { ...found, grants: parseGrants(end < 0 ? after : after.slice(0, end)) };
}

function hostOf(row: AccountRow, passwords: readonly string[]): AccountHost {
  const { from, hasFormerPassword } = row;
  return { from, login: loginOf(row, passwords), hasFormerPassword };
}

/** Of another plugin than MySQL's own nothing is known, save that the socket's takes no password. */
function loginOf({ plugin, stored, isShut }: AccountRow, passwords: readonly string[]): Login {
  if (passwords.length === 0) return "not known";
  if (isShut || plugin.startsWith("auth_socket")) return "denied";
  const judged = passwords.map((password) => isPasswordOf(password, stored));
  if (judged.includes(true)) return "yes";
  return judged.includes(undefined) ? "not known" : "denied";
}
