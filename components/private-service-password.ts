/** The password of a private service, and the end of the one before it. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Password } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import type { Host } from "./host";
import { privateServiceFiles } from "./render/private-service";
import { renderRetirementUnit } from "./render/private-service-tls";

export function createPassword(
  parent: pulumi.Resource,
  name: string,
  passwordKeeper: pulumi.Input<string> | undefined,
): pulumi.Output<string> {
  const keeper = passwordKeeper === undefined ? {} : { keeper: passwordKeeper };
  // Marked here as well: as long as it is not known, Pulumi does not take it for a secret.
  return pulumi.secret(new Password(`${name}-password`, keeper, { parent }).value);
}

export interface Retirement {
  readonly kind: "valkey" | "redis";
  readonly password: pulumi.Output<string>;
  readonly after: readonly pulumi.Resource[];
}

/** No child of the service: who uses that waits for all of its children, and this waits for the users. */
export function createRetirement(
  name: string,
  { host, machine, deletedWith }: Host,
  { kind, password, after }: Retirement,
): Service {
  const { retirementUnit: unit, retirementUnitPath } = privateServiceFiles(kind);
  const digest = password.apply((known) => createHash("sha256").update(known).digest("hex"));
  const content = pulumi.secret(digest.apply((known) => renderRetirementUnit(kind, known)));
  return new Service(
    `${name}-password-retirement`,
    { host, unit, files: { [retirementUnitPath]: { content } }, onChange: "restart" },
    { dependsOn: [machine, ...after], ...(deletedWith && { deletedWith }) },
  );
}
