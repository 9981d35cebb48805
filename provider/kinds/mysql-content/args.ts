/**
 * What a MySQL cluster is to hold, whatever its topology: databases, accounts, grants. To MySQL an account is a name and a host part, each with a
 * password and grants of its own. So `check` makes one account of each host part that a program lists, `app@10.0.0.21`, and the rest of the kind
 * knows no lists.
 */

import * as v from "valibot";
import { failures, integer, textOf } from "../../check";
import { isMap } from "../../difference";
import type { Failure, Properties, Property } from "../../kind";
import { hasUnknown, isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
import { hostKey } from "../mysql/accounts";
import { sortedPrivileges } from "../mysql/grants";
import {
  eachOf,
  type Members,
  memberName,
  membersSchema,
  withDefaultPorts,
  withKnownCluster,
} from "../mysql/members";
import { accountHost, level, password, privilege } from "../mysql/names";

/** From one host part. */
export interface Account {
  /** None: who logs in is the system user of the same name, over the socket. */
  readonly password?: string;
  readonly from: string;
  readonly grants: Readonly<Record<string, readonly string[]>>;
  /** 0: as many connections as the server takes. */
  readonly maxConnections: number;
}

export interface Content {
  readonly cluster: string;
  readonly members: Members;
  /** The primary in the settings; who it is in truth is told from the members. */
  readonly primary: string;
  readonly databases: readonly string[];
  /** By name, or by name and host part where a program lists those. */
  readonly accounts: Readonly<Record<string, Account>>;
  readonly formerAccounts?: "drop" | "leave";
  readonly accountsOnRemoval?: "drop" | "leave";
  /** In a read: digests of the passwords as they were last set, by account. */
  readonly lastSet?: Readonly<Record<string, string>>;
}

const defaults = { from: "%", maxConnections: 0 };
/** An account without a password is reached over the socket only. */
const socketHost = "localhost";

const dropOrLeave = v.optional(v.picklist(["drop", "leave"], 'expected "drop" or "leave"'));

const hostsExpected =
  'expected a host in lower case, a pattern such as "10.0.%", or a list of them';

/** The second form is what `check` makes, and is handed back by the engine. */
const accountKey = v.pipe(
  v.string(),
  v.check((key) => isAccountKey(key), `expected ${values.accountName.expected}`),
);

function isAccountKey(key: string): boolean {
  const { name, from } = partsOf(key);
  return values.accountName.pattern.test(name) && (from === undefined || v.is(accountHost, from));
}

/** `app@10.0.0.21` is the account `app` from `10.0.0.21`. */
export function partsOf(key: string): { readonly name: string; readonly from?: string } {
  const end = key.indexOf("@");
  return end < 0 ? { name: key } : { name: key.slice(0, end), from: key.slice(end + 1) };
}

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: memberName,
  databases: v.optional(v.array(textOf(values.databaseName))),
  formerAccounts: dropOrLeave,
  accountsOnRemoval: dropOrLeave,
  accounts: v.optional(
    v.record(
      accountKey,
      v.strictObject({
        password: v.optional(password),
        from: v.optional(v.union([accountHost, v.array(accountHost)], hostsExpected)),
        grants: v.record(level, v.array(privilege)),
        maxConnections: v.optional(integer(0, 100_000)),
      }),
    ),
  ),
});

export function check(
  inputs: Properties,
  olds: Properties = {},
): { args: Properties; failures: Failure[] } {
  const kept = withKnownCluster(inputs, olds);
  return {
    args: {
      ...kept,
      members: withDefaultPorts(inputs.members),
      databases: inputs.databases ?? [],
      accounts: eachOf(eachHost(inputs.accounts ?? {}), (account) => ({
        ...defaults,
        ...(account.password === undefined && { from: socketHost }),
        ...account,
        grants: eachGrant(account.grants),
      })),
    },
    failures: [...failures(schema, kept), ...contradictions(inputs)],
  };
}

/** What a preview does not know stays one account. */
function eachHost(accounts: Property): Property {
  if (!isMap(accounts)) return accounts;
  const each = Object.entries(accounts as Properties).flatMap(([name, account]) => {
    const from = isMap(account) ? (account as Properties).from : undefined;
    if (!Array.isArray(from) || hasUnknown(from)) return [[name, account] as const];
    const hosts = [...new Set(from.map(String))].sort();
    return hosts.map((host) => {
      const own = { ...(account as Properties), from: host };
      return [hostKey(name, host), own] as const;
    });
  });
  return Object.fromEntries(each);
}

function contradictions({ accounts }: Properties): Failure[] {
  return Object.entries(isMap(accounts) ? accounts : {}).flatMap(([name, account]) => {
    const property = `accounts.${name}`;
    const everywhere = isMap(account) && isMap(account.grants) ? account.grants["*.*"] : undefined;
    const isAll =
      Array.isArray(everywhere) && everywhere.some((one) => /^all\b/i.test(String(one)));
    const from = isMap(account) ? account.from : undefined;
    const isOpen =
      isMap(account) && account.password === undefined && (from ?? socketHost) !== socketHost;
    const own = partsOf(name);
    const isTaken = own.name === "root" || own.name.startsWith("mysql.");
    const isNowhere = Array.isArray(from) && from.length === 0;
    return [
      ...(own.from !== undefined && own.from !== from
        ? [{ property, reason: `expected ${values.accountName.expected}` }]
        : []),
      ...(isNowhere ? [{ property: `${property}.from`, reason: "expected a host or more" }] : []),
      ...(isTaken ? [{ property, reason: "expected a name that is not MySQL's own" }] : []),
      ...(isOpen
        ? [
            {
              property: `${property}.from`,
              reason: `expected ${socketHost}, as the account has no password`,
            },
          ]
        : []),
      ...(isAll
        ? [
            {
              property: `${property}.grants["*.*"]`,
              reason: "expected privileges by name: ALL differs with each version of MySQL",
            },
          ]
        : []),
    ];
  });
}

function eachGrant(grants: Property | undefined): Property | undefined {
  if (!isMap(grants)) return grants;
  const levels = Object.entries(grants as Properties).map(([name, list]) => [
    name,
    Array.isArray(list) && !list.some(isUnknown) ? sortedPrivileges(name, list.map(String)) : list,
  ]);
  return Object.fromEntries(levels);
}
