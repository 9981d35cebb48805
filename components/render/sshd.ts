/** The file of sshd_config.d: keys alone, and what is strong of what the host's OpenSSH has. */

export interface SshdOptions {
  /** The public key by which the stack knows the host. */
  readonly hostKey: string;
  /** Lines of sshd_config(5). One with a keyword of ours takes the place of ours. */
  readonly rawLines?: readonly string[];
}

const folder = "/etc/ssh/sshd_config.d";

export const sshdFiles = {
  unit: "ssh.service",
  // Of several lines with one keyword sshd takes the first, and the files by their names.
  config: `${folder}/00-trilithon.conf`,
  dropIn: "/etc/systemd/system/ssh.service.d/trilithon.conf",
  script: "/usr/local/sbin/trilithon-sshd",
  /** Of others: what comes in here besides is told. */
  foreign: ["/etc/ssh/sshd_config", `${folder}/*`],
};

export function renderSshdConfig({ hostKey, rawLines = [] }: SshdOptions): string {
  const taken = new Set(rawLines.map(keywordOf));
  const blocks = reasoned(hostKey.startsWith("ecdsa-")).flatMap(({ why, lines }) => {
    const kept = lines.filter((line) => !taken.has(keywordOf(line)));
    return kept.length === 0 ? [] : [`\n# ${why}\n${kept.join("\n")}\n`];
  });
  const raw = rawLines.length === 0 ? "" : `\n${rawLines.join("\n")}\n`;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Of several lines with one keyword the first one counts: this file comes before the others of its folder.
${blocks.join("")}${raw}`;
}

interface Reasoned {
  readonly why: string;
  readonly lines: readonly string[];
}

/** Names with a minus are taken out of what the host's OpenSSH has by default: each version knows for itself what came new. */
function reasoned(hasEcdsa: boolean): readonly Reasoned[] {
  return [
    {
      why: "A key lets in, a password does not. Root comes in by a key as well: the stack itself may be root.",
      lines: [
        "PubkeyAuthentication yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitEmptyPasswords no",
        "PermitRootLogin prohibit-password",
      ],
    },
    {
      why: `NIST's curves, SHA-1, groups of 2048 bits or less, and codes of what is not encrypted yet are out${hasEcdsa ? ", but for the ECDSA key by which the stack knows this host" : ""}.`,
      lines: [
        ...(hasEcdsa ? [] : ["HostKeyAlgorithms -ecdsa-*"]),
        "KexAlgorithms -ecdh-sha2-*,diffie-hellman-group14-*,diffie-hellman-group-exchange-*",
        "MACs -hmac-sha1*,umac-64*,hmac-sha2-256,hmac-sha2-512,umac-128@openssh.com",
      ],
    },
    {
      why: "Who is not let in soon makes room, and many may come at once: each command of an operator is a connection.",
      lines: ["LoginGraceTime 30", "MaxStartups 50:30:200"],
    },
    { why: "A server has no windows.", lines: ["X11Forwarding no"] },
    {
      why: "Whoever is root on a host could use the agent of those who log in.",
      lines: ["AllowAgentForwarding no"],
    },
  ];
}

/** Whatever its case is. */
export function keywordOf(line: string): string {
  return line.trim().split(/[\s=]/, 1)[0]?.toLowerCase() ?? "";
}

/** Debian's own reload ends before sshd has begun to: a new connection could still be the former sshd's, which lets everybody in. */
export function renderSshdDropIn(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Service]
# A reload is over once sshd listens anew, and fails where it ends.
ExecReload=
ExecReload=/usr/sbin/sshd -t
ExecReload=${sshdFiles.script} reload $MAINPID
`;
}

/** `sshd check` ends with 0 where sshd takes its files and our lines are in effect, and prints what is not; `sshd reload PID`. */
export function renderSshdScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# check: prints what keeps sshd from doing what its file of this stack says, if anything does.
# reload: ends when the sshd of that process listens by its new configuration.
set -eu
export LC_ALL=C
sshd=/usr/sbin/sshd own=${sshdFiles.config}

# Versions differ in how they write keywords.
lower() { printf '%s\\n' "$1" | tr '[:upper:]' '[:lower:]'; }

check() {
  if ! said=$($sshd -t 2>&1); then
    printf '%s\\n' "$said"
    return 1
  fi
  if ! grep -Eiqs '^[[:space:]]*Include[[:space:]]+(.*[[:space:]])?"?(/etc/ssh/)?sshd_config\\.d/' /etc/ssh/sshd_config; then
    echo '/etc/ssh/sshd_config does not load ${folder}: its first line has to be Include ${folder}/*.conf'
    return 1
  fi
  # How a value is written is asked of sshd as well: what our file alone says, with the same host keys.
  all=$($sshd -T)
  wanted=$($sshd -T $(printf '%s\\n' "$all" | sed -n 's/^[Hh]ost[Kk]ey /-h /p') -f "$own")
  all=$(lower "$all") wanted=$(lower "$wanted")
  differs=$(
    lower "$(sed -E '/^[[:space:]]*[Mm]atch[[:space:]]/,$d; s/^[[:space:]]*//; s/[#[:space:]=].*//; /^$/d' "$own")" | sort -u |
      while read -r keyword; do
        printf '%s\\n' "$wanted" | grep "^$keyword " | while read -r line; do
          printf '%s\\n' "$all" | grep -qxF -e "$line" ||
            printf 'sshd has "%s", not "%s": a line before the Include of /etc/ssh/sshd_config, or a file before %s, says so\\n' "$(printf '%s\\n' "$all" | grep -m 1 "^$keyword ")" "$line" "$own"
        done
      done
  )
  if [ -n "$differs" ]; then
    printf '%s\\n' "$differs"
    return 1
  fi
}

# The sockets by which a process is reached.
listening() { ss -Hltnpe | grep -F "pid=$1," | grep -o 'ino:[0-9]*' || true; }

reload() {
  before=$(listening "$1")
  kill -HUP "$1"
  for _ in $(seq 50); do
    now=$(listening "$1")
    if [ -n "$now" ] && ! printf '%s\\n' "$now" | grep -qxF -e "$before"; then return; fi
    if ! [ -d "/proc/$1" ]; then break; fi
    sleep 0.1
  done
  # Sockets of systemd's stay what they are.
  [ -n "$now" ]
}

"$@"
`;
}

/** For a Service's `forewarningCommand`: who logs in by a password alone, as long as that is possible. */
export const losingPassword = ["sh", "-c", losing()];

function losing(): string {
  return `/usr/sbin/sshd -T | grep -Eiqx '(passwordauthentication|kbdinteractiveauthentication) yes' || exit 0
awk -F: '$2 ~ /^[$]/ { print $1 }' /etc/shadow | while read -r user; do
  entry=$(getent passwd "$user") || continue
  shell=\${entry##*:} home=\${entry%:*} home=\${home##*:}
  case $shell in */nologin | */false) continue ;; esac
  [ -s "$home/.ssh/authorized_keys" ] || echo "$user has a password and no key ($home/.ssh/authorized_keys), and gets in no longer"
done`;
}
