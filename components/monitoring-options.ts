/** What monitoring is told: how long it keeps what it saw, and who hears of an alert. */
import type * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { packages } from "./options";
import { hiddenText, integer, record, rule, text } from "./rule";
import { keeper } from "./rules";

export interface WebhookArgs {
  /** `https://hooks.example.net/...`: often all that a stranger needs, so give a secret. */
  readonly url: pulumi.Input<string>;
}

export interface EmailArgs {
  /** Who is told. */
  readonly to: string;
  /** As whom. */
  readonly from: string;
  /** Name and port of the server that takes it: `mail.example.net:587`. */
  readonly server: string;
  /** Who logs in there. Default: nobody. */
  readonly user?: string | undefined;
  /** Give a secret. */
  readonly password?: pulumi.Input<string> | undefined;
  /** Whether nothing is sent without TLS. Default true. */
  readonly requireTls?: boolean | undefined;
}

const webhook = record("an object with url", {
  url: hiddenText("an http or https URL", (value) => /^https?:\/\/[^\s"]+$/.test(value)),
});

const mailAddress = text("a mail address", (value) => /^[^\s@<>"]+@[^\s@<>"]+$/.test(value));

const email = v.pipe(
  record("an object with to, from and server", {
    to: mailAddress,
    from: mailAddress,
    server: text("a mail server with its port such as mail.example.net:587", (value) =>
      /^[A-Za-z0-9.-]+:\d{1,5}$/.test(value),
    ),
    user: v.exactOptional(text("one word", (value) => /^\S+$/.test(value))),
    password: v.exactOptional(
      hiddenText("one line of text", (value) => /^[^\n\r\0]+$/.test(value)),
    ),
    requireTls: v.exactOptional(
      rule("true or false", (value): value is boolean => typeof value === "boolean"),
    ),
  }),
  v.check(
    ({ user, password }) => (user === undefined) === (password === undefined),
    "expected both user and password, or none, got one of them",
  ),
);

/** Of both authorities of a stack. */
export const monitoringAuthorityOptions = { authorityKeeper: v.exactOptional(keeper) };

export const monitoringOptions = {
  retentionDays: v.exactOptional(integer(1, 3650)),
  retentionGigabytes: v.exactOptional(integer(1, 10_000)),
  webhook: v.exactOptional(webhook),
  watchdog: v.exactOptional(webhook),
  email: v.exactOptional(email),
  grafana: v.exactOptional(
    rule("true or false", (value): value is boolean => typeof value === "boolean"),
  ),
  packages: v.exactOptional(packages),
};
