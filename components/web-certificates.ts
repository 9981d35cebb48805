/** By which certificates load balancers know the web servers. */
import type * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import { createOwnCertificate } from "./own-certificates";
import { nginxFiles } from "./render/nginx";

/** Files of Nginx's: a change is taken in by a reload. */
export function createCertificateFiles(
  parent: pulumi.Resource,
  name: string,
  { name: host, address }: Host,
  authority: CertificateAuthority,
): Readonly<Record<string, FileArgs>> {
  const addresses = [address, host];
  const own = createOwnCertificate(parent, `${name}-nginx`, { name: host, addresses }, authority);
  return {
    [nginxFiles.certificate]: { content: own.chain },
    [nginxFiles.privateKey]: { content: own.privateKey, mode: "0600" },
  };
}
