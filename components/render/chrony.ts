/** chrony's files: it asks time servers, and nobody asks it. */

export const chronyFiles = {
  unit: "chrony.service",
  config: "/etc/chrony/chrony.conf",
  more: "/etc/chrony/conf.d/trilithon.conf",
  dropIn: "/etc/systemd/system/chrony.service.d/trilithon.conf",
  /** Of others: what comes in here besides is told. */
  foreign: ["/etc/chrony/chrony.conf", "/etc/chrony/conf.d/*", "/etc/chrony/sources.d/*"],
};

/** In place of Debian's file, which names a pool of Debian's. */
export function renderChronyConfig(servers: readonly string[]): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
${servers.map((server) => `server ${server} iburst\n`).join("")}
confdir /etc/chrony/conf.d
keyfile /etc/chrony/chrony.keys
driftfile /var/lib/chrony/chrony.drift
logdir /var/log/chrony
ntsdumpdir /var/lib/chrony

# A clock that is far off is set at once while few rely on it, and led to the time slowly later on.
makestep 1 3
maxupdateskew 100
rtcsync
`;
}

export function renderChronyMore(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# chronyc asks over a socket of this host: nothing listens on a port.
cmdport 0
port 0
`;
}

/** Debian starts no chrony where the clock cannot be set, and so nobody would know whether it is right. */
export function renderChronyDropIn(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
ConditionCapability=

[Service]
# In a container it compares the clock with the servers and does not set it (-x): all containers of a machine have one clock.
Type=exec
PIDFile=
ExecStart=
ExecStart=!/bin/sh -c 'if systemd-detect-virt --quiet --container; then set -- -x; fi; exec /usr/sbin/chronyd -n $$DAEMON_OPTS "$$@"'
`;
}

/** For a Service's `forewarningCommand`. */
export const clockOfMachine = [
  "sh",
  "-c",
  "! systemd-detect-virt --quiet --container || echo 'leave the clock to the machine of this container: chrony compares it, and does not set it'",
];
