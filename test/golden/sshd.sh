#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.
# Prints what keeps sshd from doing what its file of this stack says, if anything does.
set -eu
sshd=/usr/sbin/sshd own=/etc/ssh/sshd_config.d/00-trilithon.conf

$sshd -t 2>&1
if ! grep -Eiqs '^[[:space:]]*Include[[:space:]]+(.*[[:space:]])?"?(/etc/ssh/)?sshd_config\.d/' /etc/ssh/sshd_config; then
  echo '/etc/ssh/sshd_config does not load /etc/ssh/sshd_config.d: its first line has to be Include /etc/ssh/sshd_config.d/*.conf'
  exit 1
fi

# Each version writes a value in its own way: so it is asked what our file alone says, with the same host keys.
all=$($sshd -T)
wanted=$($sshd -T $(printf '%s\n' "$all" | sed -n 's/^hostkey /-h /p') -f "$own")
differs=$(
  sed -E '/^[[:space:]]*[Mm]atch[[:space:]]/,$d; s/^[[:space:]]*//; s/[#[:space:]=].*//; /^$/d' "$own" | tr '[:upper:]' '[:lower:]' | sort -u |
    while read -r keyword; do
      printf '%s\n' "$wanted" | grep "^$keyword " | while read -r line; do
        printf '%s\n' "$all" | grep -qxF -e "$line" ||
          printf 'sshd has "%s", not "%s": a line before the Include of /etc/ssh/sshd_config, or a file before %s, says so\n' "$(printf '%s\n' "$all" | grep -m 1 "^$keyword ")" "$line" "$own"
      done
    done
)
if [ -n "$differs" ]; then printf '%s\n' "$differs"; exit 1; fi
