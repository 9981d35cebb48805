/** What a MySQL cluster is to hold, whatever its topology: databases, accounts, grants. */

import * as v from "valibot";
import { failures, integer, textOf } from "../../check";
import { isMap } from "../../difference";
import type { Failure, Properties, Property } from "../../kind";
import { isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
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

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: memberName,
  databases: v.optional(v.array(textOf(values.databaseName))),
  formerAccounts: dropOrLeave,
  accountsOnRemoval: dropOrLeave,
  accounts: v.optional(
    v.record(
      textOf(values.accountName),
      v.strictObject({
        password: v.optional(password),
        from: v.optional(accountHost),
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
      accounts: eachOf(inputs.accounts ?? {}, (account) => ({
        ...defaults,
        ...(account.password === undefined && { from: socketHost }),
        ...account,
        grants: eachGrant(account.grants),
      })),
    },
    failures: [...failures(schema, kept), ...contradictions(inputs)],
  };
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
    const isTaken = name === "root" || name.startsWith("mysql.");
    return [
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
