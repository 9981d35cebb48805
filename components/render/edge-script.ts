/** The two lists of a load balancer that outlive its reloads and are no part of its configuration: whether the site is closed, and who passes. */
import { writtenByTrilithon } from "./application-unit";

const folder = "/var/lib/trilithon/edge";

export const edgeFiles = {
  script: "/etc/haproxy/trilithon-edge",
  /** What visitors are shown during maintenance. */
  page: "/etc/haproxy/maintenance.html",
  /** Has the line `on` while the site is closed. */
  maintenance: `${folder}/maintenance`,
  /** What `npm run verify` shows to be let in, until it ends. */
  passes: `${folder}/passes`,
};

/** In a request: a pass. */
export const passHeader = "X-Trilithon-Pass";

/** `stack`: its name, for who is told how maintenance ends. `paths`: other ones than on a host, for tests. */
export function renderEdgeScript(
  stack: string,
  socket: string,
  paths: Partial<typeof edgeFiles> = {},
): string {
  const { maintenance, passes } = { ...edgeFiles, ...paths };
  return `#!/bin/sh
${writtenByTrilithon}
# HAProxy reads both lists at its start and at each reload; what changes meanwhile it is told.
# prepare: makes the lists where there are none.
# maintenance on WHO, maintenance off, maintenance: closes the site, opens it, tells which it is.
# notice: a line while the site is closed.
# pass, unpass: what is read from standard input is let in until it ends, or no longer: the second of its end, and a secret.
set -eu
export LC_ALL=C
maintenance=${maintenance}
passes=${passes}

put() {
  cat >"$1.new"
  mv -f -- "$1.new" "$1"
}

ask() { echo "$1" | socat -t 2 stdio ${socket} 2>/dev/null; }

# A HAProxy that does not run reads the lists when it starts.
tell() {
  if ! answer=$(ask "$1"); then
    systemctl --quiet is-active haproxy || return 0
    echo "HAProxy runs and does not answer at ${socket}" >&2
    return 1
  fi
  answer=$(printf '%s' "$answer" | tr -d '\\n')
  [ -z "$answer" ] || { echo "HAProxy: $answer" >&2; return 1; }
}

# Without passes that have ended.
prepare() {
  mkdir -p "$(dirname "$maintenance")"
  exec 9>"$maintenance.lock"
  flock 9
  [ -e "$maintenance" ] || : >"$maintenance"
  touch "$passes"
  (umask 077 && awk -v now="$(date +%s)" '$0 + 0 > now' "$passes" | put "$passes")
}

is_closed() { grep -qsx on "$maintenance"; }

# As HAProxy has it: a reload in the same moment may have read the list as it was.
is_closed_live() {
  if ! shown=$(ask "show acl $maintenance"); then is_closed; return; fi
  printf '%s\\n' "$shown" | grep -q ' on$'
}

close_site() {
  is_closed || printf '# since %s by %s\\non\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" | put "$maintenance"
  is_closed_live || tell "add acl $maintenance on" || { : | put "$maintenance"; return 1; }
}

open_site() {
  : | put "$maintenance"
  ! is_closed_live || tell "del acl $maintenance on"
}

describe() {
  if is_closed && is_closed_live; then echo "on $(sed -n 's/^# //p' "$maintenance")"
  elif is_closed; then echo "on $(sed -n 's/^# //p' "$maintenance"), but HAProxy serves"
  elif is_closed_live; then echo "off, but HAProxy is closed"
  else echo off; fi
}

read_pass() {
  read -r pass
  case $pass in *[!0-9a-f-]* | "") echo "no pass" >&2; return 1 ;; esac
}

case $1 in
  prepare) prepare ;;
  maintenance)
    if [ $# -gt 1 ]; then
      prepare
      if [ "$2" = on ]; then close_site "$(printf '%s' "\${3:-nobody}" | tr -cd '[:graph:]')"; else open_site; fi
    fi
    describe ;;
  notice)
    state=$(describe)
    [ "$state" = off ] || echo "the page of maintenance is $state; up leaves it so, and npm run maintenance -- off --stack ${stack} ends it" ;;
  pass)
    read_pass
    prepare
    (umask 077 && { cat "$passes"; echo "$pass"; } | put "$passes")
    tell "add acl $passes $pass" ;;
  unpass)
    read_pass
    prepare
    (umask 077 && { grep -vxF -e "$pass" "$passes" || true; } | put "$passes")
    tell "del acl $passes $pass" ;;
esac
`;
}
