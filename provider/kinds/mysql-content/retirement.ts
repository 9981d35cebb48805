/** The end of former passwords: what a rotation left good is discarded, once all that log in have the new one. */

import * as v from "valibot";
import { failures, textOf } from "../../check";
import { compare, isMap } from "../../difference";
import type { Context, Difference, Kind, Properties, Step } from "../../kind";
import * as values from "../../schema/values";
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
import { password } from "../mysql/names";
import { renderProbe } from "../mysql/probe";
import { rolesOf } from "../mysql/roles";
import { accountName, mysql } from "../mysql/sql";

export interface Retirement {
  readonly cluster: string;
  readonly members: Members;
  readonly primary: string;
  /** Account name to the password that everybody has by now. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Of these accounts, those that their content drops when it is removed. */
  readonly dropped?: readonly string[];
  /** The passwords for which former ones were retired last. Output only. */
  readonly retired?: Readonly<Record<string, string>>;
  /** In a read: accounts for which a former password is good as well, with their host part. */
  readonly former: Readonly<Record<string, string>>;
}

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: memberName,
  passwords: v.record(textOf(values.accountName), password),
  dropped: v.optional(v.array(textOf(values.accountName))),
  former: v.optional(v.record(v.string(), v.string())),
});

export const mysqlPasswordRetirement: Kind<Retirement> = {
  type: "trilithon:index:MysqlPasswordRetirement",
  check: (inputs: Properties, olds: Properties = {}) => {
    const kept = withKnownCluster(inputs, olds);
    const members = withDefaultPorts(inputs.members);
    return { args: { ...kept, members, former: {} }, failures: failures(schema, kept) };
  },
  id: ({ cluster }) => cluster,
  hosts: ({ members }) => hostsOf(members),
  read,
  diff,
  plan,
  apply: async (_, live, desired, context) => {
    const former = Object.entries(live?.former ?? {});
    if (live !== undefined && former.length > 0) {
      const statements = former.map(
        ([name, from]) => `ALTER USER ${accountName(name, from)} DISCARD OLD PASSWORD`,
      );
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
    return { ...seen, passwords: desired.passwords, retired: desired.passwords };
  },
  remove: async () => {},
  secretOutputs: ["passwords", "retired"],
};

function diff(live: Retirement, desired: Retirement): Difference[] {
  return compare(live, desired, ["passwords", "former"]);
}

function plan(live: Retirement | undefined, desired: Retirement): Step[] {
  if (live === undefined || diff(live, desired).length === 0) return [];
  const on = live.primary === "" ? "" : `${live.primary}: `;
  const sentence = `${on}${sentenceOf(live, desired)}`;
  return [{ ...(on !== "" && { host: live.primary }), action: "retire password", sentence }];
}

function sentenceOf(live: Retirement, desired: Retirement): string {
  const changed = isMap(desired.passwords)
    ? diff({ ...live, former: {} }, desired).map(({ path, kind }) => ({
        name: path[1] ?? "",
        kind,
      }))
    : [];
  const having = (kind: string) =>
    changed.filter((one) => one.kind === kind).map(({ name }) => name);
  const retired = [...new Set([...Object.keys(live.former), ...having("update")])];
  const isDropped = (name: string) => live.dropped?.includes(name) ?? false;
  const sentences = [
    ...said(
      retired,
      (names) => `retire the former password of ${names}, since all have the new one`,
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

function said(names: readonly string[], sentence: (names: string) => string): readonly string[] {
  return names.length === 0 ? [] : [sentence(names.join(", "))];
}

async function read(expected: Retirement, context: Context): Promise<Retirement | undefined> {
  const accounts = Object.entries(expected.passwords).map(([name, password]) => ({
    name,
    password,
    from: "%",
  }));
  const probe: MemberProbe = {
    doing: `reading the passwords of cluster ${expected.cluster}`,
    script: (member) => renderProbe({ member, accounts }),
    accounts,
  };
  const answers = await askMembers(expected.members, probe, context);
  const { primary } = rolesOf(answers, expected);
  const answer = answers[primary];
  if (answer?.mysqld !== "running") return { ...expected, former: {} };
  return {
    ...expected,
    primary,
    // Whether a password is the account's is no matter of this kind: one that was changed by hand is not retired.
    passwords: expected.retired ?? expected.passwords,
    former: Object.fromEntries(
      Object.entries(answer.accounts)
        .filter(([, { hasFormerPassword }]) => hasFormerPassword)
        .map(([name, { from }]) => [name, from]),
    ),
  };
}
