/**
 * The end of former passwords and of accounts from former host parts: what a rotation left good is discarded, and what nobody needs any more is
 * dropped, once all that log in do so with the new one.
 */

import * as v from "valibot";
import { failures, textOf } from "../../check";
import { compare, isMap } from "../../difference";
import type { Context, Difference, Kind, Properties, Property, Step } from "../../kind";
import { hasUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
import { type FoundAccounts, hostKey } from "../mysql/accounts";
import {
  askMembers,
  hostsOf,
  type MemberProbe,
  type Members,
  memberName,
  memberOf,
  membersSchema,
  runOn,
  withDefaultPorts,
  withKnownCluster,
} from "../mysql/members";
import { accountHost, password } from "../mysql/names";
import { renderProbe } from "../mysql/probe";
import { rolesOf } from "../mysql/roles";
import { accountName, mysql } from "../mysql/sql";
import { partsOf } from "./args";
import { dropStatement } from "./statements";

export interface Retirement {
  readonly cluster: string;
  readonly members: Members;
  readonly primary: string;
  /** Account name to the password that everybody has by now. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Account name to the host parts that it is to keep; of one that is not named here all stay. */
  readonly from?: Readonly<Record<string, readonly string[]>>;
  /** Those that were kept last. Output only. */
  readonly kept?: Readonly<Record<string, readonly string[]>>;
  /** Of these accounts, those that their content drops when it is removed. */
  readonly dropped?: readonly string[];
  /** The passwords for which former ones were retired last. Output only. */
  readonly retired?: Readonly<Record<string, string>>;
  /** In a read: accounts for which a former password is good as well, with their host part. */
  readonly former: Readonly<Record<string, string>>;
  /** In a read: accounts from other host parts than those, with the account's password; what has another one is somebody else's. */
  readonly left?: Readonly<Record<string, string>>;
  /** Of those, who made views, routines, triggers or events, which would do nothing any more without it: it is locked, and stays. */
  readonly definers?: readonly string[];
}

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: memberName,
  passwords: v.record(textOf(values.accountName), password),
  from: v.optional(v.record(textOf(values.accountName), v.array(accountHost))),
  dropped: v.optional(v.array(textOf(values.accountName))),
  former: v.optional(v.record(v.string(), v.string())),
});

export const mysqlPasswordRetirement: Kind<Retirement> = {
  type: "trilithon:index:MysqlPasswordRetirement",
  check: (inputs: Properties, olds: Properties = {}) => {
    const kept = withKnownCluster(inputs, olds);
    const members = withDefaultPorts(inputs.members);
    const from = eachSorted(inputs.from);
    return {
      args: { ...kept, members, ...(from !== undefined && { from }), former: {} },
      failures: failures(schema, kept),
    };
  },
  id: ({ cluster }) => cluster,
  hosts: ({ members }) => hostsOf(members),
  read,
  diff,
  plan,
  apply: async (_, live, desired, context) => {
    const statements = live === undefined ? [] : statementsOf(live);
    if (live !== undefined && statements.length > 0) {
      await runOn(
        {
          member: memberOf(live.primary, { ...live.members, ...desired.members }),
          name: live.primary,
          script: mysql(...statements),
          doing: `retiring passwords of cluster ${desired.cluster}`,
          secrets: Object.values(desired.passwords),
        },
        context,
      );
    }
    const seen = (await read(desired, context)) ?? desired;
    const { passwords, from } = desired;
    return {
      ...{ ...seen, passwords, retired: passwords },
      ...(from !== undefined && { from, kept: from }),
    };
  },
  remove: async () => {},
  secretOutputs: ["passwords", "retired"],
};

/** What a preview does not know yet is left as it is. */
function eachSorted(from: Property | undefined): Property | undefined {
  if (!isMap(from)) return from;
  const lists = Object.entries(from as Properties).map(([name, hosts]) => [
    name,
    Array.isArray(hosts) && !hasUnknown(hosts) ? [...new Set(hosts.map(String))].sort() : hosts,
  ]);
  return Object.fromEntries(lists);
}

function statementsOf({ former, left = {}, definers = [] }: Retirement): string[] {
  return [
    ...Object.entries(former).map(
      ([key, from]) => `ALTER USER ${accountName(partsOf(key).name, from)} DISCARD OLD PASSWORD`,
    ),
    ...Object.entries(left).map(([key, from]) => {
      const { name } = partsOf(key);
      return definers.includes(key)
        ? `ALTER USER ${accountName(name, from)} ACCOUNT LOCK`
        : dropStatement(name, from);
    }),
  ];
}

function diff(live: Retirement, desired: Retirement): Difference[] {
  const nothingLeft = { ...desired, left: {} };
  return compare({ ...live, left: live.left ?? {} }, nothingLeft, [
    ...["passwords", "former", "left"],
    ...(desired.from === undefined ? [] : ["from"]),
  ]);
}

function plan(live: Retirement | undefined, desired: Retirement): Step[] {
  if (live === undefined || diff(live, desired).length === 0) return [];
  const on = live.primary === "" ? "" : `${live.primary}: `;
  const sentence = `${on}${sentenceOf(live, desired)}`;
  return [{ ...(on !== "" && { host: live.primary }), action: "retire password", sentence }];
}

function sentenceOf(live: Retirement, desired: Retirement): string {
  const changed = isMap(desired.passwords)
    ? compare(live, desired, ["passwords"]).map(({ path, kind }) => ({
        name: path[1] ?? "",
        kind,
      }))
    : [];
  const having = (kind: string) =>
    changed.filter((one) => one.kind === kind).map(({ name }) => name);
  const former = Object.keys(live.former).map((key) => partsOf(key).name);
  const retired = [...new Set([...former, ...having("update")])];
  const ended = endedOf(live, desired);
  const isDefiner = (key: string) => live.definers?.includes(key) ?? false;
  const endedNames = ended.map((key) => partsOf(key).name);
  const isDropped = (name: string) => live.dropped?.includes(name) ?? false;
  const sentences = [
    ...said(
      retired,
      (names) => `retire the former password of ${names}, since all have the new one`,
    ),
    ...said(
      ended.filter((key) => !isDefiner(key)),
      (names) => `drop account ${names}, which nobody uses any more`,
    ),
    ...said(
      ended.filter(isDefiner),
      (names) =>
        `lock account ${names}, which nobody logs in by any more, but views, routines, triggers or events are of`,
    ),
    ...said(
      movedOf(live, desired).filter((name) => !endedNames.includes(name)),
      (names) => `take note of the hosts that ${names} comes from`,
    ),
    ...said(having("add"), (names) => `take note of the password of ${names}`),
    ...said(
      having("delete").filter(isDropped),
      (names) =>
        `forget the password of ${names}, whose account is dropped once all else is done, and whose database stays${having("add").length > 0 ? ": nothing of it is copied" : ""}`,
    ),
    ...said(
      having("delete").filter((name) => !isDropped(name)),
      (names) => `forget the password of ${names}, whose account stays`,
    ),
  ];
  return sentences.join(", ") || "retire the former passwords once they are known";
}

/** A preview may know them by what was kept last alone. */
function endedOf({ from = {}, left = {} }: Retirement, desired: Retirement): readonly string[] {
  const given = Object.entries(from).flatMap(([name, hosts]) => {
    const now = desired.from?.[name];
    if (!Array.isArray(now) || hasUnknown(now)) return [];
    return hosts.filter((host) => !now.includes(host)).map((host) => hostKey(name, host));
  });
  return [...new Set([...Object.keys(left), ...given])];
}

/** Those that come from other host parts than before. */
function movedOf({ from = {} }: Retirement, desired: Retirement): readonly string[] {
  const now = isMap(desired.from) ? desired.from : {};
  return Object.keys(now).filter((name) => compare(from, now, [name]).length > 0);
}

function said(names: readonly string[], sentence: (names: string) => string): readonly string[] {
  return names.length === 0 ? [] : [sentence(names.join(", "))];
}

async function read(expected: Retirement, context: Context): Promise<Retirement | undefined> {
  const accounts = Object.entries(expected.passwords).flatMap(([name, password]) => {
    const hosts = expected.from?.[name];
    const account = {
      ...{ name, password, formerPassword: expected.retired?.[name] },
      ...(hosts !== undefined && { asksForDefiners: true as const }),
    };
    return hosts === undefined
      ? [{ ...account, key: name, from: "%" }]
      : hosts.map((from) => ({ ...account, key: hostKey(name, from), from }));
  });
  const probe: MemberProbe = {
    doing: `reading the passwords of cluster ${expected.cluster}`,
    script: renderProbe({ accounts }),
    accounts,
  };
  const answers = await askMembers(expected.members, probe, context);
  const { primary } = rolesOf(answers, expected);
  const answer = answers[primary];
  if (answer?.mysqld !== "running") return { ...expected, former: {}, left: {} };
  const { kept, from } = expected;
  return {
    ...expected,
    primary,
    // Whether a password is the account's is no matter of this kind: one that was changed by hand is not retired.
    passwords: expected.retired ?? expected.passwords,
    ...(from !== undefined && { from: kept ?? {} }),
    former: Object.fromEntries(
      Object.entries(answer.accounts)
        .filter(([, { hasFormerPassword }]) => hasFormerPassword)
        .map(([key, { from }]) => [key, from]),
    ),
    ...leftOf(answer.hosts, from),
  };
}

function leftOf(
  hosts: FoundAccounts["hosts"],
  wanted: Retirement["from"] = {},
): Pick<Retirement, "left" | "definers"> {
  const found = Object.entries(wanted).flatMap(([name, kept]) =>
    (hosts[name] ?? [])
      .filter(({ from, login }) => login === "yes" && !kept.includes(from))
      .map((host) => ({ ...host, key: hostKey(name, host.from) })),
  );
  return {
    left: Object.fromEntries(found.map(({ key, from }) => [key, from])),
    definers: found.filter(({ isDefiner }) => isDefiner).map(({ key }) => key),
  };
}
