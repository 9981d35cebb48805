/** The variables by which an application knows that it is to verify a server, and whom it trusts for that. */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";

/** `prefix`: `DATABASE`. `path`: on the application's host, with `certificates` (PEM). */
export function verifyingVariables(
  prefix: string,
  path: string,
  certificates: pulumi.Output<string>,
): Record<string, pulumi.Input<string>> {
  return {
    [`${prefix}_SSL`]: "verify",
    [`${prefix}_SSL_CA`]: path,
    // Many read the file only when they start: other certificates are another value, which restarts them.
    [`${prefix}_SSL_CA_SHA256`]: certificates.apply((text) =>
      createHash("sha256").update(text).digest("hex"),
    ),
  };
}
