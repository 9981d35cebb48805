/** The files of a Valkey, Redis or Memcached that the applications of a stack use. */
import { renderRestartAlways } from "./restart-always";

/** As they are called in Debian. */
export const privateServices = {
  valkey: { package: "valkey-server", user: "valkey", port: 6379, client: "valkey-cli" },
  redis: { package: "redis-server", user: "redis", port: 6379, client: "redis-cli" },
  memcached: { package: "memcached", user: "memcache", port: 11_211, client: undefined },
} as const;

/** Where it speaks TLS unless another port is given: two that have different ports have different ones for TLS as well. */
export function tlsPortBeside(port: number): number {
  return port + 1000 > 65_535 ? port - 1000 : port + 1000;
}

export type PrivateServiceKind = keyof typeof privateServices;

export interface PrivateServiceConfig {
  readonly kind: PrivateServiceKind;
  /** Of its host. */
  readonly address: string;
  /** Without TLS: for its own host. */
  readonly port: number;
  readonly tlsPort: number;
  readonly memoryMegabytes: number;
  /** Whether what it holds outlives a restart. */
  readonly persistent: boolean;
}

export function privateServiceFiles(kind: PrivateServiceKind) {
  const retirementUnit = `trilithon-${kind}-password.service`;
  return {
    unit: `${privateServices[kind].package}.service`,
    dropIn: `/etc/systemd/system/${privateServices[kind].package}.service.d/trilithon.conf`,
    config: `/etc/trilithon/${kind}.conf`,
    password: `/etc/trilithon/${kind}-password.conf`,
    tls: `/etc/trilithon/${kind}-tls.conf`,
    certificate: `/etc/trilithon/${kind}.pem`,
    privateKey: `/etc/trilithon/${kind}-key.pem`,
    script: `/usr/local/sbin/trilithon-${kind}`,
    /** The password in effect. Only root reads it, and it is in memory alone. */
    noted: `/run/trilithon-${kind}-password`,
    retirementUnit,
    retirementUnitPath: `/etc/systemd/system/${retirementUnit}`,
  };
}

/** Debian's own configuration stays as it is, and is not read: its package takes the folder's owner and modes back at each start. */
export function renderPrivateServiceUnit(config: PrivateServiceConfig): string {
  const { script } = privateServiceFiles(config.kind);
  const noted = config.kind === "memcached" ? "" : `ExecStartPost=+${script} note\n`;
  return `${renderRestartAlways()}ExecStart=
ExecStart=${renderStart(config)}
${noted}ExecReload=
ExecReload=+${script} reload
# It has no privileges either way, and there are kernels and containers without user namespaces.
PrivateUsers=no
`;
}

function renderStart(wanted: PrivateServiceConfig): string {
  const { kind, address, port, tlsPort, memoryMegabytes } = wanted;
  const { config, tls, certificate, privateKey } = privateServiceFiles(kind);
  if (kind !== "memcached") {
    // Not named in the configuration, so that one that runs without TLS is not restarted for it.
    return `/usr/bin/${kind}-server ${config} --include ${tls} --supervised systemd --daemonize no`;
  }
  const { user } = privateServices[kind];
  const listens = [`notls:127.0.0.1:${port}`, `notls:${address}:${port}`, `${address}:${tlsPort}`];
  const own = `-Z -o ssl_chain_cert=${certificate},ssl_key=${privateKey}`;
  return `/usr/bin/memcached -u ${user} -m ${memoryMegabytes} -p ${port} -U 0 -l ${listens.join(",")} ${own}`;
}

/** Of Valkey and Redis. */
export function renderPrivateServiceConfig(config: PrivateServiceConfig): string {
  const { kind, address, port, memoryMegabytes, persistent } = config;
  const { user } = privateServices[kind];
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

bind 127.0.0.1 ${address}
port ${port}
protected-mode yes
include ${privateServiceFiles(kind).password}
pidfile /run/${user}/${user}-server.pid
# Standard output: the journal.
logfile ""
dir /var/lib/${user}
maxmemory ${memoryMegabytes}mb
${
  persistent
    ? `# What was written is on the disk within a second. Where the memory is full, a write is refused: nothing is thrown away.
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
save ""
`
    : `# A cache: what was not used for longest goes first, and all of it at a restart.
maxmemory-policy allkeys-lru
appendonly no
save ""
`
}`;
}

export function renderPrivateServicePassword(password: string): string {
  return `requirepass ${password}
`;
}

/** It answers, and has read what it holds. The password is in no list of processes. */
export function renderPrivateServiceReady(kind: "valkey" | "redis", port: number): string {
  const { password } = privateServiceFiles(kind);
  const ask = `${privateServices[kind].client} -h 127.0.0.1 -p ${port} ping`;
  return `REDISCLI_AUTH=$(sed -n 's/^requirepass //p' ${password}) ${ask} | grep -x PONG`;
}
