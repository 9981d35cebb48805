/** The account by which members reach each other: how it is, and how its password becomes another one while they do. */

import { isUnknown } from "../../protocol/values";
import { type Shell, sh } from "../../ssh/shell";
import type { AccountFacts } from "./accounts";
import { accountName, literal, mysql } from "./sql";

export interface ReplicationAccount {
  /** In a read: with what is wrong about it, if something is; empty where there is none. */
  readonly name: string;
  /** In a read: another text where it is another one. */
  readonly password: string;
}

/** As the primary tells it. */
export function observedAccount(
  found: AccountFacts | undefined,
  { name, password }: ReplicationAccount,
  privileges: readonly string[],
): ReplicationAccount {
  if (found === undefined) return { name: "", password: "" };
  const lacking = privileges.filter((one) => !found.grants["*.*"]?.includes(one));
  const faults = [
    ...(lacking.length > 0 ? [`without ${lacking.join(", ")}`] : []),
    ...(found.hasFormerPassword ? [formerFault] : []),
  ];
  return {
    name: faults.length === 0 ? name : `${name} (${faults.join("; ")})`,
    password: found.login === "denied" ? another : password,
  };
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
  if (live.name === "") return `create ${account} ${granted}`;
  if (isRotated(live, desired) || isUnknown(desired.password)) {
    return `set the password of ${account}, the former one being good as well until all members have it`;
  }
  return live.name === `${desired.name} (${formerFault})`
    ? `end the former password of ${account}, once all members have the present one`
    : `mend ${account} ${granted}`;
}

/** Whether the account is there, with another password. */
function isRotated(live: ReplicationAccount | undefined, desired: ReplicationAccount): boolean {
  return live !== undefined && live.name !== "" && live.password !== desired.password;
}

/** Whether it was asked for the desired password, so that all is known that does not have it. */
export function isAskedFor(
  live: ReplicationAccount | undefined,
  desired: ReplicationAccount,
): boolean {
  return live !== undefined && [desired.password, another].includes(live.password);
}

/** The same twice does no harm. */
export function accountStatements(
  { name, password }: ReplicationAccount,
  privileges: readonly string[],
  retained: " RETAIN CURRENT PASSWORD" | "" = "",
): string[] {
  const account = accountName(name, "%");
  const identified = `${account} IDENTIFIED BY ${literal(password)}`;
  return [
    `CREATE USER IF NOT EXISTS ${identified} REQUIRE SSL`,
    `ALTER USER ${identified}${retained} REQUIRE SSL ACCOUNT UNLOCK`,
    `GRANT ${privileges.join(", ")} ON *.* TO ${account}`,
  ];
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

/** Once all members have the present one. */
export function retireStatement({ name }: ReplicationAccount): string {
  return `ALTER USER ${accountName(name, "%")} DISCARD OLD PASSWORD`;
}
