/** A password made once; it lives in the state only. */

import { randomInt } from "node:crypto";
import * as v from "valibot";
import { failures, integer } from "../check";
import type { Kind } from "../kind";
import { generated } from "./generated";

interface Password {
  readonly length: number;
  readonly keeper?: string;
  readonly value?: string;
}

/** 32 letters and digits hold 190 bits; they need no quoting anywhere. */
const defaultLength = 32;
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const schema = v.strictObject({
  length: v.optional(integer(16, 128)),
  keeper: v.optional(v.string("expected a text")),
});

export const password: Kind<Password> = {
  ...generated<Password>("make a password", ["length", "keeper"], "value"),
  type: "trilithon:index:Password",
  check: (inputs) => ({
    args: { ...inputs, length: inputs.length ?? defaultLength },
    failures: failures(schema, inputs),
  }),
  apply: async (_, __, wanted) => ({ ...wanted, value: makePassword(wanted.length) }),
  computedOutputs: ["value"],
  derivedOutputs: ["value"],
  secretOutputs: ["value"],
};

function makePassword(length: number): string {
  return Array.from({ length }, () => characters[randomInt(characters.length)]).join("");
}
