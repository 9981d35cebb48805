/** Where a member of a MySQL cluster has its certificate, and how mysqld takes in another one without a restart. */

/** The cluster's own authority signs them: for members, and for applications. */
export const mysqlCertificates = {
  authority: "/etc/mysql/trilithon/authority.pem",
  certificate: "/etc/mysql/trilithon/server.pem",
  privateKey: "/etc/mysql/trilithon/server-key.pem",
  /** Of a pair. The option file of a group names them itself. */
  config: "/etc/mysql/mysql.conf.d/zz-trilithon-certificates.cnf",
  dropIn: "/etc/systemd/system/mysql.service.d/trilithon-certificates.conf",
};

/** By MySQL's option. */
const { authority, certificate, privateKey } = mysqlCertificates;
export const certificateOptions = {
  ssl_ca: authority,
  ssl_cert: certificate,
  ssl_key: privateKey,
  // Whoever is filled by CLONE verifies the donor.
  clone_ssl_ca: authority,
};

/** Apart from the other options: these take effect with a reload. */
export function renderMysqlCertificates(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Taken in by \`systemctl reload mysql\` as well.
[mysqld]
${Object.entries(certificateOptions)
  .map(([name, path]) => `${name} = ${path}\n`)
  .join("")}`;
}

/** mysqld reads them at its start alone, unless it is told to. Connections that are open stay. */
export function renderMysqlCertificatesDropIn(): string {
  const values = Object.entries(certificateOptions).map(([name, path]) => `${name} = '${path}'`);
  return `# Written by trilithon.
[Service]
ExecReload=
# As root, who may log in over the socket. One that does not fit its key or its authority is refused: the one before stays in effect.
ExecReload=+/usr/bin/mysql --user=root --connect-timeout=5 --execute="SET GLOBAL ${values.join(", ")}; ALTER INSTANCE RELOAD TLS"
`;
}
