/** A planted secret is nowhere in the comment nor in the report. */

import test from "ava";
import fc from "fast-check";
import { renderComment } from "../../../scripts/preview-comment/comment";
import { noLimits } from "../../../scripts/preview-comment/limits";

const planted = "pLanted-7f3a-secret";
const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${planted}\n-----END OPENSSH PRIVATE KEY-----\n`;
const mark = "[secret]";

/** Every place where a user can put a secret. */
const places: readonly (readonly string[])[] = [
  ["host", "privateKey"],
  ["files", "/etc/guestbook/environment", "content"],
  ["files", "/etc/guestbook/environment"],
  ["files"],
  ["packages", "nginx"],
  ["unit"],
  ["check"],
  ["ready", "http"],
  ["accounts", "guestbook", "password"],
  ["accounts", "guestbook"],
  ["replicationAccount", "password"],
  ["members", "web-01", "host", "privateKey"],
  ["envs", "0"],
  ["environment", "DATABASE_URL"],
  ["create"],
  ["stdin"],
  ["value"],
  ["privateKey"],
];

const types = ["Service", "Release", "MysqlReplication", "Password", "SshKey", "Command"];

interface Plan {
  readonly place: readonly string[];
  readonly type: string;
  readonly op: string;
  readonly path: "whole" | "top" | "none";
  /** Which of the four trees know that it is a secret; the others have it in plain. */
  readonly marked: readonly boolean[];
  readonly text: string;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  place: fc.constantFrom(...places),
  type: fc.constantFrom(...types),
  op: fc.constantFrom("create", "update", "replace", "delete"),
  path: fc.constantFrom("whole" as const, "top" as const, "none" as const),
  marked: fc
    .array(fc.boolean(), { minLength: 4, maxLength: 4 })
    .filter((trees) => trees.includes(true)),
  text: fc.constantFrom(planted, `${planted}\n`, `first\n${planted}\nlast\n`, key),
});

function tree(place: readonly string[], leaf: unknown): Record<string, unknown> {
  const [name = "", ...rest] = place;
  const below = rest.length === 0 ? leaf : tree(rest, leaf);
  if (rest.length > 0 && rest[0] === "0") return { [name]: [below].map(() => leaf) };
  return { host: { name: "web-01" }, name: "guestbook", [name]: below };
}

function preview({ place, type, op, path, marked, text }: Plan): string {
  const urn = `urn:pulumi:dev::trilithon::trilithon:index:${type}::one`;
  const [oldInputs, oldOutputs, newInputs, newOutputs] = marked.map((isMarked, index) =>
    tree(place, isMarked ? mark : `${text}${index}`),
  );
  const paths = { whole: place, top: place.slice(0, 1), none: [] }[path];
  const rendered = paths.map((name, index) => (index === 0 ? name : `["${name}"]`)).join("");
  const kind = { kind: "update", inputDiff: false };
  const state = (inputs: unknown, outputs: unknown) => ({ type, custom: true, inputs, outputs });
  return JSON.stringify({
    steps: [
      {
        op,
        urn,
        ...(op === "create" ? {} : { oldState: state(oldInputs, oldOutputs) }),
        ...(op === "delete" ? {} : { newState: state(newInputs, newOutputs) }),
        detailedDiff: path === "none" ? null : { [rendered]: kind },
      },
    ],
  });
}

function shown(text: string, secrets: readonly string[] = []): string {
  const options = { stack: "trilithon/dev", secrets };
  const report = renderComment(text, { ...options, limits: noLimits });
  return `${renderComment(text, options).markdown}\n${report.markdown}`;
}

test("a secret that any state marks as one is not shown", (t) => {
  fc.assert(
    fc.property(
      // A state of which nothing is known to be secret is no secret to anyone.
      plans.filter(
        ({ op, marked }) =>
          !(op === "create" && !(marked[2] || marked[3])) &&
          !(op === "delete" && !(marked[0] || marked[1])),
      ),
      (plan) => !shown(preview(plan)).includes(planted),
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test("the search would find one", (t) => {
  const place = ["files", "/etc/motd", "content"];
  const marked = [false, false, false, false];
  const plan: Plan = { place, type: "Service", op: "update", path: "whole", marked, text: planted };
  t.true(shown(preview(plan)).includes(planted));
  t.false(shown(preview(plan), [planted]).includes(planted));
});

test("a private key in a public file is not shown", (t) => {
  const place = ["files", "/etc/motd", "content"];
  const marked = [false, false, false, false];
  const plan: Plan = { place, type: "Service", op: "update", path: "whole", marked, text: key };
  t.false(shown(preview(plan)).includes(planted));
});

const forms = [
  `mysql --password=${planted} -e 'SELECT 1'`,
  `MYSQL_PASSWORD=${planted} exited`,
  `{"password": "${planted}"}`,
  `token: ${planted}`,
  `mysql://guestbook:${planted}@172.31.64.21/guestbook: access denied`,
  `ALTER USER 'guestbook' IDENTIFIED BY '${planted}'`,
  `CREATE USER a IDENTIFIED WITH caching_sha2_password BY '${planted}'`,
  `Authorization: Bearer ${planted}`,
  key,
  key.slice(0, -20),
  `property unit value {&{{${planted}}}} has a problem: expected a unit, got "${planted}"`,
];

for (const [index, form] of forms.entries()) {
  test(`masks form ${index} of a secret in what was said`, (t) => {
    for (const severity of ["error", "warning", "info"]) {
      const diagnostics = [{ message: `${severity}: ${form}\n`, severity }];
      t.false(shown(JSON.stringify({ steps: [], diagnostics })).includes(planted), severity);
    }
    t.false(shown(`error: ${form}`).includes(planted), "beside the preview");
  });
}

test("a sentence about a password is no password", (t) => {
  const sentence = "settings/database/password: expected a text, got a number";
  t.true(shown(`error: ${sentence}`).includes(sentence));
});
