/** An authority of one's own, and the certificates by which its hosts are known, as daemons show them. */
import * as pulumi from "@pulumi/pulumi";
import { Certificate, CertificateAuthority } from "../provider/resources/generated";

/** `NAME-authority`. Of one purpose alone: nobody else's certificate is good there. Another `keeper` makes another one. */
export function createOwnAuthority(
  name: string,
  keeper: pulumi.Input<string> | undefined,
  parent?: pulumi.Resource,
): CertificateAuthority {
  return new CertificateAuthority(
    `${name}-authority`,
    { name: `${name} authority`, ...(keeper !== undefined && { keeper }) },
    { ...(parent && { parent }) },
  );
}

export interface OwnCertificate {
  /** PEM, followed by those that lead to a former authority, which others may still trust alone. */
  readonly chain: pulumi.Output<string>;
  /** PEM. A secret. */
  readonly privateKey: pulumi.Output<string>;
}

/** `NAME-certificate`. `of`: whose it is, and by which names and addresses it is reached. */
export function createOwnCertificate(
  parent: pulumi.Resource,
  name: string,
  of: { readonly name: string; readonly addresses: readonly pulumi.Input<string>[] },
  authority: CertificateAuthority,
): OwnCertificate {
  const { certificate, privateKey } = new Certificate(
    `${name}-certificate`,
    {
      name: of.name,
      addresses: [...of.addresses],
      authorityCertificate: authority.certificate,
      authorityPrivateKey: authority.privateKey,
    },
    { parent },
  );
  return {
    chain: pulumi.interpolate`${certificate}${authority.crossCertificates}`,
    privateKey: pulumi.secret(privateKey),
  };
}
