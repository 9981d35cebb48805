/** What the processes of an application may not do, and the names by which each of that is allowed. */

export interface UnitOptions {
  /** What is allowed that is not by default. */
  readonly allow?: readonly Allowed[];
  /** Lines that end the unit's `[Service]` section, as they are. */
  readonly rawLines?: readonly string[];
}

interface Allowance {
  /** Settings that are left out. */
  readonly lifts?: readonly string[];
  /** Lines that come after the others; not where the setting is left out. */
  readonly adds?: readonly string[];
}

/** For what each is needed is in docs/settings.md. */
export const allowances = {
  "32-bit": { lifts: ["SystemCallArchitectures"] },
  "address-families": { lifts: ["RestrictAddressFamilies"] },
  devices: { lifts: ["PrivateDevices"] },
  filesystem: { adds: ["ProtectSystem=full"] },
  homes: { lifts: ["ProtectHome"] },
  "low-ports": {
    adds: [
      "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
      "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    ],
  },
  namespaces: { lifts: ["RestrictNamespaces"], adds: ["SystemCallFilter=@mount"] },
  personality: { lifts: ["LockPersonality"] },
  ptrace: { adds: ["SystemCallFilter=@debug"] },
  realtime: { lifts: ["RestrictRealtime"] },
  // Any filter of system calls implies NoNewPrivileges for a unit with a user.
  "set-user-id": {
    lifts: [
      ...["NoNewPrivileges", "CapabilityBoundingSet", "RestrictSUIDSGID", "SystemCallFilter"],
      ...["SystemCallErrorNumber", "SystemCallArchitectures", "RestrictAddressFamilies"],
      ...["RestrictNamespaces", "RestrictRealtime", "LockPersonality", "PrivateDevices"],
      ...["ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules"],
      ...["ProtectKernelTunables"],
    ],
  },
  "shared-tmp": { lifts: ["PrivateTmp"] },
  "system-calls": { lifts: ["SystemCallFilter", "SystemCallErrorNumber"] },
} as const satisfies Readonly<Record<string, Allowance>>;

export type Allowed = keyof typeof allowances;

/** These have a setting of their own, or the release relies on them. */
export const ownUnitSettings = [
  ...["ExecStart", "ExecStop", "ExecReload", "Type", "User", "Group", "DynamicUser"],
  ...["WorkingDirectory", "Environment", "EnvironmentFile", "StateDirectory", "CacheDirectory"],
  ...["Restart", "RemainAfterExit", "TimeoutSec", "TimeoutStartSec", "TimeoutStopSec"],
];

/** The end of a `[Service]` section. */
export function renderConfinement(name: string, { allow = [], rawLines = [] }: UnitOptions = {}) {
  const allowed: readonly Allowance[] = allow.map((one) => allowances[one]);
  const lifted = new Set(allowed.flatMap(({ lifts = [] }) => lifts));
  const isKept = (line: string) => !lifted.has(line.replace(/=.*/, ""));
  const adds = allowed.flatMap(({ adds = [] }) => adds).filter(isKept);
  return [...confine(name).split("\n").filter(isKept), ...adds, ...rawLines].join("\n");
}

function confine(name: string): string {
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
