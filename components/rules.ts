/** What single values must be: shared by the settings and by the components' arguments. */
import { integer, list, text } from "./rule";

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
export const urlPath = text("a path such as /healthz", (value) =>
  /^\/[A-Za-z0-9._~/-]*$/.test(value),
);
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
