/** The files of a host that keeps backups: restic's REST server, and what prunes and checks beside it. */
import { createHash } from "node:crypto";
import { writtenByTrilithon } from "./application-unit";
import { backupPriority } from "./backup";
import { factsFolder } from "./monitoring/exporters";
import { confineRoot } from "./unit-confinement";

const folder = "/etc/trilithon/backup-server";

export const backupServer = {
  unit: "trilithon-backup-server.service",
  unitPath: "/etc/systemd/system/trilithon-backup-server.service",
  /** Looks after the repositories: `trilithon-backup-keep.timer` starts it. */
  keepUnit: "trilithon-backup-keep",
  keepServicePath: "/etc/systemd/system/trilithon-backup-keep.service",
  keepTimerPath: "/etc/systemd/system/trilithon-backup-keep.timer",
  scriptPath: "/usr/local/sbin/trilithon-backup-keep",
  user: "trilithon_backup",
  home: "/nonexistent",
  /** The repositories, each with the name of its machine. */
  data: "/var/lib/trilithon-backup",
  certificate: `${folder}/certificate.pem`,
  privateKey: `${folder}/key.pem`,
  users: `${folder}/users`,
  /** Opens every repository. Root's alone: the server does not need it. */
  keeperPassword: `${folder}/keeper-password`,
  /** A machine's own key of its repository. */
  machinePassword: (name: string) => `${folder}/machines/${name}`,
};

/** How many copies stay. */
export interface Keep {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

/** `private-repos`: a user reaches what is below its own name, and nothing else. */
export function renderBackupServerUnit(place: {
  readonly address: string;
  readonly port: number;
}): string {
  const { user, scriptPath, data, certificate, privateKey, users } = backupServer;
  const words = [
    ...["--path", data, "--listen", `${place.address}:${place.port}`],
    ...["--append-only", "--private-repos", "--htpasswd-file", users],
    ...["--tls", "--tls-cert", certificate, "--tls-key", privateKey],
  ];
  return `${writtenByTrilithon}
[Unit]
Description=Backups of the stack's hosts, which none of them can delete
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User=${user}
StateDirectory=trilithon-backup
StateDirectoryMode=0700
UMask=0077
# As root: each machine has its repository by the time that it asks.
ExecStartPre=+${scriptPath} prepare
# Debian's name of it, and its authors'.
ExecStart=/bin/sh -c 'exec "$$(command -v restic-rest-server || command -v rest-server)" "$$@"' rest-server ${words.join(" ")}
Restart=always
RestartSec=1
${confineRoot({ addressFamilies: ["AF_INET"] })}
PrivateTmp=yes
ProtectKernelTunables=yes

[Install]
WantedBy=multi-user.target
`;
}

/**
 * As Apache's htpasswd writes it with SHA-1. Each password has 190 random bits, so a slow hash would protect nothing more, and would be made for
 * each request.
 */
export function renderBackupUsers(passwords: Readonly<Record<string, string>>): string {
  return Object.entries(passwords)
    .map(([name, password]) => {
      const digest = createHash("sha1").update(password).digest("base64");
      return `${name}:{SHA}${digest}\n`;
    })
    .join("");
}

export function renderKeepService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Forgets, prunes and checks backups

[Service]
Type=oneshot
ExecStart=${backupServer.scriptPath} keep
TimeoutStartSec=12h
${backupPriority}${confineRoot({ capabilities: ["CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"] })}
PrivateTmp=yes
ProtectKernelTunables=yes
ReadWritePaths=/var/lib
`;
}

/** An hour and a half after the copies, as a rule. */
export function renderKeepTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Forgets, prunes and checks backups

[Timer]
OnCalendar=*-*-* 04:30 UTC
RandomizedDelaySec=15min
Persistent=yes

[Install]
WantedBy=timers.target
`;
}

/** Names of its tags are those of `trilithon-backup`. */
export function renderKeepScript({ daily, weekly, monthly }: Keep): string {
  const { data, keeperPassword, user } = backupServer;
  return `#!/bin/sh
${writtenByTrilithon}
# trilithon-backup-keep prepare   a repository for each machine, which its own password opens
# trilithon-backup-keep keep      forgets what is old, prunes, and checks, a seventh of all data a day
# trilithon-backup-keep check     reads all data of all repositories
set -eu
umask 077
export LC_ALL=C RESTIC_PASSWORD_FILE=${keeperPassword}
data=${data}
metrics=${factsFolder}

# restic runs as root here, and what it makes has to be the server's.
give() { chown -R ${user}: "$data"; }
trap give EXIT

in_repository() {
  name=$1
  shift
  restic --no-cache --retry-lock 30m --repo "$data/$name" "$@"
}

prepare() {
  for password in ${folder}/machines/*; do
    name=\${password##*/}
    if [ ! -e "$data/$name/config" ]; then
      echo "$name: its repository is made"
      in_repository "$name" init --quiet
    fi
    if ! (RESTIC_PASSWORD_FILE=$password && in_repository "$name" cat config --no-lock) >/dev/null 2>&1; then
      echo "$name: its key is made"
      in_repository "$name" key add --new-password-file "$password" --host "$name" --user root
    fi
  done
}

# Of a machine that is gone its repository stays, and is looked after.
names() { for config in "$data"/*/config; do if [ -e "$config" ]; then basename "\${config%/config}"; fi; done; }

# Each by itself: a broken repository keeps none of the others from theirs.
in_each() {
  failed=
  for name in $(names); do
    if "$@" "$name"; then result=1; else
      result=0
      failed="$failed $name"
      echo "$name: failed" >&2
    fi
    lines="\${lines:-}trilithon_backup_repository_good{machine=\\"$name\\"} $result
"
  done
  (umask 022 && mkdir -p "$metrics")
  printf '%s' "\${lines:-}trilithon_backup_checked_seconds $(date +%s)
" >"$metrics/trilithon-backup-server.prom.new"
  chmod 644 "$metrics/trilithon-backup-server.prom.new"
  mv "$metrics/trilithon-backup-server.prom.new" "$metrics/trilithon-backup-server.prom"
  if [ -n "$failed" ]; then
    echo "backups are not sound:$failed" >&2
    return 1
  fi
}

# A check would lock machines out for as long as it reads. Without that it is sound as well: it takes the list of copies first, and nothing is removed meanwhile.
# Each copy of the logs holds a week of them: one a day leads back as far as the daily copies.
# A machine that died in the middle of a copy, or this one in the middle of this, left a lock that nobody else ever takes away. \`unlock\` removes
# what nobody has renewed for half an hour.
keep_one() {
  in_repository "$1" unlock --quiet &&
    in_repository "$1" forget --quiet --tag full --group-by host,tags --keep-last 2 --keep-daily ${daily} --keep-weekly ${weekly} --keep-monthly ${monthly} &&
    in_repository "$1" forget --quiet --tag folders --group-by host,tags --keep-last 2 --keep-daily ${daily} --keep-weekly ${weekly} --keep-monthly ${monthly} &&
    in_repository "$1" forget --quiet --tag state --group-by host,tags --keep-last 2 --keep-daily ${daily} --keep-weekly ${weekly} --keep-monthly ${monthly} &&
    in_repository "$1" forget --quiet --tag logs --group-by host,tags --keep-within 1h --keep-hourly 48 --keep-daily ${daily} &&
    in_repository "$1" prune --quiet &&
    in_repository "$1" check --no-lock --quiet --read-data-subset "$(date -u +%u)/7"
}

check_one() { in_repository "$1" check --no-lock --read-data; }

case $1 in
  prepare) prepare ;;
  keep) in_each keep_one ;;
  check) in_each check_one ;;
  *)
    echo "expected prepare, keep or check, got $1" >&2
    exit 2
    ;;
esac
`;
}
