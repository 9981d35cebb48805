/** Who a resource is: its place in the program, and the claim that lasts when that place is renamed. */

import { randomBytes } from "node:crypto";
import type { Owner } from "../kind";

/** Without a claim it is one that is yet to be created. */
export function ownerOf(urn: string, claim?: string): Owner {
  const isNew = claim === undefined;
  return { ...parseUrn(urn), urn, claim: claim ?? mintClaim(), isNew };
}

export function mintClaim(): string {
  return randomBytes(16).toString("hex");
}

/** The resource's own type, without those of the components around it. */
export function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** `urn:pulumi:dev::trilithon::parentType$trilithon:index:Service::lb-01-service` */
function parseUrn(urn: string) {
  const [stack = "", project = "", , ...resource] = urn.split("::");
  return { stack: stack.replace("urn:pulumi:", ""), project, resource: resource.join("::") };
}
