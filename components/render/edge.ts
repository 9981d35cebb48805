/** What HAProxy does before any web server is asked: who comes too often, asks for too much or is not let in, and what answers say to browsers. */
import { edgeFiles, passHeader } from "./edge-script";

export interface HaproxyEdge {
  /** Requests of one address. */
  readonly rateLimit?: { readonly requests: number; readonly seconds: number } | undefined;
  readonly connectionsPerSecond: number | "none";
  readonly headerKilobytes?: number | undefined;
  readonly urlKilobytes?: number | undefined;
  /** Networks. Default: all. */
  readonly allow?: readonly string[] | undefined;
  /** Name to the hash of a password, as crypt(3) has it. Default: nobody is asked who they are. */
  readonly users?: Readonly<Record<string, string>> | undefined;
  /** Whether visitors have to be in `allow` and one of `users`, or either. */
  readonly satisfy: "all" | "any";
  /** Headers of answers that have none of that name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly maintenance: {
    readonly retryAfterSeconds: number;
    /** Networks that see the site all the same. */
    readonly operators: readonly string[];
  };
}

/** A burst is no attack: many people of an office come at nine. */
const connectionSeconds = 10;
const requestTable = "edge_requests";
const connectionTable = "edge_connections";
const userList = "edge_users";
/** As the authority asks for it, and nothing that Nginx would take for another path. */
const challenge = "path_reg ^/\\.well-known/acme-challenge/[A-Za-z0-9_-]+$";
const passes = "var(txn.passes) -m bool";

/** Sections of their own. */
export function renderEdgeSections(edge: HaproxyEdge): string {
  const { rateLimit, connectionsPerSecond, users = {} } = edge;
  const names = Object.entries(users);
  return [
    names.length > 0
      ? `
userlist ${userList}
${names.map(([name, hash]) => `    user ${name} password ${hash}\n`).join("")}`
      : "",
    connectionsPerSecond === "none"
      ? ""
      : renderTable(connectionTable, `conn_rate(${connectionSeconds}s)`, connectionSeconds),
    rateLimit
      ? renderTable(requestTable, `http_req_rate(${rateLimit.seconds}s)`, rateLimit.seconds)
      : "",
  ].join("");
}

/** With 100,000 addresses it takes about 10 MB. */
function renderTable(name: string, counter: string, seconds: number): string {
  return `
backend ${name}
    stick-table type ipv6 size 100k expire ${seconds}s store ${counter}
`;
}

/** Before TLS is spoken: a handshake is what costs. */
export function renderConnectionLimit(
  { connectionsPerSecond }: HaproxyEdge,
  trustedProxies: readonly string[],
): string {
  if (connectionsPerSecond === "none") return "";
  const trusted =
    trustedProxies.length > 0
      ? `    tcp-request connection accept if { src ${trustedProxies.join(" ")} }\n`
      : "";
  return `    # At most ${connectionsPerSecond} new connections a second from one address.
${trusted}${renderTracking("tcp-request connection", "sc0", connectionTable)}    tcp-request connection reject if { sc_conn_rate(0) gt ${connectionsPerSecond * connectionSeconds} }
`;
}

/** Whoever has one address of a network of IPv6 has all of them. */
function renderTracking(rule: string, counter: string, table: string): string {
  return `    ${rule} track-${counter} src table ${table} if { src 0.0.0.0/0 }
    ${rule} track-${counter} src,ipmask(32,64) table ${table}
`;
}

/** What one visitor may ask for. Who shows a pass is one of ours. */
export function renderLimits({ rateLimit, headerKilobytes, urlKilobytes }: HaproxyEdge): string {
  const tooMuch = (status: number, text: string, condition: string) =>
    `    http-request return status ${status} content-type text/plain string "${text}" if { ${condition} }\n`;
  return [
    `    # Of those who look after the stack: it is good until the second that it begins with.
    http-request set-var(txn.now) date if { req.hdr(${passHeader}) -m found }
    http-request set-var(txn.passes) bool(true) if { req.hdr(${passHeader},1) -m str -f ${edgeFiles.passes} } { req.hdr(${passHeader},1),field(1,-),sub(txn.now) gt 0 }
    http-request del-header ${passHeader}
`,
    rateLimit
      ? `${renderTracking("http-request", "sc1", requestTable)}    http-request return status 429 content-type text/plain hdr Retry-After "${rateLimit.seconds}" hdr Cache-Control no-store string "Too many requests." if { sc_http_req_rate(1) gt ${rateLimit.requests} } !{ ${passes} }
`
      : "",
    urlKilobytes === undefined
      ? ""
      : tooMuch(414, "The address is too long.", `pathq,length gt ${urlKilobytes * 1024}`),
    headerKilobytes === undefined
      ? ""
      : tooMuch(431, "The headers are too large.", `req.hdrs,length gt ${headerKilobytes * 1024}`),
  ].join("");
}

export interface Site {
  /** Who is asked for a password is told it. */
  readonly domain: string;
  /** A condition: the visitor speaks TLS. Not given where nobody does. */
  readonly isTls: string | undefined;
}

/** Who sees the site: once everybody is led to the right name, and to TLS. */
export function renderAdmission(edge: HaproxyEdge, site: Site): string {
  return [renderAccess(edge, site), renderMaintenance(edge), renderHeaders(edge)].join("");
}

function renderAccess({ allow = [], users = {}, satisfy }: HaproxyEdge, site: Site): string {
  const hasUsers = Object.keys(users).length > 0;
  if (allow.length === 0 && !hasUsers) return "";
  const isEither = satisfy === "any" && hasUsers && allow.length > 0;
  const sources = `src ${allow.join(" ")}`;
  return [
    `    acl is_admitted ${passes}
    acl is_admitted ${challenge}
`,
    isEither ? `    acl is_admitted ${sources}\n` : "",
    allow.length > 0 && !isEither
      ? `    http-request deny deny_status 403 unless is_admitted or { ${sources} }\n`
      : "",
    hasUsers ? renderLogin(site) : "",
  ].join("");
}

function renderLogin({ domain, isTls }: Site): string {
  const tls =
    isTls === undefined
      ? ""
      : `    # Nobody is asked for a password where others could read it.
    http-request deny deny_status 403 unless is_admitted or ${isTls}
`;
  return `${tls}    http-request set-var(txn.user) bool(true) if !is_admitted { http_auth(${userList}) }
    http-request auth realm "${domain}" unless is_admitted or { var(txn.user) -m bool }
    # The application has users of its own, and may take these for some of them.
    http-request del-header Authorization if { var(txn.user) -m bool }
`;
}

/** What is under way ends as ever. */
function renderMaintenance({ maintenance: { retryAfterSeconds, operators } }: HaproxyEdge): string {
  const passing = operators.length > 0 ? ` !{ src ${operators.join(" ")} }` : "";
  const isShut = "{ var(txn.shut) -m bool }";
  return `    http-request set-var(txn.shut) bool(true) if { str(on) -m str -f ${edgeFiles.maintenance} } !{ ${passes} } !{ ${challenge} }${passing}
    # Each answer with 503 would have a line in the log.
    http-request set-log-level silent if ${isShut}
    http-request return status 503 content-type "text/html; charset=utf-8" hdr Retry-After "${retryAfterSeconds}" hdr Cache-Control no-store file ${edgeFiles.page} if ${isShut}
`;
}

function renderHeaders({ headers }: HaproxyEdge): string {
  return Object.entries(headers)
    .map(
      ([name, value]) =>
        `    http-after-response set-header ${name} ${quoted(value)} unless { res.hdr(${name}) -m found }\n`,
    )
    .join("");
}

/** One word of HAProxy's, and a text in which it replaces nothing. */
function quoted(text: string): string {
  return `"${text.replaceAll("%", "%%").replaceAll(/[\\"$]/g, "\\$&")}"`;
}

/** `text`: paragraphs. */
export function renderMaintenancePage(domain: string, text: string): string {
  const paragraphs = text.split(/\n+/).filter((line) => line.trim() !== "");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${domain}</title>
<style>
  :root { color-scheme: light dark }
  body { max-width: 30rem; margin: 20vh auto 0; padding: 0 1rem; font: 1.1rem/1.5 system-ui, sans-serif }
</style>
<h1>${domain}</h1>
${paragraphs.map((line) => `<p>${escaped(line.trim())}</p>`).join("\n")}
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
