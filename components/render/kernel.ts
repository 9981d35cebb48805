/** The file of sysctl.d, and the unit that loads it. */
import { confineRoot } from "./unit-confinement";

export type KernelSettings = Readonly<Record<string, string | number>>;

export const kernelFiles = {
  unit: "trilithon-kernel.service",
  unitPath: "/etc/systemd/system/trilithon-kernel.service",
  config: "/etc/sysctl.d/90-trilithon.conf",
  script: "/usr/local/sbin/trilithon-kernel",
};

interface Reasoned {
  readonly why: string;
  readonly settings: KernelSettings;
}

/** `*`: each interface, those that come, and the kernel's own word for all. */
const reasoned: readonly Reasoned[] = [
  {
    why: "A host is no router: it tells nobody another way, and takes none from others.",
    settings: {
      "net.ipv4.conf.*.accept_redirects": 0,
      "net.ipv6.conf.*.accept_redirects": 0,
      "net.ipv4.conf.*.send_redirects": 0,
    },
  },
  {
    why: "The sender does not choose the way of a packet.",
    settings: { "net.ipv4.conf.all.accept_source_route": 0 },
  },
  {
    why: "A packet has a sender who can be answered. By any interface (2): a shared address may be on another one.",
    settings: { "net.ipv4.conf.all.rp_filter": 2 },
  },
  {
    why: "Who opens connections by halves does not keep others out.",
    settings: { "net.ipv4.tcp_syncookies": 1 },
  },
  {
    why: "An application reads no memory of another one of the same user, and learns no address of the kernel's.",
    settings: {
      "kernel.yama.ptrace_scope": 1,
      "kernel.kptr_restrict": 1,
      "kernel.dmesg_restrict": 1,
    },
  },
  {
    why: "A link, pipe or file that anybody can put into /tmp leads no other user's process astray.",
    settings: {
      "fs.protected_symlinks": 1,
      "fs.protected_hardlinks": 1,
      "fs.protected_fifos": 2,
      "fs.protected_regular": 2,
    },
  },
  {
    why: "What a user has compiled for the kernel holds no numbers as the user wrote them, and opening a terminal loads no module.",
    settings: { "net.core.bpf_jit_harden": 2, "dev.tty.ldisc_autoload": 0 },
  },
  {
    why: "A process that changed its user leaves no memory on the disk.",
    settings: { "fs.suid_dumpable": 0 },
  },
];

/** One of `settings` takes the place of ours. */
export function renderKernelSettings(settings: KernelSettings = {}): string {
  const ours = reasoned.map(({ why, settings: own }) => ({
    why,
    settings: without(own, Object.keys(settings)),
  }));
  const blocks = [...ours, { why: "As this stack wants them.", settings }].flatMap(
    ({ why, settings }) => {
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
      return lines.length === 0 ? [] : [`\n# ${why}\n${lines.join("")}`];
    },
  );
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Loaded by ${kernelFiles.unit}, after all others. A container has the kernel of its machine: what it may not change is left.
${blocks.join("")}`;
}

function without(settings: KernelSettings, names: readonly string[]): KernelSettings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));
}

export function renderKernelUnit(): string {
  const load = `/usr/lib/systemd/systemd-sysctl ${kernelFiles.config}`;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Loads the kernel settings of ${kernelFiles.config}
DefaultDependencies=no
After=systemd-sysctl.service local-fs.target
Conflicts=shutdown.target
Before=sysinit.target shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${load}
ExecReload=${load}
${confineRoot({ capabilities: ["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"] })}
SystemCallFilter=@system-service

[Install]
WantedBy=sysinit.target
`;
}

/** `kernel differs` prints a line for each setting that is not in effect, `kernel forbidden` for each that cannot be changed here. */
export function renderKernelScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
set -eu
sed -n 's/^\\([^#=]*[^#= ]\\) *= *\\(.*\\)$/\\1 \\2/p' ${kernelFiles.config} | while read -r name wanted; do
  # Of a name with * several.
  for path in /proc/sys/$(printf '%s' "$name" | tr . /); do
    now=$(tr '\\t' ' ' 2>/dev/null <"$path") || continue
    if [ "$now" = "$wanted" ]; then continue; fi
    if [ -w "$path" ]; then found=differs; else found=forbidden; fi
    if [ "$1" = "$found" ]; then printf '%s is %s, not %s\\n' "$(printf '%s' "\${path#/proc/sys/}" | tr / .)" "$now" "$wanted"; fi
  done
done
`;
}

/** For a Service's `forewarningCommand`. */
export const kernelOfMachine = [
  "sh",
  "-c",
  "[ -w /proc/sys/kernel/dmesg_restrict ] || echo 'leave what only the machine of this container can change (npm run verify names it)'",
];
