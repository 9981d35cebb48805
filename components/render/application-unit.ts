/** The systemd units of an application. */

export interface Process {
  /** The application: its user, its group and its folders. */
  readonly name: string;
  /** Where it runs; a program in it is named by its path from there. */
  readonly folder: string;
  /** As words. */
  readonly command: readonly string[];
  /** Default none. */
  readonly environmentFiles?: readonly string[];
}

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
  return `${head}
[Unit]
Description=${name.replaceAll("%", "%%")}
After=network-online.target
Wants=network-online.target
# However often it ends, it is started again.
StartLimitIntervalSec=0

[Service]
Type=exec
${renderProcess({ name, folder: `${root}/current`, command: start, environmentFiles })}
Restart=always
RestartSec=1
# It is told to finish, and only what is left after this is killed.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=${stopSeconds}
# Java, shells and many others end so when they are told to.
SuccessExitStatus=143

${renderConfinement(name)}

[Install]
WantedBy=multi-user.target
`;
}

/** Runs to its end and is then gone. Where its environment is, and how long it may take, is for the Release to add. */
export function renderReleaseCommandUnit(process: Process): string {
  return `${head}
[Unit]
Description=${process.name.replaceAll("%", "%%")}: release command
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
${renderProcess(process)}

${renderConfinement(process.name)}
`;
}

const head =
  "# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.";

function renderProcess({ name, folder, command, environmentFiles = [] }: Process): string {
  return [
    `User=${name}`,
    `Group=${name}`,
    `WorkingDirectory=${folder}`,
    `Environment=HOME=/var/lib/${name}`,
    ...environmentFiles.map((file) => `EnvironmentFile=${file}`),
    `ExecStart=${renderCommand(command, folder)}`,
  ].join("\n");
}

/** What each process of an application may do. */
function renderConfinement(name: string): string {
  return `# What it may write to: its state, which is also its home, its cache, and a /tmp of its own. Nginx may read it.
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
SystemCallErrorNumber=EPERM`;
}

/** A program within the release is named by its whole path: systemd looks for others on its own path only. */
function renderCommand([program = "", ...words]: readonly string[], folder: string): string {
  const isWithin = program.includes("/") && !program.startsWith("/");
  const path = isWithin ? `${folder}/${program.replace(/^(\.\/+)+/, "")}` : program;
  return [path, ...words].map(quoteWord).join(" ");
}

/** One word of a command: no variables, no specifiers, nothing that splits it. */
export function quoteWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@+=:,./$%-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
