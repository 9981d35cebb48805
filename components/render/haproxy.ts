/** The files of HAProxy. */

import {
  type HaproxyEdge,
  renderAdmission,
  renderConnectionLimit,
  renderEdgeSections,
  renderLimits,
} from "./edge";
import { edgeFiles } from "./edge-script";
import { forwardingHeaders } from "./forwarding-headers";
import { httpLogFormat } from "./http-log-format";
import { renderAltSvc, renderHttp3Binds, renderHttp3Global } from "./http3";
import { renderHaproxyMetrics } from "./monitoring/haproxy-metrics";
import { renderRestartAlways } from "./restart-always";
import { renderTlsProfile } from "./tls-profile";
import { renderUnknownHost, type UnknownHost } from "./unknown-host";
import { insideDomain, nameInside } from "./web-paths";

export interface HaproxyConfig {
  /** Sent with the health checks: a web server may serve several domains. */
  readonly domain: string;
  /** Further names of the same site. Default none. */
  readonly aliases?: readonly string[] | undefined;
  /** The load balancer's private address, which alone answers for statistics. */
  readonly address: string;
  readonly port: number;
  /** Whether it answers on all IPv6 addresses as well. */
  readonly isIpv6?: boolean | undefined;
  readonly statsPort: number;
  /** Where Prometheus asks, over TLS. Default: nowhere. */
  readonly metricsPort?: number | undefined;
  readonly healthPath: string;
  readonly responseTimeoutSeconds: number;
  readonly servers: readonly HaproxyServer[];
  /** Below these paths are files that one server may have a moment before the others. Default none. */
  readonly sharedPaths?: readonly string[];
  /** Further applications, each with the requests for its domains. All others are for `servers`. */
  readonly applications: readonly HaproxyApplication[];
  /** A word that names the load balancers of one stack: it answers for itself then, at `balancerHealthPath` and `balancerMarkPath`. */
  readonly mark?: string | undefined;
  /** Networks of proxies before this one, whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
  /** It ends TLS itself then, and leads everybody there. */
  readonly https?: HaproxyHttps | undefined;
  /** A host name to the one that visitors are led to from there. Default none. */
  readonly redirects?: Readonly<Record<string, string>> | undefined;
  /** What becomes of requests for host names that nobody has. Default `serve`. */
  readonly unknownHost?: UnknownHost | undefined;
  /** What it refuses by itself, whom it lets in, and what answers tell browsers. Default: nothing of that. */
  readonly edge?: HaproxyEdge | undefined;
  /** Lines that end a section, as they are. */
  readonly rawLines: {
    readonly global?: readonly string[];
    readonly frontend?: readonly string[];
    readonly backend?: readonly string[];
  };
}

export interface HaproxyHttps {
  readonly port: number;
  /** Browsers are to come by TLS alone for so long. */
  readonly hsts?:
    | {
        readonly days: number;
        readonly includeSubDomains?: boolean | undefined;
        readonly preload?: boolean | undefined;
      }
    | undefined;
  /** Spoken at the same port over UDP. */
  readonly http3?: boolean | undefined;
  /** Paths that are answered without TLS as well, besides the health check's. */
  readonly plainPaths: readonly string[];
  /** Of the account at the authority that is asked for certificates, if one is: by it each challenge is answered. */
  readonly acmeThumbprint?: string | undefined;
}

export interface HaproxyApplication {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** One or more; the first is sent with the health checks. */
  readonly domains: readonly string[];
  /** It has these paths of a site: of the application `under`, or of that which has all other requests. Default: its domains. */
  readonly paths?: readonly string[];
  readonly under?: string | undefined;
  readonly servers: readonly HaproxyServer[];
  readonly sharedPaths?: readonly string[];
}

export interface HaproxyServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Asked over TLS: it is to show a certificate for its name, of one of the authorities in `haproxyFiles.authorities`. Default false. */
  readonly isTls?: boolean;
}

export const haproxyFiles = {
  config: "/etc/haproxy/haproxy.cfg",
  unavailable: "/etc/haproxy/503.html",
  /** Of a further application. */
  unavailableOf: (name: string) => `/etc/haproxy/503-${name}.html`,
  /** Names the certificates: the first is for clients that name no host. */
  certificates: "/etc/haproxy/certificates.list",
  certificate: (place: number) => `/etc/haproxy/certificates/${place + 1}.pem`,
  /** HAProxy looks for it there. */
  keyOf: (certificate: string) => `${certificate}.key`,
  /** Of those who sign the web servers' certificates. */
  authorities: "/etc/haproxy/web-authorities.pem",
  /** Run before a reload. */
  stateScript: "/etc/haproxy/trilithon-server-state",
  unit: "/etc/systemd/system/haproxy.service.d/trilithon.conf",
};

/** HAProxy's own health, whatever becomes of the web servers. */
export const balancerHealthPath = "/.trilithon/load-balancer";
/** Whose it is: of load balancers that share an address all answer the same word. */
export const balancerMarkPath = "/.trilithon/mark";

/** The backend of an application; what is not idempotent has another one, `once`, and so have files that servers share. */
export function backendOf(application?: string) {
  return backendsOf(application === undefined ? "web_servers" : `${application}_web_servers`);
}

function backendsOf(backend: string) {
  return { backend, once: `${backend}_once`, shared: `${backend}_shared` };
}

/** Whether there is another server to ask for a file. */
export function hasShared({
  servers,
  sharedPaths = [],
}: {
  readonly servers: readonly unknown[];
  readonly sharedPaths?: readonly string[];
}): boolean {
  return servers.length > 1 && sharedPaths.length > 0;
}

function isShared(sharedPaths: readonly string[] = []): string {
  return `{ path_beg ${sharedPaths.map((path) => `${path}/`).join(" ")} }`;
}

const socket = "/run/haproxy/admin.sock";

export { socket as adminSocket };

/** How long a WebSocket may be idle, and how long one lives on after a reload. */
const webSocketHours = 1;
const serverState = "/var/lib/haproxy/server-state";
/** Below it a certificate's authority looks for the answer to its question. */
const challengePath = "/.well-known/acme-challenge/";
/** How long a visitor who comes back need not shake hands anew. */
const sessionSeconds = 3600;

export function renderHaproxy(config: HaproxyConfig): string {
  const { address, statsPort, rawLines, applications, https, edge, trustedProxies } = config;
  const { metricsPort } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

global
    log stdout format raw daemon
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    # A reload takes the listening sockets over from the process before it: no connection is refused.
    stats socket ${socket} mode 600 level admin expose-fd listeners
    # A process that a reload replaced ends by then, with the WebSockets and streams that it still carries.
    hard-stop-after ${webSocketHours}h
    # The headers of a request or an answer have to fit into one buffer.
    tune.bufsize 65536
    # What is known of each server's health outlives a reload, so that none gets requests that is down.
    server-state-file ${serverState}
${https ? renderTlsProfile({ sessionSeconds }) : ""}${https?.http3 ? renderHttp3Global() : ""}${indent(rawLines.global)}
defaults
    mode http
    log global
    option httplog
    # Nginx logs each request; here stand failures and servers that come and go.
    option dontlog-normal
    option dontlognull
    # What an application sends is passed on at once: events, streams.
    option http-no-delay
    # Clients that idle during a reload are answered once more before their connection ends.
    option idle-close-on-response
    option redispatch 1
    retries 3
    timeout connect 2s
    timeout client 30s
    timeout client-fin 10s
    timeout http-request 10s
    timeout http-keep-alive 10s
    timeout queue 10s
    timeout server ${config.responseTimeoutSeconds}s
    timeout check 2s
    # WebSockets.
    timeout tunnel ${webSocketHours}h
    load-server-state-from-file global
    http-error ${unavailable(haproxyFiles.unavailable)}
${edge ? renderEdgeSections(edge) : ""}
frontend web
${renderBinds(config)}${edge ? renderConnectionLimit(edge, trustedProxies) : ""}${
  config.mark !== undefined
    ? `    # Asked where load balancers share an address: an answer of HAProxy's own, whatever becomes of the web servers.
    monitor-uri ${balancerHealthPath}
    http-request return content-type text/plain string ${config.mark} if { path ${balancerMarkPath} }
`
    : ""
}    unique-id-format %[uuid()]
    # As httplog, with the request's ID: Nginx and the application have it too.
    log-format "${httpLogFormat} %ID"
${renderForwarding(trustedProxies)}${edge ? renderLimits(edge) : ""}${renderNames(config)}${edge ? renderAdmission(edge, siteOf(config)) : ""}${renderChoices(applications)}    http-request set-header X-Request-ID %[unique-id]
    # Nginx says by this that no application was reached, on any server by now.
    http-response return ${unavailable(haproxyFiles.unavailable)} if { status 425 }
${applications.map(renderUse).join("")}    use_backend web_servers_once unless { method GET HEAD }
${hasShared(config) ? `    use_backend ${backendOf().shared} if ${isShared(config.sharedPaths)}\n` : ""}    default_backend web_servers
${indent(rawLines.frontend)}
${renderBackends(config)}${applications.map((application) => renderBackends(config, application)).join("")}frontend statistics
    bind ${address}:${statsPort}
    http-request use-service prometheus-exporter if { path /metrics }
    stats enable
    stats uri /
    stats refresh 5s
${metricsPort === undefined ? "" : renderHaproxyMetrics({ address, port: metricsPort })}`;
}

/** A socket for each family: so the address of a visitor over IPv4 is told as such. */
function renderBinds({ port, https, isIpv6 = false }: HaproxyConfig): string {
  const tls = `ssl crt-list ${haproxyFiles.certificates} alpn h2,http/1.1`;
  return [
    `    bind :${port}\n`,
    isIpv6 ? `    bind [::]:${port} v6only\n` : "",
    https ? `    bind :${https.port} ${tls}\n` : "",
    https && isIpv6 ? `    bind [::]:${https.port} v6only ${tls}\n` : "",
    https?.http3
      ? renderHttp3Binds(https.port, { isIpv6, certificates: haproxyFiles.certificates })
      : "",
  ].join("");
}

const askedHost = "req.hdr(Host),host_only,lower";

/** Who asks for another name, or without TLS, is led to where it is answered, or told that it is not. */
function renderNames(config: HaproxyConfig): string {
  const { https, redirects = {}, unknownHost = "serve" } = config;
  const isTls = isOverTls(config);
  const own = [config.domain, ...(config.aliases ?? [])];
  const known = [...own, ...config.applications.flatMap(({ domains }) => domains)];
  const names = [...new Set([...known, ...Object.keys(redirects)])];
  const suffix = portSuffix(config);
  const plain = https ? " !answered_plain" : "";
  return [
    renderUnknownHost(unknownHost, `{ ${askedHost} -m str ${names.join(" ")} }`),
    https?.acmeThumbprint === undefined ? "" : renderChallenge(https.acmeThumbprint),
    https
      ? `    acl answered_plain path ${[config.healthPath, ...https.plainPaths].join(" ")}
    acl answered_plain path_beg ${challengePath}
    # The same host name first: only then does a browser learn from it that it is to come by TLS.
${renderRedirect(`https://%[${askedHost}]${suffix}`, `!${isTls} !answered_plain`)}`
      : "",
    ...Object.entries(redirects).map(([alias, name]) =>
      renderRedirect(
        `${schemeOf(config)}://${name}${suffix}`,
        `{ ${askedHost} -m str ${alias} }${plain}`,
      ),
    ),
    https?.hsts
      ? `    http-after-response set-header Strict-Transport-Security "${renderHsts(https.hsts)}" if ${isTls}
`
      : "",
    https?.http3 ? renderAltSvc(https.port, config.trustedProxies.length > 0) : "",
  ].join("");
}

/**
 * The answer is made of the question and the account, so every load balancer has it, whichever of them wants the certificate. Who has
 * not the account's key can do nothing with it.
 */
function renderChallenge(thumbprint: string): string {
  const token = "[A-Za-z0-9_-]+";
  return `    http-request return status 200 content-type text/plain lf-string "%[path,field(4,/)].${thumbprint}" if { path_reg ^${challengePath.replaceAll(".", "\\.")}${token}$ }
`;
}

/** Every client, crawler and cache knows 301; 308 has the method and the body sent again, which 301 loses. */
function renderRedirect(to: string, condition: string): string {
  return `    http-request redirect location ${to}%[pathq] code 301 if ${condition} { method GET HEAD }
    http-request redirect location ${to}%[pathq] code 308 if ${condition}
`;
}

function renderHsts({ days, includeSubDomains, preload }: NonNullable<HaproxyHttps["hsts"]>) {
  return [
    `max-age=${days * 24 * 3600}`,
    ...(includeSubDomains ? ["includeSubDomains"] : []),
    ...(preload ? ["preload"] : []),
  ].join("; ");
}

/** How visitors come: a proxy before this one that is trusted is the one that they speak TLS with. */
function schemeOf({ https, trustedProxies }: HaproxyConfig): "http" | "https" {
  return https !== undefined || trustedProxies.length > 0 ? "https" : "http";
}

/** Nobody is asked for a password without TLS, where there is any. */
function siteOf(config: HaproxyConfig) {
  const isTls = schemeOf(config) === "https" ? isOverTls(config) : undefined;
  return { domain: config.domain, isTls };
}

function portSuffix({ https, port, trustedProxies }: HaproxyConfig): string {
  if (https !== undefined) return https.port === 443 ? "" : `:${https.port}`;
  return trustedProxies.length > 0 || port === 80 ? "" : `:${port}`;
}

function isOverTls({ trustedProxies }: HaproxyConfig): string {
  return trustedProxies.length > 0 ? "{ var(txn.proto) -m str https }" : "{ ssl_fc }";
}

/** Which application is asked goes by the name that was asked for, and by the path: the longest that fits counts. */
function renderChoices(applications: readonly HaproxyApplication[]): string {
  const byPath = applications.flatMap((application) =>
    (application.paths ?? []).map((path) => ({ path, application })),
  );
  byPath.sort((a, b) => b.path.length - a.path.length);
  return [
    ...(byPath.length > 0
      ? [
          `    # Web servers are asked by such names, and by the load balancers alone.
    http-request deny deny_status 404 if { req.hdr(Host),field(1,:),lower -m end ${insideDomain} }
`,
        ]
      : []),
    ...applications
      .filter(({ paths = [] }) => paths.length === 0)
      .map(({ name, domains }) =>
        renderChoice(name, `{ req.hdr(Host),field(1,:),lower -m str ${domains.join(" ")} }`),
      ),
    ...byPath.map(({ path, application: { name, under } }) => {
      const site =
        under === undefined
          ? "!{ var(txn.application) -m found }"
          : `{ var(txn.application) -m str ${under} }`;
      return renderChoice(name, `${site} { path -m str ${path} } or ${site} { path_beg ${path}/ }`);
    }),
  ].join("");
}

function renderChoice(name: string, condition: string): string {
  return `    http-request set-var(txn.application) str(${name}) if ${condition}
`;
}

function renderUse(application: HaproxyApplication): string {
  const { name, sharedPaths } = application;
  const { backend, once, shared } = backendOf(name);
  const isChosen = `{ var(txn.application) -m str ${name} }`;
  return `    use_backend ${once} if ${isChosen} !{ method GET HEAD }
${hasShared(application) ? `    use_backend ${shared} if ${isChosen} ${isShared(sharedPaths)}\n` : ""}    use_backend ${backend} if ${isChosen}
`;
}

function unavailable(file: string): string {
  return `status 503 content-type "text/html; charset=utf-8" hdr "Retry-After" "5" hdr "Cache-Control" "no-store" file ${file}`;
}

/** Of the application that has all requests which are no other's, or of another one. */
function renderBackends(config: HaproxyConfig, application?: HaproxyApplication): string {
  const { healthPath, rawLines } = config;
  const { servers } = application ?? config;
  const isInside = application !== undefined && (application.paths ?? []).length > 0;
  const domain = isInside
    ? nameInside(application.name)
    : (application?.domains.at(0) ?? config.domain);
  // Web servers tell by the name who is asked; what visitors asked for is in X-Forwarded-Host.
  const host = isInside ? `    http-request set-header Host ${domain}\n` : "";
  const scheme = schemeOf(config);
  const { backend, once, shared } = backendOf(application?.name);
  const page = application ? renderPage(haproxyFiles.unavailableOf(application.name)) : "";
  const tracking = servers
    .map((server) => `${renderServer(server)} track ${backend}/${server.name}`)
    .join("\n");
  const sharedBackend = hasShared(application ?? config)
    ? `# GET and HEAD of what servers share: a file that one of them does not have yet another one may have.
backend ${shared}
    balance roundrobin
    http-check disable-on-404
    retry-on conn-failure 425 404
    retries 1
    default-server slowstart 10s
${host}${page}${tracking}
${indent(rawLines.backend)}
`
    : "";
  return `# GET and HEAD: connections to the servers are used again. Should a server close one just as a request is sent on it, the
# client's connection is closed in turn, and clients send such a request once more by themselves.
backend ${backend}
    balance roundrobin
    option httpchk
    http-check send meth GET uri ${healthPath} ver HTTP/1.1 hdr Host ${domain} hdr X-Forwarded-Proto ${scheme}
    http-check expect status 200-299
    # A server that answers 404 is being drained: it finishes what it has and gets nothing new.
    http-check disable-on-404
    # Only what cannot have reached an application is tried on another server: no connection, or Nginx without one.
    # HAProxy 2.6 and 3.0 cannot try again on 421, which would mean just this.
    retry-on conn-failure 425
    # Down after 2 s of failures, over TLS 3 s; back at full share 10 s after it recovers, its caches being cold.
    default-server check inter 1s fastinter 500ms fall 2 rise 2 slowstart 10s
${host}${page}${servers.map(renderCheckedServer).join("\n")}
${indent(rawLines.backend)}
# All other methods: a connection per request. What is not idempotent must not be lost on one that is just being closed,
# as nobody may send it once more.
backend ${once}
    balance roundrobin
    option http-server-close
    http-reuse never
    http-check disable-on-404
    retry-on conn-failure 425
    default-server slowstart 10s
${host}${page}${tracking}
${indent(rawLines.backend)}
${sharedBackend}`;
}

/**
 * No name is asked for: of a certificate for another name than the one asked for, HAProxy believes that the visitor chose it, and asks no
 * other server. An expression without a value says so in all versions: without one 3.3 asks for the visitor's name, and what keeps it from
 * that (`no-sni-auto`) former ones do not know.
 */
function renderServer({ name, address, port, isTls = false }: HaproxyServer): string {
  const tls = ` ssl ssl-min-ver TLSv1.3 verify required ca-file ${haproxyFiles.authorities} sni var(txn.none) verifyhost ${name}`;
  return `    server ${name} ${address}:${port}${isTls ? tls : ""}`;
}

/**
 * A handshake has to end within `inter`, and needs a server that gets to run, which a plain connection does not. So it has as long as an
 * answer has (`timeout check`): a server may be as busy as without TLS. A check looks at the certificate each time, and leaves no session:
 * HAProxy 3.0 and 3.2 would resume it for requests, with the name that the check asked for.
 */
function renderCheckedServer(server: HaproxyServer): string {
  const tls = ` no-ssl-reuse check-sni ${server.name} inter 2s downinter 1s`;
  return `${renderServer(server)}${server.isTls ? tls : ""}`;
}

/** What it shows when none of its servers is left. */
function renderPage(file: string): string {
  return `    http-error ${unavailable(file)}
    http-response return ${unavailable(file)} if { status 425 }
`;
}

/** Who the client is and what it asked for, in headers that no client can forge. */
function renderForwarding(trustedProxies: readonly string[]): string {
  const remove = forwardingHeaders.map((name) => `    http-request del-header ${name}\n`).join("");
  const source = trustedProxies.join(" ");
  const isTrusted = "{ var(txn.trusted) -m bool }";
  if (trustedProxies.length === 0) {
    return `    # What a client says of itself in these is not to be believed.
${remove}    http-request del-header X-Forwarded- -m beg
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Proto http unless { ssl_fc }
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    http-request set-header X-Forwarded-Port %[dst_port]
`;
  }
  // The client is the last address that no trusted proxy has; up to three of them may stand in a row.
  const hops = [-1, -2, -3].map(
    (hop) =>
      `    http-request set-src req.hdr_ip(X-Forwarded-For,${hop}) if { src ${source} } { req.hdr_ip(X-Forwarded-For,${hop}) -m found }\n`,
  );
  return `    # What a client says of itself in these is not to be believed; what a trusted proxy says, is.
    http-request set-var(txn.trusted) bool(true) if { src ${source} }
    http-request set-var(txn.proto) str(http)
    http-request set-var(txn.proto) str(https) if { ssl_fc }
    http-request set-var(txn.proto) str(https) if ${isTrusted} { req.hdr(X-Forwarded-Proto,-1) -i https }
    http-request set-var(txn.host) req.hdr(Host)
    http-request set-var(txn.host) req.hdr(X-Forwarded-Host,-1) if ${isTrusted} { req.hdr(X-Forwarded-Host) -m found }
    http-request set-var(txn.port) dst_port
    http-request set-var(txn.port) req.hdr(X-Forwarded-Port,-1) if ${isTrusted} { req.hdr(X-Forwarded-Port) -m found }
${hops.join("")}${remove}    http-request del-header X-Forwarded- -m beg
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[var(txn.proto)]
    http-request set-header X-Forwarded-Host %[var(txn.host)]
    http-request set-header X-Forwarded-Port %[var(txn.port)]
`;
}

/** What of a server was set at run time, or the commands that put it back: `$7` is a set of flags, `$8` and `$9` are weights. */
const serversScript = (socket: string) => `say() {
  echo 'show servers state' | socat -t 2 stdio ${socket} | awk -v what="$1" '
    function has(flag) { return int($7 / flag) % 2 }
    function say(text, command) { print (what == "find" ? $2 "/" $4 " " text : "set server " $2 "/" $4 " " command) }
    /^[0-9]/ && NF > 9 {
      if (has(1)) say("is in maintenance", "state ready")
      else if (has(8)) say("is drained", "state ready")
      if ($8 != $9) say("has the weight " $8 ", not " $9, "weight 100%")
    }'
}
case $1 in
  find) say find ;;
  reset) commands=$(say reset | tr '\\n' ';'); [ -z "$commands" ] || echo "$commands" | socat -t 2 stdio ${socket} ;;
esac`;

/** For the `overrides` of a Service whose HAProxy has this administration socket. */
export function overridesOf(adminSocket: string) {
  const script = serversScript(adminSocket);
  return {
    find: ["sh", "-c", script, "servers", "find"],
    reset: ["sh", "-c", script, "servers", "reset"],
  };
}

export const haproxyOverrides = overridesOf(socket);

/**
 * The commands by which one of a backend's servers gets a share of the requests, and all get the same again: `$1` is `begin` or `end`.
 * Each weight is from 1 to 256. Servers that are down or drained have no part in it; once they are back they have the others' weight.
 */
const shareScript = `what=$1 server=$2 percent=$3
shift 3
ask() { socat -t 2 stdio ${socket}; }
told=$(echo 'show servers state' | ask 2>/dev/null | awk -v what="$what" -v server="$server" -v percent="$percent" -v backends=" $* " '
  function divisor(a, b) { return b > 0 ? divisor(b, a % b) : a }
  # HAProxy 2.6 takes what follows a last semicolon for a command.
  function set(at, weight) { commands = commands (commands == "" ? "" : ";") "set server " backend[at] "/" name[at] " weight " weight }
  /^[0-9]/ && NF > 9 && index(backends, " " $2 " ") {
    backend[++count] = $2; name[count] = $4; isOther[count] = $8 != $9
    if ($4 == server) has[$2] = 1
    else { all[$2]++; if (($6 == 1 || $6 == 2) && int($7) % 2 == 0 && int($7 / 8) % 2 == 0) up[$2]++ }
  }
  END {
    if (what == "end") { for (at = 1; at <= count; at++) if (isOther[at]) set(at, "100%") }
    else for (at = 1; at <= count; at++) {
      one = backend[at]
      others = up[one] > 0 ? up[one] : all[one]
      if (!has[one] || others < 1) continue
      own = percent * others; each = 100 - percent
      both = divisor(own, each); own /= both; each /= both
      if (own > 256) { each = int(each * 256 / own + 0.5); own = 256; if (each < 1) each = 1 }
      set(at, name[at] == server ? own : each)
      if (said == "") said = sprintf("%s gets about %d %% of the requests (weight %d, %d of each other server)", server, 100 * own / (own + others * each) + 0.5, own, each)
    }
    print commands
    print said
  }')
commands=$(echo "$told" | head -n 1)
[ -n "$commands" ] || exit 0
answer=$(echo "$commands" | ask 2>&1) || answer=\${answer:-no answer}
if [ -n "$(echo "$answer" | tr -d '[:space:]')" ]; then echo "$answer" | grep . >&2; exit 1; fi
echo "$told" | sed -n 2p`;

export interface ServerShare {
  readonly server: string;
  readonly backend: string;
  /** 1 to 99. */
  readonly percent: number;
}

/** For the \`share\` of a release that is watched, on a host with this HAProxy. */
export function shareOf({ server, backend, percent }: ServerShare) {
  const words = [server, String(percent), ...Object.values(backendsOf(backend))];
  const command = (what: "begin" | "end") => ["sh", "-c", shareScript, "share", what, ...words];
  return { percent, begin: command("begin"), end: command("end") };
}

/**
 * What is known of the servers, as the next process reads it. That takes over the port of each as well, and whether it is asked over TLS:
 * these two are put in place of what was, from the new configuration.
 */
export function renderStateScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
echo 'show servers state' | socat -t 2 stdio ${socket} | awk '
  NR == FNR {
    if ($1 == "backend") backend = $2
    if ($1 == "server" && $3 ~ /:[0-9]+$/) {
      at = backend " " $2
      port[at] = $3; sub(/.*:/, "", port[at])
      tls[at] = / ssl( |$)/ ? 1 : 0
    }
    next
  }
  ($2 " " $4) in port { $19 = port[$2 " " $4]; if (NF > 20) $21 = tls[$2 " " $4] }
  { print }' ${haproxyFiles.config} - >${serverState}
`;
}

/**
 * Saves what is known of the servers before each reload, and forgets it at a start: it may be old by then. The lists that HAProxy reads are
 * there before it looks at its configuration.
 */
export function renderHaproxyUnit(): string {
  return `${renderRestartAlways()}ExecStartPre=
ExecStartPre=${edgeFiles.script} prepare
ExecStartPre=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecStartPre=-/bin/rm -f ${serverState}
ExecReload=
ExecReload=${edgeFiles.script} prepare
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=-${haproxyFiles.stateScript}
ExecReload=/bin/sh -c 'kill -USR2 $MAINPID'
`;
}

/** What a browser shows when no server is left. */
export function renderUnavailable(domain: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<title>${domain} is not available</title>
<style>
  :root { color-scheme: light dark }
  body { max-width: 30rem; margin: 20vh auto 0; padding: 0 1rem; font: 1.1rem/1.5 system-ui, sans-serif }
</style>
<h1>Back in a moment</h1>
<p>${domain} cannot answer just now. This page tries again every ten seconds.</p>
`;
}

function indent(lines: readonly string[] = []): string {
  return lines.map((line) => `    ${line}\n`).join("");
}
