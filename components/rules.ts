/** What single values must be: shared by the settings and by the components' arguments. */
import { hiddenText, integer, list, rule, shape, text } from "./rule";

/** Anything that is there. */
export const present = rule("an object", (value): value is object => value instanceof Object);

export const port = integer(1, 65535);
export const seconds = integer(1, 3600);
export const hostName = text(
  "a host name of at most 63 lower-case letters, digits and hyphens that starts with a letter",
  (value) => /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value),
);
export const domain = text(
  "a domain name such as www.example.com",
  (value) =>
    value.length <= 253 &&
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/.test(value),
);
export const address = text("an IPv4 address such as 10.0.0.11", isIpv4);
/** One address, or all that begin with the same bits. */
export const network = text("an IPv4 network such as 203.0.113.0/24", (value) => {
  const [base = "", length = "32", ...rest] = value.split("/");
  return rest.length === 0 && isIpv4(base) && /^(\d|[12]\d|3[0-2])$/.test(length);
});
/** Where sshd answers. */
export const sshAddress = text("a host name or an IP address", (value) =>
  /^[A-Za-z0-9:][A-Za-z0-9.:-]*$/.test(value),
);
export const userName = text("a user name", (value) => /^[a-z_][a-z0-9_.-]{0,31}$/.test(value));

export const hostKeyWords = "a public host key such as ssh-ed25519 AAAA...";
export const hostKeyRemedy =
  "read it on the machine itself with cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub";
export const hostKey = text(
  hostKeyWords,
  (value) =>
    /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,3}$/.test(value),
  hostKeyRemedy,
);

export const privateKeyWords = "a private key in OpenSSH or PEM format";
export const privateKey = hiddenText(privateKeyWords, (value) =>
  /^\s*-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\s[\s\S]+\s-----END ([A-Z]+ )?PRIVATE KEY-----\s*$/.test(
    value,
  ),
);

export const urlPath = text("a path such as /healthz", (value) =>
  /^\/[A-Za-z0-9._~/-]*$/.test(value),
);
/** Where a component is to run. */
export const host = shape("a host, as an ExistingHost is", {
  name: hostName,
  address,
  host: present,
  machine: present,
});
/** A line of a configuration file that is passed on as it is. */
export const rawLines = list(
  "a list of lines",
  text("one line of text", (value) => /^[^\n\r\0]+$/.test(value)),
);

export function isIpv4(value: string): boolean {
  const parts = value.split(".");
  const isByte = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isByte);
}
