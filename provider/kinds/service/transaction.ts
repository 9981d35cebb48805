/** The script that carries a plan out as one transaction: all of it is true afterwards, or all is as it was before. */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { Ready, Service } from "./args";
import type { ServiceStep, UnitAction } from "./plan";

/** How long another change on the same host may take. */
const lockSeconds = 900;

/** Answers with `answer`'s output when all went well. A release's archive stands on standard input. */
export function renderTransaction(
  steps: readonly ServiceStep[],
  live: Service | undefined,
  wanted: Service,
  answer: Shell,
): Shell {
  const wasRunning = live?.state === "running" && live.host.instance === wanted.host.instance;
  return lines(
    preamble(wanted.name),
    recovery(steps, wanted, wasRunning),
    ...steps.filter(({ do: what }) => what === "create user").map(renderStep(wanted)),
    ...steps.filter(({ do: what }) => what === "send").map(renderStep(wanted)),
    ...steps.map(renderStage),
    sh`staged=yes`,
    ...steps
      .filter(({ do: what }) => !["create user", "send"].includes(what))
      .map(renderStep(wanted)),
    wanted.root !== undefined && prune(wanted.root, wanted.keep ?? 0),
    sh`done=yes; rm -rf -- "$undo"`,
    answer,
  );
}

function preamble(name: string): Shell {
  return sh`
set -u
umask 022
export LC_ALL=C
trap '' HUP PIPE
own=/var/lib/trilithon
undo=$own/undo/${name}
mkdir -p /run/lock "$own/undo" "$own/originals" && chmod 0700 "$own"
exec 9>/run/lock/trilithon
flock -w ${lockSeconds} 9 || { echo ${`another change on this host is not done after ${lockSeconds} seconds`} >&2; exit 1; }
rm -rf -- "$undo" && mkdir -p "$undo"
staged= done= switched= drained=
progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }
# Keeps what stands at a path: in $undo for the way back, and the first time for good.
keep() {
  n=$((\${n:-0} + 1))
  printf '%s\n' "$1" >"$undo/$n.path"
  if [ -e "$1" ] || [ -L "$1" ]; then
    cp -a -- "$1" "$undo/$n.old" || fail "cannot keep a copy of $1"
    if [ ! -e "$own/originals$1" ]; then mkdir -p "$own/originals$(dirname "$1")" && cp -a -- "$1" "$own/originals$1"; fi
  fi
}
beside() { printf '%s/.trilithon-%s' "$(dirname "$1")" "$(basename "$1")"; }
# A path that is a mount of its own cannot be renamed onto.
swap() { mv -fT -- "$1" "$2" 2>/dev/null || { cat -- "$1" >"$2" && rm -f -- "$1"; }; }
put_back() {
  for entry in "$undo"/*.path; do
    [ -e "$entry" ] || continue
    path=$(cat "$entry")
    rm -f -- "$(beside "$path")"
    [ -n "$staged" ] || continue
    old=\${entry%.path}.old
    if [ -e "$old" ] || [ -L "$old" ]; then cp -a -- "$old" "$(beside "$path")" && swap "$(beside "$path")" "$path"; else rm -f -- "$path"; fi
  done
}
`;
}

function recovery(steps: readonly ServiceStep[], wanted: Service, wasRunning: boolean): Shell {
  const { unit, root, drain } = wanted;
  const reloads = steps.some((step) => step.do === "unit" && step.action === "reload");
  const wayBack = wasRunning ? (reloads ? "reload-or-restart" : "restart") : "stop";
  return lines(
    sh`take_back() {`,
    sh`  put_back`,
    root !== undefined &&
      sh`  if [ -n "$switched" ]; then
    if [ -n "$former" ]; then ln -sfn -- "$former" ${`${root}/.current`} && mv -fT -- ${`${root}/.current`} ${`${root}/current`}; else rm -f -- ${`${root}/current`}; fi
  fi`,
    unit !== undefined &&
      sh`  systemctl daemon-reload
  # One that failed too often is not started again before that is forgotten.
  if [ -n "$acted" ]; then systemctl reset-failed -- ${unit} 2>/dev/null; systemctl ${wayBack} -- ${unit} || true; fi`,
    drain !== undefined && sh`  if [ -n "$drained" ]; then rm -f -- ${drain.file}; fi`,
    sh`  rm -rf -- "$undo"
}
acted= former=
fail() {
  printf '%s\n' "$1" >&2
  trap '' TERM INT
  done=yes
  take_back >&2
  exit 1
}
trap 'fail interrupted' TERM INT
trap '[ -n "$done" ] || fail "unexpected end"' EXIT`,
  );
}

/** Makes the new file beside the old one; nothing that is live has changed yet. */
function renderStage(step: ServiceStep): Shell | false {
  switch (step.do) {
    case "write":
      return sh`
keep ${step.path}
mkdir -p -- "$(dirname ${step.path})"
new=$(beside ${step.path})
(umask 077; printf '%s' ${step.file.content} >"$new") && chown ${`${step.file.owner}:${step.file.group}`} "$new" && chmod ${step.file.mode} "$new" || fail ${`cannot write ${step.path}`}`;
    case "set mode":
    case "remove":
    case "move aside":
      return sh`keep ${step.path}`;
    default:
      return false;
  }
}

function renderStep(wanted: Service): (step: ServiceStep) => Shell | false {
  const { root = "", name } = wanted;
  return (step) => {
    switch (step.do) {
      case "create user":
        return sh`
if getent passwd ${step.name} >/dev/null; then usermod --home ${step.home} ${step.name}
else useradd --system --user-group --no-create-home --home-dir ${step.home} --shell /usr/sbin/nologin ${step.name}
fi || fail ${`cannot create the user ${step.name}`}`;
      case "send":
        return sh`
progress ${`unpacking version ${step.version}`}
version=${`${root}/releases/${step.version}`}
rm -rf -- "$version" "$version.partial" && mkdir -p "$version.partial" && tar -xzf - -C "$version.partial" --no-same-owner --no-same-permissions && chmod -R u=rwX,go=rX "$version.partial" && rm -rf -- "$version" && mv -T -- "$version.partial" "$version" || fail ${`cannot unpack version ${step.version}`}`;
      case "switch":
        return sh`
former=$(readlink -- ${`${root}/current`} || true)
switched=yes
ln -sfn -- ${`releases/${step.version}`} ${`${root}/.current`} && mv -fT -- ${`${root}/.current`} ${`${root}/current`} || fail ${`cannot switch ${root}/current`}`;
      case "write":
        return sh`swap "$(beside ${step.path})" ${step.path} || fail ${`cannot put ${step.path} in place`}`;
      case "set mode":
        return sh`chown ${`${step.file.owner}:${step.file.group}`} -- ${step.path} && chmod ${step.file.mode} -- ${step.path} || fail ${`cannot set the mode of ${step.path}`}`;
      case "remove":
      case "move aside":
        return sh`rm -f -- ${step.path} || fail ${`cannot remove ${step.path}`}`;
      case "check":
        return sh`
said=$(${wanted.check ?? []} 2>&1 </dev/null) || fail ${`the new configuration of ${name} is refused by its check, nothing was changed:`}"
$said"`;
      case "unit":
        return unit(step.action, wanted);
      case "enable":
      case "disable":
        return sh`systemctl --quiet ${step.do} -- ${wanted.unit ?? ""} >&2 </dev/null || fail ${`cannot ${step.do} ${name}`}`;
      case "wait":
        return lines(wait(wanted), wanted.drain !== undefined && undrain(wanted.drain));
      case "install":
      case "later":
        return false;
      default:
        return step satisfies never;
    }
  };
}

function unit(action: UnitAction, { unit = "", name, drain }: Service): Shell {
  return lines(
    sh`systemctl daemon-reload`,
    action === "restart" &&
      drain !== undefined &&
      sh`progress 'draining' ; mkdir -p -- "$(dirname ${drain.file})" && : >${drain.file} && drained=yes && sleep ${drain.seconds}`,
    sh`
acted=yes
since=$(date +%s)
journal() { journalctl --no-pager -q -o cat -n 20 --since "@$since" -u ${unit} 2>/dev/null; }
progress ${`${action} ${name}`}
systemctl reset-failed -- ${unit} 2>/dev/null
said=$(systemctl ${action} -- ${unit} 2>&1 </dev/null) || fail ${`${name} did not ${action}; all is put back as it was:`}"
$said
$(journal)"`,
  );
}

function undrain({ file, seconds }: { readonly file: string; readonly seconds: number }): Shell {
  return sh`if [ -n "$drained" ]; then rm -f -- ${file} && drained= && sleep ${seconds}; fi`;
}

function wait({ unit = "", name, ready }: Service): Shell {
  const seconds = ready?.deadlineSeconds ?? 30;
  return sh`
progress ${`waiting until ${name} is ready`}
end=$(($(date +%s) + ${seconds}))
until [ "$(systemctl is-active -- ${unit})" = active ] && said=$(${probe(ready)} 2>&1 </dev/null); do
  if [ "$(date +%s)" -ge "$end" ]; then
    fail ${`${name} was not ready within ${seconds} seconds; all is put back as it was:`}"
$said
$(systemctl is-active -- ${unit})
$(journal)"
  fi
  sleep 0.2
done`;
}

/** perl-base and its sockets are on every Debian; curl is not. */
function probe(ready: Ready | undefined): Shell {
  if (ready?.command !== undefined) return sh`${ready.command}`;
  if (ready?.tcp !== undefined)
    return sh`perl -MIO::Socket::INET -e ${tcpProbe} 127.0.0.1 ${ready.tcp}`;
  if (ready?.http !== undefined) {
    const { hostname, port, pathname, search } = new URL(ready.http);
    return sh`perl -MIO::Socket::INET -e ${httpProbe} ${hostname} ${port || "80"} ${pathname + search}`;
  }
  return sh`true`;
}

const tcpProbe =
  'IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or die "port $ARGV[1]: $@\\n"';

const httpProbe = `
my ($host, $port, $path) = @ARGV;
alarm 10;
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or die "http://$host:$port$path: $@\\n";
print $socket "GET $path HTTP/1.0\\r\\nHost: $host\\r\\nConnection: close\\r\\n\\r\\n";
my $status = <$socket> // "";
die "http://$host:$port$path: " . ($status || "no answer\\n") unless $status =~ m{^HTTP/1\\.[01] [23]};
`;

/** The latest that ran well stay: an archive has no times, so a version has none of its own until it did. */
function prune(root: string, keep: number): Shell {
  return sh`
cd ${`${root}/releases`} && now=$(basename "$(readlink ${`${root}/current`})") && touch -- "$now" && ls -1t | grep -vxF -- "$now" | tail -n +${keep + 1} | while read -r old; do rm -rf -- "./$old"; done; cd /`;
}
