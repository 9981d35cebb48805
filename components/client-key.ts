/** The key by which the hosts that are made as containers are reached. */
import * as pulumi from "@pulumi/pulumi";
import { SshKey } from "../provider/resources/generated";

export interface ClientKey {
  /** Stands in each container as it is made: another one there would make all of them anew. */
  readonly first: SshKey;
  /** PEM. Secret. */
  readonly privateKey: pulumi.Output<string>;
  /** By which a container is reached that does not know that one yet. */
  readonly formerPrivateKeys: readonly pulumi.Output<string>[];
  /** Public keys that are to be let in no more. */
  readonly retired: pulumi.Output<readonly string[]> | undefined;
}

/** `NAME-key`; with a `keeper`, which makes another key each time that it changes, `NAME-key-in-use` as well. */
export function createClientKey(
  parent: pulumi.Resource,
  name: string,
  keeper: string | undefined,
): ClientKey {
  const first = new SshKey(`${name}-key`, {}, { parent });
  if (keeper === undefined) {
    const { privateKey } = first;
    return { first, privateKey, formerPrivateKeys: [], retired: undefined };
  }
  const { privateKey, formerPublicKeys } = new SshKey(`${name}-key-in-use`, { keeper }, { parent });
  return {
    ...{ first, privateKey },
    formerPrivateKeys: [first.privateKey],
    retired: pulumi
      .all([formerPublicKeys, first.publicKey])
      .apply(([former, made]) => [...former, made]),
  };
}
