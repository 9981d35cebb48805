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
Environment=HOME=/var/lib/${name}
${environmentFiles.map((file) => `EnvironmentFile=${file}`).join("\n")}
ExecStart=${renderCommand(start, root)}
Restart=always
RestartSec=1
# It is told to finish, and only what is left after this is killed.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=${stopSeconds}
# Java, shells and many others end so when they are told to.
SuccessExitStatus=143

# What it may write to: its state, which is also its home, its cache, and a /tmp of its own. Nginx may read it.
StateDirectory=${name}
CacheDirectory=${name}
UMask=0022
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
# Netlink tells a process the addresses of its host.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
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

/** A program within the release is named by its whole path: systemd looks for others on its own path only. */
function renderCommand([program = "", ...words]: readonly string[], root: string): string {
  const isWithin = program.includes("/") && !program.startsWith("/");
  const path = isWithin ? `${root}/current/${program.replace(/^(\.\/+)+/, "")}` : program;
  return [path, ...words].map(quoteWord).join(" ");
}

/** One word of a command: no variables, no specifiers, nothing that splits it. */
export function quoteWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@+=:,./$%-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
