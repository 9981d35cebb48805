/** What a MySQL cluster is told: checked, and with every default filled in. */

import * as v from "valibot";
import { failures, hostSchema, integerIn, text, textOf } from "../../check";
import { isMap } from "../../difference";
import type { Failure, Host, Properties, Property } from "../../kind";
import { isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
import { sortedPrivileges } from "./grants";

export interface Member {
  readonly host: Host;
  readonly address: string;
  readonly port: number;
}

export interface Account {
  readonly password: string;
  readonly from: string;
  readonly grants: Readonly<Record<string, readonly string[]>>;
}

export type Durability = "wait-for-replica" | { readonly carryOnAfterSeconds: number };

/**
 * How a member stands in the cluster, in words that are the same for a primary and a replica that are as they should
 * be: a role that a fail-over moved is no difference.
 */
export interface Standing {
  readonly mysqld: string;
  /** This and the rest are missing where mysqld does not answer. */
  readonly data?: string;
  readonly writes?: string;
  readonly replication?: string;
  readonly semiSynchronous?: string;
}

export interface Replication {
  readonly cluster: string;
  readonly members: Readonly<Record<string, Member>>;
  /** In a read: who is the primary in truth; empty when nobody is. */
  readonly primary: string;
  readonly durability: Durability;
  readonly replicationAccount: { readonly name: string; readonly password: string };
  readonly databases: readonly string[];
  readonly accounts: Readonly<Record<string, Account>>;
  readonly discardDataOn: readonly string[];
  readonly topology: Readonly<Record<string, Standing>>;
}

/** What every member's standing is to be, where there are two or more. */
export const right = {
  mysqld: "running",
  writes: "on the primary only",
  replication: "in step",
  semiSynchronous: "on",
} as const;

const defaults = { port: 3306, from: "%" };

const memberName = textOf(values.hostName);
const accountName = textOf(values.accountName);
const password = v.pipe(
  v.string("expected a password"),
  // Control characters cannot stand in a client's option file, by which the password is checked.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  v.regex(/^[^\x00-\x1f\x7f]{1,256}$/, "expected 1 to 256 characters without control characters"),
);
const level = text(
  /^(\*\.\*|[A-Za-z0-9_]{1,64}\.(\*|[A-Za-z0-9_]{1,64}))$/,
  '"*.*", "database.*" or "database.table"',
);
const privilege = text(/^[A-Za-z][A-Za-z_ ]*$/, "a privilege such as SELECT");

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: v.record(
    memberName,
    v.strictObject({
      host: hostSchema,
      address: textOf(values.sshAddress),
      port: v.optional(integerIn(values.port)),
    }),
  ),
  primary: memberName,
  durability: v.union(
    [
      v.literal("wait-for-replica"),
      v.strictObject({
        carryOnAfterSeconds: v.union([integerIn(values.carryOnSeconds), v.custom(isUnknown)]),
      }),
    ],
    'expected "wait-for-replica" or { carryOnAfterSeconds: 1 to 86400 }',
  ),
  replicationAccount: v.strictObject({ name: accountName, password }),
  databases: v.optional(v.array(textOf(values.databaseName))),
  accounts: v.optional(
    v.record(
      accountName,
      v.strictObject({
        password,
        from: v.optional(
          // MySQL keeps it in lower case, and would not find it again otherwise.
          text(/^[a-z0-9_.:%/-]{1,255}$/, 'a host in lower case, or a pattern such as "10.0.%"'),
        ),
        grants: v.record(level, v.array(privilege)),
      }),
    ),
  ),
  discardDataOn: v.optional(v.array(memberName)),
  // Filled in by `check` itself, and handed back to it by the engine.
  topology: v.optional(v.record(memberName, v.record(v.string(), v.string()))),
});

export function check(inputs: Properties): { args: Properties; failures: Failure[] } {
  const faults = [...failures(schema, inputs), ...contradictions(inputs)];
  return { args: withDefaults(inputs), failures: faults };
}

function contradictions(inputs: Properties): Failure[] {
  const { members, primary, durability, discardDataOn, accounts, replicationAccount } = inputs;
  if (!isMap(members)) return [];
  const names = Object.keys(members);
  const known = `one of ${names.join(", ")}`;
  const faults: Failure[] = [];
  if (typeof primary === "string" && !isUnknown(primary) && !names.includes(primary)) {
    faults.push({ property: "primary", reason: `expected ${known}, got "${primary}"` });
  }
  if (durability === "wait-for-replica" && names.length < 2) {
    const reason = "expected two members or more to wait for a replica, got one";
    faults.push({ property: "durability", reason });
  }
  for (const name of Array.isArray(discardDataOn) ? discardDataOn : []) {
    if (isUnknown(name) || names.includes(name)) continue;
    faults.push({ property: "discardDataOn", reason: `expected ${known}, got "${name}"` });
  }
  const replicator = isMap(replicationAccount) ? replicationAccount.name : undefined;
  for (const [name, account] of Object.entries(isMap(accounts) ? accounts : {})) {
    const property = `accounts.${name}`;
    if (["root", replicator].includes(name) || name.startsWith("mysql.")) {
      faults.push({ property, reason: "expected a name that is not in use by the cluster itself" });
    }
    const everywhere = isMap(account) && isMap(account.grants) ? account.grants["*.*"] : undefined;
    if (Array.isArray(everywhere) && everywhere.some((one) => /^all\b/i.test(String(one)))) {
      faults.push({
        property: `${property}.grants["*.*"]`,
        reason: "expected privileges by name: ALL differs with each version of MySQL",
      });
    }
  }
  return faults;
}

function withDefaults(inputs: Properties): Properties {
  return {
    ...inputs,
    members: eachOf(inputs.members, (member) => ({ port: defaults.port, ...member })),
    databases: inputs.databases ?? [],
    accounts: eachOf(inputs.accounts ?? {}, (account) => ({
      from: defaults.from,
      ...account,
      grants: eachGrant(account.grants),
    })),
    discardDataOn: inputs.discardDataOn ?? [],
    topology: isMap(inputs.members)
      ? Object.fromEntries(
          Object.keys(inputs.members).map((name) => [name, wantedStanding(inputs)]),
        )
      : inputs.members,
  };
}

function wantedStanding({ cluster, members }: Properties): Properties {
  const isAlone = isMap(members) && Object.keys(members).length < 2;
  return { ...right, data: cluster, ...(isAlone && { semiSynchronous: "off" }) };
}

function eachOf(value: Property | undefined, change: (item: Properties) => Properties) {
  if (!isProperties(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isProperties(item) ? change(item) : item]),
  );
}

function eachGrant(grants: Property | undefined): Property | undefined {
  if (!isProperties(grants)) return grants;
  const levels = Object.entries(grants).map(([name, list]) => [
    name,
    Array.isArray(list) && !list.some(isUnknown) ? sortedPrivileges(list.map(String)) : list,
  ]);
  return Object.fromEntries(levels);
}

function isProperties(value: Property | undefined): value is Properties {
  return isMap(value);
}
