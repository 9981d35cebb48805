/** By which certificates the members of a MySQL cluster are known, to each other and to applications. */
import * as pulumi from "@pulumi/pulumi";
import { Certificate, CertificateAuthority } from "../provider/resources/generated";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import type { MysqlArgs } from "./mysql-members";
import { mysqlCertificates, renderMysqlCertificatesDropIn } from "./render/mysql-certificates";

/** Of one cluster alone: nobody else's certificate is good there. */
export function createAuthority(
  parent: pulumi.Resource,
  name: string,
  { authorityKeeper }: MysqlArgs,
): CertificateAuthority {
  const keeper = authorityKeeper === undefined ? {} : { keeper: authorityKeeper };
  return new CertificateAuthority(
    `${name}-authority`,
    { name: `${name} authority`, ...keeper },
    { parent },
  );
}

/** Applications reach a member through the proxy on their own host, at one of its loopback addresses. */
const throughProxy = ["127.0.0.1", "127.0.0.2", "localhost"];

/** Files of a member's `mysql.service`: a change is taken in by a reload. */
export function createCertificateFiles(
  parent: pulumi.Resource,
  name: string,
  { name: member, address }: Host,
  authority: CertificateAuthority,
): Readonly<Record<string, FileArgs>> {
  const own = new Certificate(
    `${name}-${member}-certificate`,
    {
      name: member,
      addresses: [address, member, ...throughProxy],
      authorityCertificate: authority.certificate,
      authorityPrivateKey: authority.privateKey,
    },
    { parent },
  );
  const reloads = { onChange: "reload" } as const;
  return {
    [mysqlCertificates.authority]: { content: authority.trustedCertificates, ...reloads },
    [mysqlCertificates.certificate]: {
      content: pulumi.interpolate`${own.certificate}${authority.crossCertificates}`,
      ...reloads,
    },
    [mysqlCertificates.privateKey]: {
      content: pulumi.secret(own.privateKey),
      ...{ mode: "0600", owner: "mysql", group: "mysql", ...reloads },
    },
    [mysqlCertificates.dropIn]: {
      content: renderMysqlCertificatesDropIn(),
      onChange: "nothing",
    },
  };
}
