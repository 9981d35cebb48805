/** What single values must be: shared by the settings and by the components' arguments. */
import { isIPv6 } from "node:net";
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { address6 } from "./address6";
import { bitsOfIpv6 } from "./render/ipv6";
import { hiddenText, integerIn, list, rule, shape, text, textOf } from "./rule";

/** Anything that is there. */
export const present = rule("an object", (value): value is object => value instanceof Object);

export const port = integerIn(values.port);
export const seconds = integerIn(values.waitSeconds);
export const hostName = textOf(values.hostName);
export const domain = text(
  "a domain name such as www.example.com",
  (value) =>
    value.length <= 253 &&
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/.test(value),
);
export const address = text("an IPv4 address such as 10.0.0.11", isIpv4);
/** Of either family. */
export const anyAddress = v.lazy((value) =>
  hasColon(value) ? address6 : text("an IP address such as 10.0.0.11 or 2001:db8::11", isIpv4),
);
/** One address, or all that begin with the same bits. */
export const network = text("an IPv4 network such as 203.0.113.0/24", (value) => {
  const [base = "", length = "32", ...rest] = value.split("/");
  return rest.length === 0 && isIpv4(base) && /^(\d|[12]\d|3[0-2])$/.test(length);
});
/** Where somebody comes from, IPv4 or IPv6: `nft` refuses an address with bits after its prefix. */
export const sourceNetwork = text(
  "a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix",
  isNetwork,
);
/** Of a proxy, IPv4 or IPv6. */
export const proxyNetwork = v.lazy((value) => (hasColon(value) ? sourceNetwork : network));
/** Where sshd answers. */
export const sshAddress = textOf(values.sshAddress);
export const userName = textOf(values.loginName);
export const hostKey = textOf(values.hostKey);
export const privateKey = hiddenText(values.privateKey.expected, (value) =>
  values.privateKey.pattern.test(value),
);

export const urlPath = text("a path such as /healthz", (value) =>
  /^\/[A-Za-z0-9._~/-]*$/.test(value),
);
/** Below which an application answers. */
export const webPath = text(
  "a path such as /shop, of letters, digits and . _ ~ - and without a / at its end",
  (value) => value.length <= 200 && /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(value),
);
/** Of a further application: a part of file names, and of names in HAProxy and Nginx. */
export const siteName = text(
  "a name of lower-case letters, digits and hyphens that starts with a letter",
  (value) => /^[a-z][a-z0-9-]*$/.test(value),
);
/** `*` is any text, `?` one letter. */
export const immutablePath = text(
  "an address such as /assets/* or /static/*.????????.js",
  (value) => /^\/[A-Za-z0-9._~/@+,*?-]*$/.test(value),
);
/** Where a component is to run. */
export const host = shape("a host, as an ExistingHost is", {
  name: hostName,
  address,
  address6: v.optional(address6),
  host: present,
  machine: present,
});
/** Any text: another one than before makes a new secret. */
export const keeper = text("a text", (value) => value !== "");
/** Of somebody who logs in over SSH. */
export const publicKey = textOf(values.publicKey);
/** A line of a configuration file that is passed on as it is. */
export const rawLines = list(
  "a list of lines",
  text("one line of text", (value) => /^[^\n\r\0]+$/.test(value)),
);

function hasColon(value: unknown): boolean {
  return typeof value === "string" && value.includes(":");
}

function isNetwork(value: string): boolean {
  const [base = "", length = "", ...rest] = value.split("/");
  if (rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return false;
  const bits = isIpv4(base) ? bitsOfIpv4(base) : isIPv6(base) ? bitsOfIpv6(base) : undefined;
  if (bits === undefined || Number(length) > bits.length) return false;
  return !bits.slice(Number(length)).includes("1");
}

function bitsOfIpv4(address: string): string {
  return address
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
}

export function isIpv4(value: string): boolean {
  const parts = value.split(".");
  const isByte = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isByte);
}

/** As words. */
export const command = list(
  "a command as a list of words",
  text("a word", (value) => /^[^\n\r\0]*$/.test(value)),
  1,
);
