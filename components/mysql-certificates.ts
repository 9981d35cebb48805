/** By which certificates the members of a MySQL cluster are known, to each other and to applications. */
import type * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import { createOwnCertificate } from "./own-certificates";
import { mysqlCertificates, renderMysqlCertificatesDropIn } from "./render/mysql-certificates";

/** Applications reach a member through the proxy on their own host, at one of its loopback addresses. */
const throughProxy = ["127.0.0.1", "127.0.0.2", "localhost"];

/** Files of a member's `mysql.service`: a change is taken in by a reload. */
export function createCertificateFiles(
  parent: pulumi.Resource,
  name: string,
  { name: member, address }: Host,
  authority: CertificateAuthority,
): Readonly<Record<string, FileArgs>> {
  const addresses = [address, member, ...throughProxy];
  const own = createOwnCertificate(
    parent,
    `${name}-${member}`,
    { name: member, addresses },
    authority,
  );
  const reloads = { onChange: "reload" } as const;
  return {
    [mysqlCertificates.authority]: { content: authority.trustedCertificates, ...reloads },
    [mysqlCertificates.certificate]: {
      content: own.chain,
      ...reloads,
    },
    [mysqlCertificates.privateKey]: {
      content: own.privateKey,
      ...{ mode: "0600", owner: "mysql", group: "mysql", ...reloads },
    },
    [mysqlCertificates.dropIn]: {
      content: renderMysqlCertificatesDropIn(),
      onChange: "nothing",
    },
  };
}
