/** By which certificates load balancers know the web servers. */
import * as pulumi from "@pulumi/pulumi";
import { Certificate, CertificateAuthority } from "../provider/resources/generated";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import { nginxFiles } from "./render/nginx";

/** Of one stack alone: nobody else's certificate is good there. */
export function createWebAuthority({
  keeper,
}: {
  readonly keeper: string | undefined;
}): CertificateAuthority {
  return new CertificateAuthority("web-authority", {
    name: "web authority",
    ...(keeper !== undefined && { keeper }),
  });
}

/** Files of Nginx's: a change is taken in by a reload. */
export function createCertificateFiles(
  parent: pulumi.Resource,
  name: string,
  { name: host, address }: Host,
  authority: CertificateAuthority,
): Readonly<Record<string, FileArgs>> {
  const own = new Certificate(
    `${name}-nginx-certificate`,
    {
      name: host,
      addresses: [address, host],
      authorityCertificate: authority.certificate,
      authorityPrivateKey: authority.privateKey,
    },
    { parent },
  );
  return {
    [nginxFiles.certificate]: {
      content: pulumi.interpolate`${own.certificate}${authority.crossCertificates}`,
    },
    [nginxFiles.privateKey]: { content: pulumi.secret(own.privateKey), mode: "0600" },
  };
}
