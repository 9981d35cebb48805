/** What comes in from the outside: bounded, checked, parsed. */

import type { IncomingMessage } from "node:http";
import { isGtidSet } from "./gtid";

/** A refusal that is the sender's to mend. */
export class HttpError extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 405 | 413 | 415 | 422,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** What the visitor wrote last: remembered in a cookie, so that the next page can show it. */
export interface LastWrite {
  readonly id: number;
  readonly host: string;
  readonly gtid: string;
}

/** A message of 1000 emoji, percent-encoded, needs 12 kB. */
const maxBodyBytes = 32 * 1024;
const cookieName = "wrote";
/** A replica that is further behind than this is no longer waited for. */
const cookieSeconds = 60;

/** The fields of a form, or of a JSON object. */
export async function readFields(
  request: IncomingMessage,
): Promise<Readonly<Record<string, unknown>>> {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") {
    return Object.fromEntries(new URLSearchParams(await readBody(request)));
  }
  if (type === "application/json") return parseObject(await readBody(request));
  throw new HttpError(415, "expected a form or application/json");
}

/** Set by the load balancer, or by Nginx where nobody did. */
export function requestIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers["x-request-id"];
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

/** Browsers say where a request comes from; programs that are no browser need not. */
export function checkSameOrigin(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  // Browsers name the site only to addresses that they trust: https, localhost.
  const isOwn =
    site !== undefined
      ? site === "same-origin" || site === "none"
      : origin === undefined || isSameHost(origin, host ?? "");
  if (!isOwn) throw new HttpError(403, "entries can be sent from this site's own page only");
}

/** A proxy may have taken the port out of `Host`. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return host === url.host || host === url.hostname;
}

export function parseLastWrite(cookies: string | undefined): LastWrite | undefined {
  const pair = (cookies ?? "")
    .split(";")
    .map((item) => item.trim())
    .find((item) => item.startsWith(`${cookieName}=`));
  const match =
    pair && /^(\d{1,15})\/([\w.-]{1,64})\/(.+)$/.exec(pair.slice(cookieName.length + 1));
  if (!match) return undefined;
  const [, id, host = "", gtid = ""] = match;
  // A comma cannot stand in a cookie.
  const set = gtid.replaceAll("+", ",");
  return isGtidSet(set) ? { id: Number(id), host, gtid: set } : undefined;
}

/** `scheme`: how the visitor came. A cookie that came by TLS is sent by TLS alone. */
export function renderLastWrite({ id, host, gtid }: LastWrite, scheme: "http" | "https"): string {
  const value = `${id}/${host}/${gtid.replaceAll(",", "+")}`;
  const secure = scheme === "https" ? "; Secure" : "";
  return `${cookieName}=${value}; Path=/; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** As the web server before the application says; of others it passes nothing on. */
export function schemeOf({ headers }: IncomingMessage): "http" | "https" {
  return headers["x-forwarded-proto"] === "https" ? "https" : "http";
}

/** A positive whole number in the query, `undefined` where there is none. */
export function parseCount(query: URLSearchParams, name: string, max: number): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  const value = /^\d{1,16}$/.test(given) ? Number(given) : 0;
  if (value < 1 || value > max) {
    throw new HttpError(400, `${name}: expected a whole number from 1 to ${max}, got "${given}"`);
  }
  return value;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > maxBodyBytes) {
      throw new HttpError(413, `expected at most ${maxBodyBytes / 1024} kB`, {
        Connection: "close",
      });
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString();
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, as for any other text that is no object.
  }
  throw new HttpError(400, "expected a JSON object");
}
