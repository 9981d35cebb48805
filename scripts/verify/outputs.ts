/** Asks Pulumi for the outputs of a stack that the scripts need. */

import * as v from "valibot";
import { devStack } from "../setup/environment";
import { capturePulumi } from "../setup/stack";
import { type Endpoints, parseEndpoints } from "./endpoints";

const outputs = v.object({
  endpoints: v.unknown(),
  sshKeys: v.record(v.string(), v.string()),
});

export interface StackOutputs {
  readonly endpoints: Endpoints;
  /** Host name to private key. */
  readonly privateKeys: Readonly<Record<string, string>>;
}

export async function readOutputs(stack: string): Promise<StackOutputs> {
  const place = { ...devStack, stack };
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stack];
  const { status, stdout, stderr } = await capturePulumi(place, args);
  if (status !== 0) throw new Error(`stack ${stack}: its outputs cannot be read: ${stderr.trim()}`);
  const given: unknown = JSON.parse(stdout);
  const result = v.safeParse(outputs, given);
  if (!result.success) {
    const missing = result.issues.map((issue) => v.getDotPath(issue)).join(", ");
    throw new Error(`stack ${stack}: no output ${missing}: bring it up with npm start first`);
  }
  return {
    endpoints: parseEndpoints(result.output.endpoints),
    privateKeys: result.output.sshKeys,
  };
}
