/** The files of the proxy on an application's host that leads to whoever is the MySQL primary, and to a replica. */

import { overridesOf } from "./haproxy-running";
import { roleCheck } from "./mysql-role";

export interface DatabaseProxyConfig {
  /** The nearest first: one on the same host. */
  readonly members: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
  }[];
  /** Of both addresses. */
  readonly port: number;
}

export const databaseProxy = {
  unit: "trilithon-database-proxy.service",
  unitPath: "/etc/systemd/system/trilithon-database-proxy.service",
  confinement: "/etc/systemd/system/trilithon-database-proxy.service.d/confinement.conf",
  config: "/etc/trilithon/database-proxy.cfg",
  /** Where writes go: to the primary, whoever that is. */
  writes: "127.0.0.1",
  /** Where reads go: to a replica, or to the primary where there is none. All of 127.0.0.0/8 is a host's own. */
  reads: "127.0.0.2",
  /** The customary port for it, since MySQL Router. */
  port: 6446,
};

const socket = "/run/trilithon-database-proxy/admin.sock";
const state = "/run/trilithon-database-proxy/server-state";

export const databaseProxyOverrides = overridesOf(socket);

export function renderDatabaseProxy({ members, port }: DatabaseProxyConfig): string {
  const servers = (each: (index: number) => string) =>
    members
      .map(
        ({ name, address, port }, index) => `    server ${name} ${address}:${port}${each(index)}`,
      )
      .join("\n");
  const nearestFirst = servers((index) => (index === 0 ? "" : " backup"));
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

global
    log stdout format raw daemon
    stats socket ${socket} mode 600 level admin expose-fd listeners
    # A process that a reload replaced no longer sees who is the primary: its connections end by then.
    hard-stop-after 5s
    # Who is the primary is still known after a reload.
    server-state-file ${state}

defaults
    mode tcp
    log global
    option tcplog
    # Here stand failures, and members that come and go.
    option dontlog-normal
    # A client or a machine that is gone without a word is noticed.
    option clitcpka
    option srvtcpka
    srvtcpka-idle 10s
    srvtcpka-intvl 3s
    srvtcpka-cnt 3
    maxconn 10000
    retries 1
    option redispatch 1
    timeout connect 500ms
    timeout check 500ms
    timeout queue 1s
    # MySQL itself ends connections that idle, after its \`wait_timeout\`.
    timeout client 8h
    timeout server 8h
    load-server-state-from-file global
    # Each member is asked what it is, by a daemon beside it that asks mysqld ten times a second.
    option httpchk
    default-server check port ${roleCheck.port} inter 500ms fastinter 150ms downinter 150ms fall 2 rise 1
    # No member is taken for the primary before it said so. Older ones take the first answer, which comes at once.
.if version_atleast(3.1)
    default-server init-state down
.endif

frontend writes
    bind ${databaseProxy.writes}:${port}
    default_backend primary

frontend reads
    bind ${databaseProxy.reads}:${port}
    use_backend replicas if { nbsrv(replicas) gt 0 }
    use_backend primary if { nbsrv(primary) gt 0 }
    default_backend anyone

backend primary
    http-check send meth GET uri /primary
    http-check expect status 200
    # What is connected to a former primary is cut off.
    default-server on-marked-down shutdown-sessions
${servers(() => "")}

# The first that is healthy, so the member on this host where it is a replica.
backend replicas
    http-check send meth GET uri /replica
    http-check expect status 200
    # One that becomes the primary, or is behind, keeps the connections that it has and gets no new ones.
    http-check disable-on-404
    default-server on-marked-down shutdown-sessions
${nearestFirst}

# In the middle of a switch nobody is the primary or a replica: a moment ago they were.
backend anyone
    http-check send meth GET uri /reads
    http-check expect status 200
    default-server on-marked-down shutdown-sessions
${nearestFirst}
`;
}

export function renderDatabaseProxyUnit(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Leads applications on this host to the MySQL primary and to a replica
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
User=haproxy
Group=haproxy
RuntimeDirectory=trilithon-database-proxy
ExecStartPre=-/bin/rm -f ${state}
ExecStart=/usr/sbin/haproxy -Ws -f ${databaseProxy.config}
ExecReload=/usr/sbin/haproxy -c -q -f ${databaseProxy.config}
ExecReload=-/bin/sh -c 'echo "show servers state" | socat -t 2 stdio ${socket} >${state}'
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
SuccessExitStatus=143
Restart=always
RestartSec=1
LimitNOFILE=65536
OOMScoreAdjust=-500
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictNamespaces=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;
}
