/** The files of a machine that is backed up: restic with its repositories, what it copies, and when. */
import { writtenByTrilithon } from "./application-unit";
import { factsFolder } from "./monitoring/exporters";
import { confineRoot } from "./unit-confinement";

const folder = "/etc/trilithon/backup";

export const backupFiles = {
  folder,
  /** `trilithon-backup.timer` starts it. */
  unit: "trilithon-backup",
  logsUnit: "trilithon-backup-logs",
  testUnit: "trilithon-restore-test",
  path: (unit: string) => `/etc/systemd/system/${unit}`,
  scriptPath: "/usr/local/sbin/trilithon-backup",
  /** A line for each folder of an application. */
  folders: `${folder}/folders`,
  /** A line for each member of the database: name and address. */
  members: `${folder}/members`,
  /** Where copies go: a folder for each. */
  places: `${folder}/places`,
  place: (
    name: string,
    file: "repository" | "password" | "ca.pem" | "environment" | "makes-repository",
  ) => `${folder}/places/${name}/${file}`,
  /** Beside the data of MySQL, where mysqld may write. */
  clone: "/var/lib/mysql-files/trilithon-backup",
  /** What a full copy has at the least, as a set of GTIDs: it goes along with it. */
  gtidSet: "/var/lib/trilithon/backup/gtid-set",
  /** What a copy of binary logs does not have, as it was before the oldest of them: it goes along with it. */
  gtidPurged: "/var/lib/trilithon/backup/gtid-purged",
  /** What binary logs that are stored lead to, at the least. */
  gtidStored: "/var/lib/trilithon/backup/gtid-stored",
  /** One copy of the database at a time. */
  lock: "/var/lib/trilithon/backup/lock",
  /** Where monitoring looks, if there is any. */
  metrics: factsFolder,
};

/** Of what copies and restores: it reads what is MySQL's and applications', and gives files back to them. */
export const backupConfinement = `${confineRoot({
  capabilities: ["CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"],
  addressFamilies: ["AF_INET", "AF_INET6", "AF_NETLINK"],
})}
PrivateTmp=yes
ProtectKernelTunables=yes
# Keys of SSH, for a repository that is reached by it.
ProtectHome=read-only
ReadWritePaths=/var/lib /var/cache
`;

/** Variables of a shell, for restic: keys of a cloud, say. */
export function renderBackupEnvironment(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");
}

export function renderBackupMembers(
  members: readonly { readonly name: string; readonly address: string }[],
): string {
  return members.map(({ name, address }) => `${name} ${address}\n`).join("");
}

/** For what may take as long as it takes: visitors come first. They noticed a restic that has all processors. */
export const backupPriority = `Environment=GOMAXPROCS=1
Nice=10
CPUWeight=10
IOWeight=10
IOSchedulingClass=idle
`;

/** What a machine is copied of. */
export interface Copied {
  readonly name: string;
  readonly database: boolean;
  readonly folders: boolean;
}

/** Once a day: a full copy, if it is this member's turn, and the folders. Nothing waits for it. */
export function renderBackupService({ database, folders }: Copied): string {
  const { scriptPath } = backupFiles;
  return `${writtenByTrilithon}
[Unit]
Description=Copies of this machine's data
After=network-online.target mysql.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=${scriptPath} ${wordsOf({ database, folders }).join(" ")}
TimeoutStartSec=12h
${backupPriority}${backupConfinement}`;
}

/** Of two `ExecStart=` systemd would leave out the second where the first fails. */
function wordsOf({ database, folders }: Omit<Copied, "name">): readonly string[] {
  if (database && folders) return ["each", "full", "folders"];
  return database ? ["full"] : ["folders"];
}

export function renderBackupTimer({ schedule }: { readonly schedule: string }): string {
  return `${writtenByTrilithon}
[Unit]
Description=Copies of this machine's data

[Timer]
OnCalendar=${schedule}
Persistent=yes

[Install]
WantedBy=timers.target
`;
}

export function renderLogsService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Copies of MySQL's binary logs
After=network-online.target mysql.service

[Service]
Type=oneshot
ExecStart=${backupFiles.scriptPath} logs
# One that hangs is not to keep the next ones away.
TimeoutStartSec=15min
Nice=5
# Of what the program says nothing is left out, and of systemd's own lines each minute those that tell of a fault are left.
SyslogLevel=notice
LogLevelMax=notice
${backupConfinement}`;
}

/** At most the last minute is lost with all machines: a copy takes some seconds as well. */
export function renderLogsTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Copies of MySQL's binary logs

[Timer]
OnActiveSec=20s
OnBootSec=60s
OnUnitActiveSec=45s
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
