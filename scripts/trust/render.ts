/** How to trust an authority, in the words of each system. */
import { X509Certificate } from "node:crypto";

export interface TrustText {
  readonly stack: string;
  readonly domain: string;
  /** PEM. */
  readonly ca: string;
  /** Where it was written, if it was. */
  readonly file: string | undefined;
}

export function renderTrust({ stack, domain, ca, file }: TrustText): string {
  const { subject, fingerprint256, validTo } = new X509Certificate(ca);
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject;
  const path = file ?? "FILE";
  const installed = `/usr/local/share/ca-certificates/${domain}.crt`;
  const ways = [
    ["Debian, Ubuntu", `cp ${path} ${installed} && update-ca-certificates`],
    ["Fedora", `cp ${path} /etc/pki/ca-trust/source/anchors/ && update-ca-trust`],
    [
      "macOS",
      `security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${path}`,
    ],
    ["Windows", `certutil -addstore Root ${path}`],
    ["Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import"],
    // There it does not ask the system.
    [
      "Chromium on Linux",
      `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ${domain} -i ${path}  # package libnss3-tools`,
    ],
    ["curl", `curl --cacert ${path} https://${domain}/`],
    ["Node", `NODE_EXTRA_CA_CERTS=${path}`],
  ] as const;
  const width = Math.max(...ways.map(([system]) => system.length));
  const lines = ways.map(([system, how]) => `  ${system.padEnd(width)}  ${how}`);
  return `${file === undefined ? `${ca}\n` : ""}The authority of stack ${stack}: ${name}
SHA-256 ${fingerprint256}
good until ${new Date(validTo).toISOString().slice(0, 10)}

Whoever trusts it trusts all that has its key, which is in the stack's state. To trust it (as root, where a system is told):

${lines.join("\n")}
${file === undefined ? `\nFILE: npm run trust -- --stack ${stack} --output FILE writes it.\n` : ""}`;
}
