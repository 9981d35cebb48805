/**
 * Who may read the page: whoever has the URL that was printed, in a browser that asks for nothing but this page. Other users of the machine
 * do not have it, and scripts of other sites are told by what browsers say of each request.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Access {
  /** What the URL ends with. */
  readonly path: string;
  readonly token: string;
  readonly cookie: string;
}

/** A browser sends cookies of an address to all of its ports: the path, which nobody else knows, keeps this one here. */
export function makeAccess(): Access {
  const random = (bytes: number) => randomBytes(bytes).toString("hex");
  return { path: `/${random(8)}/`, token: random(24), cookie: random(24) };
}

export const cookieName = "trilithon-dashboard";

export function setCookie({ path, cookie }: Access): string {
  return `${cookieName}=${cookie}; Path=${path}; HttpOnly; SameSite=Strict`;
}

export type Verdict = "token" | "cookie" | { readonly refused: string };

/** `host`: as browsers are to send it, `127.0.0.1:40123`. */
export function judgeRequest(
  { method, url = "", headers }: Pick<IncomingMessage, "method" | "url" | "headers">,
  { access, host }: { readonly access: Access; readonly host: string },
): Verdict {
  // A name that somebody else lets lead to this machine.
  if (headers.host !== host) return { refused: "another host name" };
  if (method !== "GET") return { refused: "another method than GET" };
  const { origin, "sec-fetch-site": site = "none" } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return { refused: "another origin" };
  // Of another form, or `//`, it would name another place, or none.
  if (!url.startsWith(access.path)) return { refused: "another path" };
  const { pathname, searchParams } = urlOf(url, host);
  // `..` leads out of it.
  if (!pathname.startsWith(access.path)) return { refused: "another path" };
  const token = searchParams.get("token");
  if (pathname === access.path && token !== null && isSame(token, access.token)) return "token";
  if (site !== "same-origin" && site !== "none") return { refused: "another site" };
  const cookies = (headers.cookie ?? "").split(/;\s*/).map((one) => one.split("="));
  const given = cookies.find(([name]) => name === cookieName)?.[1];
  if (given !== undefined && isSame(given, access.cookie)) return "cookie";
  return { refused: "no cookie" };
}

/** Of a request that was let in. */
export function urlOf(url: string, host: string): URL {
  return new URL(url, `http://${host}`);
}

function isSame(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Nothing is loaded from elsewhere, no other page shows this one, and nothing of it is kept. */
export const headersOfAll = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};
