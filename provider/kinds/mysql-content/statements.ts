/** The SQL of each database and account. */

import { planGrants, renderLevel } from "../mysql/grants";
import { accountName, identifier, literal } from "../mysql/sql";
import type { Account } from "./args";

export function databaseStatement(name: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${identifier(name)} CHARACTER SET utf8mb4`;
}

interface DesiredAccount extends Account {
  /** Whether the program has another password than it last set, or just the same one again. */
  readonly isRotated: boolean;
  /** It is one of several of its name; `password` is of one that is in use so far, where that is to go. */
  readonly beside?: { readonly password?: string | undefined };
}

export function accountStatements(
  name: string,
  old: Account | undefined,
  now: DesiredAccount,
): string[] {
  if (old === undefined && now.beside !== undefined) return statementsBeside(name, now);
  const account = accountName(name, now.from);
  const moves = old !== undefined && old.from !== now.from;
  return [
    ...(moves ? [`RENAME USER ${accountName(name, old.from)} TO ${account}`] : []),
    ...(old === undefined ? [`CREATE USER IF NOT EXISTS ${account} ${identification(now)}`] : []),
    ...passwordStatements(account, old, now),
    ...((old?.maxConnections ?? 0) === now.maxConnections
      ? []
      : [`ALTER USER ${account} WITH MAX_USER_CONNECTIONS ${now.maxConnections}`]),
    ...planGrants(old?.grants ?? {}, now.grants).flatMap(({ level, grant, revoke }) => [
      ...revoke.map((privilege) => revokeStatement(privilege, level, account)),
      ...(grant.length > 0
        ? [`GRANT ${grant.map(renderPrivilege).join(", ")} ON ${renderLevel(level)} TO ${account}`]
        : []),
    ]),
  ];
}

/**
 * MySQL takes the account of the narrowest host part. So one from an address is in use as soon as it is there: it is made complete under a host
 * part from which nobody comes, and gets its own at once, with the password that applications have so far beside the one that they get.
 */
function statementsBeside(name: string, { beside, ...now }: DesiredAccount): string[] {
  const waiting = { ...now, from: `new-${now.from}` };
  const account = accountName(name, waiting.from);
  const inUse = beside?.password ?? now.password;
  const isOther = inUse !== now.password;
  return [
    // Of an `up` that was killed.
    dropStatement(name, waiting.from),
    ...accountStatements(name, undefined, {
      ...{ ...waiting, isRotated: false },
      ...(inUse !== undefined && { password: inUse }),
    }),
    ...(isOther ? [`ALTER USER ${account} ${identification(now)} RETAIN CURRENT PASSWORD`] : []),
    `RENAME USER ${account} TO ${accountName(name, now.from)}`,
  ];
}

/** Without a password MySQL takes the word of the socket: the client is the system user of that name. */
function identification({ password }: Account): string {
  return password === undefined
    ? "IDENTIFIED WITH auth_socket"
    : `IDENTIFIED BY ${literal(password)}`;
}

/** The former password stays good: hosts that have not heard of the new one yet are not locked out. */
function passwordStatements(
  account: string,
  old: Account | undefined,
  now: DesiredAccount,
): string[] {
  if (old?.password === now.password) return [];
  const identified = `ALTER USER ${account} ${identification(now)}`;
  const retain = old === undefined || !now.isRotated ? "" : " RETAIN CURRENT PASSWORD";
  return [`${identified}${retain}`, `ALTER USER ${account} ACCOUNT UNLOCK`];
}

export function dropStatement(name: string, from: string): string {
  return `DROP USER IF EXISTS ${accountName(name, from)}`;
}

function revokeStatement(privilege: string, level: string, account: string): string {
  return level.startsWith("role ")
    ? `REVOKE ${level.slice("role ".length)} FROM ${account}`
    : `REVOKE ${renderPrivilege(privilege)} ON ${renderLevel(level)} FROM ${account}`;
}

function renderPrivilege(privilege: string): string {
  return privilege === "ALL" ? "ALL PRIVILEGES" : privilege;
}
