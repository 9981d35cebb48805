/** The files of HAProxy. */

export interface HaproxyConfig {
  /** Sent with the health checks: a web server may serve several domains. */
  readonly domain: string;
  /** The load balancer's private address, which alone answers for statistics. */
  readonly address: string;
  readonly port: number;
  readonly statsPort: number;
  readonly healthPath: string;
  readonly responseTimeoutSeconds: number;
  readonly servers: readonly HaproxyServer[];
  /** Lines that end a section, as they are. */
  readonly rawLines: {
    readonly global?: readonly string[];
    readonly frontend?: readonly string[];
    readonly backend?: readonly string[];
  };
}

export interface HaproxyServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export const haproxyFiles = {
  config: "/etc/haproxy/haproxy.cfg",
  unavailable: "/etc/haproxy/503.html",
  unit: "/etc/systemd/system/haproxy.service.d/trilithon.conf",
};

const socket = "/run/haproxy/admin.sock";
const serverState = "/var/lib/haproxy/server-state";

export function renderHaproxy(config: HaproxyConfig): string {
  const { domain, address, port, statsPort, healthPath, servers, rawLines } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

global
    log stdout format raw daemon
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    # A reload takes the listening sockets over from the process before it: no connection is refused.
    stats socket ${socket} mode 600 level admin expose-fd listeners
    # A process that was replaced ends by then, whatever its clients do.
    hard-stop-after 60s
    # What is known of each server's health outlives a reload, so that none gets requests that is down.
    server-state-file ${serverState}
${indent(rawLines.global)}
defaults
    mode http
    log global
    option httplog
    # Nginx logs each request; here stand failures and servers that come and go.
    option dontlog-normal
    option dontlognull
    # A connection per request: one that idles could be closed by the server just as a request is sent
    # on it, and what is not idempotent could then not be sent again.
    option http-server-close
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
    timeout tunnel 1h
    load-server-state-from-file global
    http-error status 503 content-type "text/html; charset=utf-8" hdr "Retry-After" "5" hdr "Cache-Control" "no-store" file ${haproxyFiles.unavailable}

frontend web
    bind :${port}
    unique-id-format %[uuid()]
    unique-id-header X-Request-ID
    # What a client says of itself in these is not to be believed.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Proto http unless { ssl_fc }
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    default_backend web_servers
${indent(rawLines.frontend)}
backend web_servers
    balance roundrobin
    option httpchk
    http-check send meth GET uri ${healthPath} ver HTTP/1.1 hdr Host ${domain}
    # A server that answers 404 is being drained: it finishes what it has and gets nothing new.
    http-check disable-on-404
    # What failed is tried on another server, if it cannot have had an effect. A 502 is Nginx without its application.
    retry-on conn-failure empty-response 502
    http-request disable-l7-retry unless METH_GET
    # Down after 2 s of failures; back at full share 10 s after it recovers, its caches being cold.
    default-server check inter 1s fastinter 500ms fall 2 rise 2 slowstart 10s
${servers.map((server) => `    server ${server.name} ${server.address}:${server.port}`).join("\n")}
${indent(rawLines.backend)}
frontend statistics
    bind ${address}:${statsPort}
    http-request use-service prometheus-exporter if { path /metrics }
    stats enable
    stats uri /
    stats refresh 5s
`;
}

/** Saves what is known of the servers before each reload, and forgets it at a start: it may be old by then. */
export function renderHaproxyUnit(): string {
  return `# Written by trilithon.
[Service]
ExecStartPre=-/bin/rm -f ${serverState}
ExecReload=
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=-/bin/sh -c 'echo "show servers state" | socat -t 2 stdio ${socket} >${serverState}'
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
