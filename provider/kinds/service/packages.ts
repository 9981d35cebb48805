/** Packages of several resources on one host that wait at the same time become one apt transaction. */

import type { Context, Host } from "../../kind";
import { lines, sh } from "../../ssh/shell";

interface Waiting {
  readonly packages: Readonly<Record<string, string>>;
  readonly context: Context;
  readonly done: Promise<void>;
}

/** The program registers what a host needs one after the other, within about this time. */
const gatherMilliseconds = 1000;
const deadlineSeconds = 1800;
/** How long an installation that somebody else began may take. */
const lockSeconds = 600;

const waiting = new Map<string, Waiting[]>();
const running = new Map<string, Promise<void>>();

/** Installs packages (name to version or `present`) on a host. */
export function install(
  host: Host,
  packages: Readonly<Record<string, string>>,
  context: Context,
): Promise<void> {
  const key = `${host.address}:${host.port}`;
  const queue = waiting.get(key);
  if (queue !== undefined) {
    const done = queue[0]?.done ?? Promise.resolve();
    queue.push({ packages, context, done });
    return done;
  }
  const before = running.get(key)?.catch(() => undefined);
  const done = gather(before).then(() => {
    const together = waiting.get(key) ?? [];
    waiting.delete(key);
    return installTogether(host, together);
  });
  waiting.set(key, [{ packages, context, done }]);
  running.set(key, done);
  return done;
}

async function gather(before: Promise<void> | undefined): Promise<void> {
  await Promise.all([before, new Promise((resolve) => setTimeout(resolve, gatherMilliseconds))]);
}

async function installTogether(host: Host, together: readonly Waiting[]): Promise<void> {
  const packages = Object.fromEntries(
    together
      .flatMap((one) => Object.entries(one.packages))
      // Who wants a certain version has the last word.
      .sort(([, one], [, other]) => Number(one !== "present") - Number(other !== "present")),
  );
  const context = together[0]?.context;
  if (context === undefined) return;
  const names = Object.keys(packages).join(", ");
  await context.run(host, {
    script: renderInstall(packages).text,
    doing: `installing ${names}`,
    deadlineSeconds,
    onProgress: (message) => {
      for (const one of together) one.context.progress(`${host.name}: ${message}`);
    },
  });
}

/** Daemons must not start before their configuration is in place: while it installs, a policy forbids it. */
function renderInstall(packages: Readonly<Record<string, string>>) {
  const targets = Object.entries(packages).map(([name, version]) =>
    version === "present" ? name : `${name}=${version}`,
  );
  return lines(
    sh`
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
# Packages half unpacked are worse than a moment more: nothing ends this early.
trap '' HUP PIPE TERM INT
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
mine='# trilithon: no daemon starts before its configuration is in place'
end() {
  rm -f -- "$log" "$log.status"
  if grep -qsxF "$mine" "$policy"; then rm -f -- "$policy"; fi
}
trap end EXIT
progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }
fail() { printf '%s\n' "$1" >&2; tail -n 25 "$log" >&2; exit 1; }
options='-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'
# The installation of an \`up\` that was killed goes on by itself.
mkdir -p /run/lock && exec 9>/run/lock/trilithon-packages
if ! flock -n 9; then
  progress 'waiting for another installation'
  flock -w ${lockSeconds} 9 || fail ${`another installation is not done after ${lockSeconds} seconds`}
fi
complete() { dpkg --configure -a --force-confdef --force-confold >"$log" 2>&1 </dev/null 9>&-; }
if [ -n "$(ls -A /var/lib/dpkg/updates)" ] || dpkg -C | grep -q .; then
  progress 'completing an interrupted installation'
  end_by=$(($(date +%s) + ${lockSeconds}))
  until complete; do
    grep -q 'lock' "$log" && [ "$(date +%s)" -lt "$end_by" ] || fail 'dpkg cannot complete an interrupted installation'
    sleep 1
  done
fi
if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mmin -720 2>/dev/null | head -n 1)" ]; then
  progress 'reading the package lists (apt-get update)'
  apt-get $options update >"$log" 2>&1 </dev/null || fail 'apt-get update failed: are the package sources of this host reachable?'
fi
missing=
for target in ${targets}; do
  apt-cache show --no-all-versions -- "$target" >/dev/null 2>&1 || missing="$missing $target"
done
if [ -n "$missing" ]; then
  echo "the package sources of this host have no$missing; add a source that has them (Debian sid or 14 has MySQL), nothing was changed" >&2
  exit 1
fi
if [ ! -e "$policy" ]; then printf '#!/bin/sh\n%s\nexit 101\n' "$mine" >"$policy" && chmod 0755 "$policy"; fi
{
  apt-get $options -o APT::Status-Fd=3 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install -y --no-install-recommends --allow-downgrades --allow-change-held-packages -- ${targets} 3>&4 4>&- 9>&- >"$log" 2>&1 </dev/null
  echo "$?" >"$log.status"
} 4>&1 | while IFS=: read -r kind package percent message; do
  if [ "$kind" = pmstatus ] || [ "$kind" = dlstatus ]; then progress "$message (\${percent%%.*} %)"; fi
done
[ "$(cat "$log.status")" = 0 ] || fail 'apt-get install failed'
`,
  );
}
