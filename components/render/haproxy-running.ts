/** What is asked of a HAProxy that runs, what it is told, and what it keeps over a reload. */
import { adminSocket, backendsOf, haproxyFiles, serverState } from "./haproxy-files";

/** What of a server was set at run time, or the commands that put it back: `$7` is a set of flags, `$8` and `$9` are weights. */
const serversScript = (socket: string) => `say() {
  echo 'show servers state' | socat -t 2 stdio ${socket} | awk -v what="$1" '
    function has(flag) { return int($7 / flag) % 2 }
    function say(text, command) { print (what == "find" ? $2 "/" $4 " " text : "set server " $2 "/" $4 " " command) }
    /^[0-9]/ && NF > 9 {
      if (has(1)) say("is in maintenance", "state ready")
      else if (has(8)) say("is drained", "state ready")
      if ($8 != $9) say("has the weight " $8 ", not " $9, "weight 100%")
    }'
}
case $1 in
  find) say find ;;
  reset) commands=$(say reset | tr '\\n' ';'); [ -z "$commands" ] || echo "$commands" | socat -t 2 stdio ${socket} ;;
esac`;

/** For the `overrides` of a Service whose HAProxy has this administration socket. */
export function overridesOf(socket: string) {
  const script = serversScript(socket);
  return {
    find: ["sh", "-c", script, "servers", "find"],
    reset: ["sh", "-c", script, "servers", "reset"],
  };
}

export const haproxyOverrides = overridesOf(adminSocket);

/**
 * The commands by which one of a backend's servers gets a share of the requests, and all get the same again: `$1` is `begin` or `end`.
 * Each weight is from 1 to 256. Servers that are down or drained have no part in it; once they are back they have the others' weight.
 */
const shareScript = `what=$1 server=$2 percent=$3
shift 3
ask() { socat -t 2 stdio ${adminSocket}; }
told=$(echo 'show servers state' | ask 2>/dev/null | awk -v what="$what" -v server="$server" -v percent="$percent" -v backends=" $* " '
  function divisor(a, b) { return b > 0 ? divisor(b, a % b) : a }
  # HAProxy 2.6 takes what follows a last semicolon for a command.
  function set(at, weight) { commands = commands (commands == "" ? "" : ";") "set server " backend[at] "/" name[at] " weight " weight }
  /^[0-9]/ && NF > 9 && index(backends, " " $2 " ") {
    backend[++count] = $2; name[count] = $4; isOther[count] = $8 != $9
    if ($4 == server) has[$2] = 1
    else { all[$2]++; if (($6 == 1 || $6 == 2) && int($7) % 2 == 0 && int($7 / 8) % 2 == 0) up[$2]++ }
  }
  END {
    if (what == "end") { for (at = 1; at <= count; at++) if (isOther[at]) set(at, "100%") }
    else for (at = 1; at <= count; at++) {
      one = backend[at]
      others = up[one] > 0 ? up[one] : all[one]
      if (!has[one] || others < 1) continue
      own = percent * others; each = 100 - percent
      both = divisor(own, each); own /= both; each /= both
      if (own > 256) { each = int(each * 256 / own + 0.5); own = 256; if (each < 1) each = 1 }
      set(at, name[at] == server ? own : each)
      if (said == "") said = sprintf("%s gets about %d %% of the requests (weight %d, %d of each other server)", server, 100 * own / (own + others * each) + 0.5, own, each)
    }
    print commands
    print said
  }')
commands=$(echo "$told" | head -n 1)
[ -n "$commands" ] || exit 0
answer=$(echo "$commands" | ask 2>&1) || answer=\${answer:-no answer}
if [ -n "$(echo "$answer" | tr -d '[:space:]')" ]; then echo "$answer" | grep . >&2; exit 1; fi
echo "$told" | sed -n 2p`;

export interface ServerShare {
  readonly server: string;
  readonly backend: string;
  /** 1 to 99. */
  readonly percent: number;
}

/** For the \`share\` of a release that is watched, on a host with this HAProxy. */
export function shareOf({ server, backend, percent }: ServerShare) {
  const words = [server, String(percent), ...Object.values(backendsOf(backend))];
  const command = (what: "begin" | "end") => ["sh", "-c", shareScript, "share", what, ...words];
  return { percent, begin: command("begin"), end: command("end") };
}

/**
 * What is known of the servers, as the next process reads it. That takes over the port of each as well, and whether it is asked over TLS:
 * these two are put in place of what was, from the new configuration.
 */
export function renderStateScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
echo 'show servers state' | socat -t 2 stdio ${adminSocket} | awk '
  NR == FNR {
    if ($1 == "backend") backend = $2
    if ($1 == "server" && $3 ~ /:[0-9]+$/) {
      at = backend " " $2
      port[at] = $3; sub(/.*:/, "", port[at])
      tls[at] = / ssl( |$)/ ? 1 : 0
    }
    next
  }
  ($2 " " $4) in port { $19 = port[$2 " " $4]; if (NF > 20) $21 = tls[$2 " " $4] }
  { print }' ${haproxyFiles.config} - >${serverState}
`;
}
