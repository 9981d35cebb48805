/** Package updates of a host, and what still runs code that was replaced. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import type { EndpointHost } from "../verify/endpoints";

export interface Update {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly isSecurity: boolean;
}

export interface Pending {
  readonly updates: readonly Update[];
  /** Newer versions that the stack's settings do not let in: `haproxy (the stack sets 3.2.*)`. */
  readonly kept: readonly string[];
  /** Units that run a program or library that was replaced on the disk. */
  readonly stale: readonly string[];
  /** Why only a reboot helps. */
  readonly reboot: readonly string[];
}

const readSeconds = 600;
const installSeconds = 3600;

/** Asks the package sources anew. With `isSecurityOnly` only what comes from a security archive is an update. */
export async function readPending(
  site: Site,
  host: EndpointHost,
  { isSecurityOnly }: { readonly isSecurityOnly: boolean },
): Promise<Pending> {
  const { pinned } = host;
  const text = await site.run(host, readScript(pinned), readSeconds);
  const [free = "", allowed = "", state = ""] = text.split("-- \n");
  const newer = parseUpdates(free);
  const all = parseUpdates(allowed);
  const kept = newer.filter(({ name }) => name in pinned && !all.some((one) => one.name === name));
  const facts = state.split("\n").map((line) => /^(stale|reboot) (.*)$/.exec(line) ?? []);
  const said = (kind: string) => [
    ...new Set(facts.flatMap(([, of, words = ""]) => (of === kind ? [words] : []))),
  ];
  return {
    updates: all.filter(({ isSecurity }) => isSecurity || !isSecurityOnly),
    kept: kept.map(({ name }) => `${name} (the stack sets ${pinned[name]})`),
    stale: said("stale"),
    reboot: said("reboot"),
  };
}

/** What `apt-get --simulate upgrade` prints: `Inst nginx [1.30.1] (1.30.3 Debian:13/stable [amd64])`. */
export function parseUpdates(text: string): readonly Update[] {
  return text.split("\n").flatMap((line) => {
    const [, name, from, to, origin = ""] =
      /^Inst (\S+) \[([^\]]+)\] \((\S+) ?(.*) \[[^\]]*\]\)/.exec(line) ?? [];
    if (name === undefined || from === undefined || to === undefined) return [];
    return [{ name, from, to, isSecurity: /security/i.test(origin) }];
  });
}

/** Just these versions: what would remove a package, or needs others than these, is refused by apt itself. */
export async function installUpdates(
  site: Site,
  host: EndpointHost,
  updates: readonly Update[],
): Promise<void> {
  const names = updates.map(({ name }) => name);
  const versions = updates.map(({ name, to }) => `${name}=${to}`);
  const script = sh`set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
auto=$(apt-mark showauto -- ${names})
apt-get --quiet --quiet --yes --no-remove --only-upgrade -o DPkg::Lock::Timeout=600 \
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install -- ${versions} >&2
# apt takes what is named to it for wanted.
[ -z "$auto" ] || apt-mark auto -- $auto >/dev/null`;
  await site.run(host, script.text, installSeconds);
}

/** Each unit that runs what is no longer on the disk runs what is there. */
export async function restartStale(
  site: Site,
  host: EndpointHost,
  units: readonly string[],
): Promise<void> {
  const others = units.filter((unit) => unit !== manager);
  const script = sh`set -eu
${units.includes(manager) ? "systemctl daemon-reexec" : "true"}
systemctl restart -- ${others}`;
  if (others.length > 0 || units.includes(manager)) await site.run(host, script.text, readSeconds);
}

const manager = "systemd";

function readScript(pinned: Readonly<Record<string, string>>): string {
  const pins = Object.entries(pinned).map(
    ([name, version]) => `Package: ${name}\nPin: version ${version}\nPin-Priority: 995\n`,
  );
  return sh`set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
apt-get --quiet --quiet -o DPkg::Lock::Timeout=600 update >&2
pins=$(mktemp)
trap 'rm -f -- "$pins"' EXIT
if [ -e /etc/apt/preferences ]; then cat /etc/apt/preferences; echo; fi >"$pins"
apt-get --quiet --quiet --simulate -o Dir::Etc::preferences="$pins" upgrade
echo '-- '
printf '%s\n' ${pins} >>"$pins"
apt-get --quiet --quiet --simulate -o Dir::Etc::preferences="$pins" upgrade
echo '-- '
if [ -e /run/reboot-required ]; then echo 'reboot a package asks for it'; fi
for process in /proc/[0-9]*; do
  case $(readlink "$process/exe") in
    *' (deleted)') ;;
    *) grep -q '^[^ ]* r-x.* /\(usr\|lib\|bin\|sbin\|opt\).* (deleted)$' "$process/maps" || continue ;;
  esac
  unit=$(grep -o '[^/]*\.service' "$process/cgroup" | tail -n 1)
  case $process,$unit in
    /proc/1,*) echo stale ${manager} ;;
    *,dbus*) echo 'reboot dbus runs what was replaced' ;;
    *,user@*|*,) ;;
    *) echo "stale $unit" ;;
  esac
done 2>/dev/null`.text;
}
