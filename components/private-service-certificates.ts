/** By which certificate applications on other hosts know a private service. */
import type * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import { createOwnCertificate } from "./own-certificates";
import {
  type PrivateServiceKind,
  privateServiceFiles,
  privateServices,
} from "./render/private-service";

/** Files of its unit: a change is taken in by a reload, which ends no connection. */
export function createCertificateFiles(
  parent: pulumi.Resource,
  name: string,
  { name: host, address }: Host,
  { kind, authority }: { readonly kind: PrivateServiceKind; authority: CertificateAuthority },
): Readonly<Record<string, FileArgs>> {
  const addresses = [address, host];
  const own = createOwnCertificate(parent, name, { name: host, addresses }, authority);
  const { certificate, privateKey } = privateServiceFiles(kind);
  const reloads = { onChange: "reload" } as const;
  return {
    [certificate]: { content: own.chain, ...reloads },
    [privateKey]: {
      content: own.privateKey,
      ...{ mode: "0640", group: privateServices[kind].user, ...reloads },
    },
  };
}
