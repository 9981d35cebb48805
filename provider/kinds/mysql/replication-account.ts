/** The account by which members reach each other: how it is, and how its password becomes another one while they do. */

import { isMap } from "../../difference";
import type { Properties, Property } from "../../kind";
import { hasUnknown, isUnknown } from "../../protocol/values";
import { type Shell, sh } from "../../ssh/shell";
import { type AccountFacts, type AskedAccount, type FoundAccounts, hostKey } from "./accounts";
import { accountName, literal, mysql } from "./sql";

export interface ReplicationAccount {
  /** In a read: with what is wrong about it, if something is; empty where there is none. */
  readonly name: string;
  /** In a read: another text where it is another one. */
  readonly password: string;
  /** The addresses of all members, also of those that are away, as any may be the one that connects. Default: any host, `%`. */
  readonly from?: readonly string[];
}

/** Without `from` as it was before there were addresses. */
const anywhere = "%";

function hostsOf({ from = [anywhere] }: Pick<ReplicationAccount, "from">): readonly string[] {
  return from;
}

/** What is asked of a member, in the order of the host parts. */
export function askedAccounts(account: ReplicationAccount): readonly AskedAccount[] {
  const { name, password } = account;
  return hostsOf(account).map((from) => ({ key: hostKey(name, from), name, password, from }));
}

/** In one order, so that lists can be compared. */
export function withSortedHosts(account: Property | undefined): Property | undefined {
  if (!isMap(account)) return account;
  const known = account as Properties;
  const { from } = known;
  if (!Array.isArray(from) || hasUnknown(from)) return account as Properties;
  return { ...known, from: [...new Set(from.map(String))].sort() };
}

/** As the primary tells it. Whatever has its name is this account's: members of a cluster have no other use for it. */
export function observedAccount(
  { accounts, hosts }: FoundAccounts,
  expected: ReplicationAccount,
  privileges: readonly string[],
): ReplicationAccount {
  const { name, password } = expected;
  const all = (hosts[name] ?? []).map(({ from }) => from).sort();
  if (all.length === 0) return { name: "", password: "" };
  const found = hostsOf(expected).flatMap((from) => accounts[hostKey(name, from)] ?? []);
  const faults = faultsOf(found, privileges);
  const isAnywhere = all.length === 1 && all[0] === anywhere;
  return {
    name: faults.length === 0 ? name : `${name} (${faults.join("; ")})`,
    password: found.some(({ login }) => login === "denied") ? another : password,
    ...(!(isAnywhere && expected.from === undefined) && { from: all }),
  };
}

function faultsOf(found: readonly AccountFacts[], privileges: readonly string[]): string[] {
  const lacking = privileges.filter((one) =>
    found.some(({ grants }) => !grants["*.*"]?.includes(one)),
  );
  return [
    ...(lacking.length > 0 ? [`without ${lacking.join(", ")}`] : []),
    ...(found.some(({ hasFormerPassword }) => hasFormerPassword) ? [formerFault] : []),
  ];
}

const another = "(another)";
const formerFault = "a former password is good as well";

/** What is done to it, for a step's sentence. */
export function accountSentence(
  live: ReplicationAccount,
  desired: ReplicationAccount,
  privileges: readonly string[],
): string {
  const account = `the replication account ${desired.name}`;
  const granted = `(${privileges.join(", ")})`;
  if (live.name === "") return `create ${account} ${granted}${ofAddresses(desired)}`;
  const moves = moveSentences(live, desired).join(", ");
  const besides = moves === "" ? "" : `; ${moves}`;
  if (isRotated(live, desired) || isUnknown(desired.password)) {
    return `set the password of ${account}, the former one being good as well until all members have it${besides}`;
  }
  if (live.name === `${desired.name} (${formerFault})`) {
    return `end the former password of ${account}, once all members have the present one${besides}`;
  }
  return live.name === desired.name && moves !== ""
    ? `have ${account} ${moves}`
    : `mend ${account} ${granted}${besides}`;
}

function ofAddresses({ from }: ReplicationAccount): string {
  return from === undefined || hasUnknown(from) ? "" : ` for ${from.join(", ")}`;
}

/** Where members come from, and where they came from. */
function moveSentences(live: ReplicationAccount, desired: ReplicationAccount): readonly string[] {
  if (hasUnknown(desired.from)) return ["let members in from their addresses"];
  const added = hostsOf(desired).filter((one) => !hostsOf(live).includes(one));
  const ended = endedHosts(live, desired);
  return [
    ...(added.length > 0 ? [`let members in from ${added.join(", ")}`] : []),
    ...(ended.length > 0 ? [`let nobody in from ${ended.join(", ")} any more`] : []),
  ];
}

/** Host parts from which no member comes any more. */
function endedHosts(
  live: ReplicationAccount | undefined,
  desired: ReplicationAccount,
): readonly string[] {
  if (live === undefined || live.name === "") return [];
  return hostsOf(live).filter((one) => !hostsOf(desired).includes(one));
}

/** Whether the account is there, with another password. */
function isRotated(live: ReplicationAccount | undefined, desired: ReplicationAccount): boolean {
  return live !== undefined && live.name !== "" && live.password !== desired.password;
}

/** Whether it was asked for the desired password, so that all is known that does not have it. */
function isAskedFor(live: ReplicationAccount | undefined, desired: ReplicationAccount): boolean {
  return live !== undefined && [desired.password, another].includes(live.password);
}

/** The same twice does no harm. */
export function accountStatements(
  desired: ReplicationAccount,
  privileges: readonly string[],
  retained: " RETAIN CURRENT PASSWORD" | "" = "",
): string[] {
  const { name, password } = desired;
  return hostsOf(desired).flatMap((from) => {
    const account = accountName(name, from);
    const identified = `${account} IDENTIFIED BY ${literal(password)}`;
    return [
      `CREATE USER IF NOT EXISTS ${identified} REQUIRE SSL`,
      `ALTER USER ${identified}${retained} REQUIRE SSL ACCOUNT UNLOCK`,
      `GRANT ${privileges.join(", ")} ON *.* TO ${account}`,
    ];
  });
}

interface AccountChange {
  readonly live: ReplicationAccount | undefined;
  readonly desired: ReplicationAccount;
}

/**
 * Sets the account after what the session begins with. A former password stays good, if MySQL can keep it: one that somebody set by hand may be
 * empty, or of another plugin.
 */
export function renderAccount(
  first: readonly string[],
  { live, desired }: AccountChange,
  privileges: readonly string[],
): Shell {
  const leave = mysql(...first, ...accountStatements(desired, privileges));
  if (!isRotated(live, desired)) return leave;
  const retain = accountStatements(desired, privileges, " RETAIN CURRENT PASSWORD");
  return sh`{
${mysql(...first, ...retain)}
} 2>/dev/null
[ $? -eq 0 ] || {
${leave}
}`;
}

/** Once all members have the present password, and come from where they are to come from. */
export function retireStatements({ live, desired }: AccountChange): string[] {
  const { name } = desired;
  return [
    ...(isAskedFor(live, desired)
      ? hostsOf(desired).map((from) => `ALTER USER ${accountName(name, from)} DISCARD OLD PASSWORD`)
      : []),
    ...endedHosts(live, desired).map((from) => `DROP USER IF EXISTS ${accountName(name, from)}`),
  ];
}
