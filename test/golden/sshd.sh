#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.
# check: prints what keeps sshd from doing what its file of this stack says, if anything does.
# reload: ends when the sshd of that process listens by its new configuration.
set -eu
export LC_ALL=C
sshd=/usr/sbin/sshd own=/etc/ssh/sshd_config.d/00-trilithon.conf

# Versions differ in how they write keywords.
lower() { printf '%s\n' "$1" | tr '[:upper:]' '[:lower:]'; }

check() {
  if ! said=$($sshd -t 2>&1); then
    printf '%s\n' "$said"
    return 1
  fi
  if ! grep -Eiqs '^[[:space:]]*Include[[:space:]]+(.*[[:space:]])?"?(/etc/ssh/)?sshd_config\.d/' /etc/ssh/sshd_config; then
    echo '/etc/ssh/sshd_config does not load /etc/ssh/sshd_config.d: its first line has to be Include /etc/ssh/sshd_config.d/*.conf'
    return 1
  fi
  # How a value is written is asked of sshd as well: what our file alone says, with the same host keys.
  all=$($sshd -T)
  wanted=$($sshd -T $(printf '%s\n' "$all" | sed -n 's/^[Hh]ost[Kk]ey /-h /p') -f "$own")
  all=$(lower "$all") wanted=$(lower "$wanted")
  differs=$(
    lower "$(sed -E '/^[[:space:]]*[Mm]atch[[:space:]]/,$d; s/^[[:space:]]*//; s/[#[:space:]=].*//; /^$/d' "$own")" | sort -u |
      while read -r keyword; do
        printf '%s\n' "$wanted" | grep "^$keyword " | while read -r line; do
          printf '%s\n' "$all" | grep -qxF -e "$line" ||
            printf 'sshd has "%s", not "%s": a line before the Include of /etc/ssh/sshd_config, or a file before %s, says so\n' "$(printf '%s\n' "$all" | grep -m 1 "^$keyword ")" "$line" "$own"
        done
      done
  )
  if [ -n "$differs" ]; then
    printf '%s\n' "$differs"
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
    if [ -n "$now" ] && ! printf '%s\n' "$now" | grep -qxF -e "$before"; then return; fi
    if ! [ -d "/proc/$1" ]; then break; fi
    sleep 0.1
  done
  # Sockets of systemd's stay what they are.
  [ -n "$now" ]
}

"$@"
