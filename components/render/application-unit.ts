/** The systemd unit of an application. */

export interface ApplicationUnit {
  readonly name: string;
  /** Holds the link `current`. */
  readonly root: string;
  /** The command, as words. */
  readonly start: readonly string[];
  readonly environmentFiles: readonly string[];
  /** How long it may take to finish what it is at. */
  readonly stopSeconds: number;
}

export function renderApplicationUnit(unit: ApplicationUnit): string {
  const { name, root, start, environmentFiles, stopSeconds } = unit;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=${name.replaceAll("%", "%%")}
After=network-online.target
Wants=network-online.target
# However often it ends, it is started again.
StartLimitIntervalSec=0

[Service]
Type=exec
User=${name}
Group=${name}
WorkingDirectory=${root}/current
${environmentFiles.map((file) => `EnvironmentFile=${file}`).join("\n")}
ExecStart=${start.map(quoteWord).join(" ")}
Restart=on-failure
RestartSec=1
# It is told to finish, and only what is left after this is killed.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=${stopSeconds}

# What it may write to: its state and cache, and a /tmp of its own.
StateDirectory=${name}
CacheDirectory=${name}
UMask=0077
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** One word of a command: no variables, no specifiers, nothing that splits it. */
export function quoteWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@+=:,./$%-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
