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
  script: "/etc/trilithon-hardening/sshd",
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
  ];
}

/** Whatever its case is. */
export function keywordOf(line: string): string {
  return line.trim().split(/[\s=]/, 1)[0]?.toLowerCase() ?? "";
}

/** Ends with 0 where sshd takes its files and our lines are in effect; prints what is not. */
export function renderSshdScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Prints what keeps sshd from doing what its file of this stack says, if anything does.
set -eu
sshd=/usr/sbin/sshd own=${sshdFiles.config}

$sshd -t 2>&1
if ! grep -Eiqs '^[[:space:]]*Include[[:space:]]+(.*[[:space:]])?"?(/etc/ssh/)?sshd_config\\.d/' /etc/ssh/sshd_config; then
  echo '/etc/ssh/sshd_config does not load ${folder}: its first line has to be Include ${folder}/*.conf'
  exit 1
fi

# Each version writes a value in its own way: so it is asked what our file alone says, with the same host keys.
all=$($sshd -T)
wanted=$($sshd -T $(printf '%s\\n' "$all" | sed -n 's/^hostkey /-h /p') -f "$own")
differs=$(
  sed -E '/^[[:space:]]*[Mm]atch[[:space:]]/,$d; s/^[[:space:]]*//; s/[#[:space:]=].*//; /^$/d' "$own" | tr '[:upper:]' '[:lower:]' | sort -u |
    while read -r keyword; do
      printf '%s\\n' "$wanted" | grep "^$keyword " | while read -r line; do
        printf '%s\\n' "$all" | grep -qxF -e "$line" ||
          printf 'sshd has "%s", not "%s": a line before the Include of /etc/ssh/sshd_config, or a file before %s, says so\\n' "$(printf '%s\\n' "$all" | grep -m 1 "^$keyword ")" "$line" "$own"
      done
    done
)
if [ -n "$differs" ]; then printf '%s\\n' "$differs"; exit 1; fi
`;
}

/** For a Service's `forewarningCommand`: who logs in by a password alone, as long as that is possible. */
export const losingPassword = ["sh", "-c", losing()];

function losing(): string {
  return `/usr/sbin/sshd -T | grep -Eqx '(passwordauthentication|kbdinteractiveauthentication) yes' || exit 0
awk -F: '$2 ~ /^[$]/ { print $1 }' /etc/shadow | while read -r user; do
  entry=$(getent passwd "$user") || continue
  shell=\${entry##*:} home=\${entry%:*} home=\${home##*:}
  case $shell in */nologin | */false) continue ;; esac
  [ -s "$home/.ssh/authorized_keys" ] || echo "$user has a password and no key ($home/.ssh/authorized_keys), and gets in no longer"
done`;
}
