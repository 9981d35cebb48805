/** What the stack's own units beside the daemons may not do. `confinement.ts` is that of applications. */

export interface UnitConfinement {
  /** `CAP_NET_ADMIN`. Default none, also for root. */
  readonly capabilities?: readonly string[];
  /** `AF_INET`, besides those of its host's own daemons. */
  readonly addressFamilies?: readonly string[];
}

/** A part of a `[Service]` section, of a unit that runs as root. */
export function confineRoot({ capabilities = [], addressFamilies = [] }: UnitConfinement): string {
  return `ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=${capabilities.join(" ")}
RestrictAddressFamilies=${["AF_UNIX", ...addressFamilies].join(" ")}
RestrictNamespaces=yes
LockPersonality=yes
${withoutKernel}`;
}

const withoutKernel = `RestrictRealtime=yes
RestrictSUIDSGID=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
SystemCallArchitectures=native`;

/** A drop-in for a daemon that applications are connected to: nothing restarts for it, so it counts from the next start. */
export function renderMoreConfinement(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Apart from the unit, so that nothing is restarted for it.
[Service]
${withoutKernel}
ProtectKernelTunables=yes
`;
}
