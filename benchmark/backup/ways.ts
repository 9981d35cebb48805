/** A copy of the replica's data and the way back to a MySQL that has it: this project's, mysqldump with zstd, and mydumper. */
import { say } from "../../scripts/setup/say";
import type { BackupResult } from "../results";
import { median } from "../statistics";
import { forgetCopies, onHost, secondsOf } from "./host";

const place = "/var/lib/mysql-files/bench";
const empty = "/var/lib/mysql-files/bench-empty";
const socket = `${empty}/mysqld.sock`;
/** Unpacked, not installed: Debian's package brings libraries of MariaDB, and once it was installed the copies of this host's MySQL failed. */
const mydumper = "/opt/mydumper";
const login = `${mydumper}/login`;
const unpackMydumper = `export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qqy --no-install-recommends zstd >/dev/null
mkdir -p ${mydumper}/partial && cd ${mydumper}
apt-get install -qqy --no-install-recommends --download-only --option Dir::Cache::archives=${mydumper} mydumper >/dev/null
for package in *.deb; do dpkg -x "$package" .; done
printf '[client]\npassword=bench\n' >${login}`;
/** MariaDB's client cannot be let in by `auth_socket`, as root is. */
const mydumperAccount = `mysql -e "CREATE USER bench@localhost IDENTIFIED BY 'bench'; GRANT ALL ON *.* TO bench@localhost"`;
const runMydumper = (program: string, words: string) =>
  `libraries=$(echo ${mydumper}/usr/lib/*-linux-gnu)
LD_LIBRARY_PATH=$libraries MARIADB_PLUGIN_DIR=$libraries/libmariadb3/plugin ${mydumper}/usr/bin/${program} --threads 2 ${words}`;

/** Without those of MySQL itself. */
const databases = "bulk guestbook";

interface Way {
  readonly name: string;
  readonly before: () => Promise<unknown>;
  readonly copy: string;
  /** Prints megabytes. */
  readonly size: readonly [host: string, script: string];
  readonly restore: () => Promise<number>;
}

const makePlace = () => onHost("web-02", `rm -rf ${place} && mkdir -p ${place}`);

const ways: readonly Way[] = [
  {
    name: "trilithon",
    before: forgetCopies,
    copy: "systemctl start trilithon-backup",
    size: ["lb-01", "du -sm /var/lib/trilithon-backup/web-02 | cut -f 1"],
    restore: restoreOurs,
  },
  {
    name: "mysqldump, zstd",
    before: makePlace,
    copy: `mysqldump --single-transaction --routines --events --set-gtid-purged=OFF --databases ${databases} | zstd -q >${place}/dump.zst`,
    size: ["web-02", `du -sm ${place} | cut -f 1`],
    restore: () => intoEmpty(`zstd -dc ${place}/dump.zst | mysql --no-defaults --socket=${socket}`),
  },
  {
    name: "mydumper",
    before: makePlace,
    copy: runMydumper(
      "mydumper",
      // What a replica applies is a query of some hours to it, which it would not begin beside.
      `--defaults-file ${login} --user bench --socket /var/run/mysqld/mysqld.sock --long-query-guard 9999999 --rows 100000 --compress --regex '^(${databases.replace(" ", "|")})[.]' --outputdir ${place}/dump`,
    ),
    size: ["web-02", `du -sm ${place} | cut -f 1`],
    restore: () =>
      intoEmpty(
        runMydumper("myloader", `--user root --socket=${socket} --directory ${place}/dump`),
      ),
  },
];

/** The order alternates. */
export async function measureWays(runs: number): Promise<BackupResult["ways"]> {
  await onHost("web-01", mydumperAccount);
  await onHost("web-02", unpackMydumper);
  const rounds = ways.map((way) => ({ way, all: [] as Figures[] }));
  for (let round = 1; round <= runs; round += 1) {
    for (const { way, all } of round % 2 === 0 ? [...rounds].reverse() : rounds) {
      say(way.name, `round ${round} of ${runs}`);
      all.push(await measureWay(way));
    }
  }
  return rounds.map(({ way: { name }, all }) => ({
    name,
    copySeconds: median(all.map(({ copySeconds }) => copySeconds)),
    megabytes: median(all.map(({ megabytes }) => megabytes)),
    restoreSeconds: median(all.map(({ restoreSeconds }) => restoreSeconds)),
  }));
}

type Figures = Omit<BackupResult["ways"][number], "name">;

async function measureWay({ name, before, copy, size, restore }: Way): Promise<Figures> {
  await before();
  const copySeconds = await secondsOf("web-02", copy);
  const megabytes = Number(await onHost(...size));
  const restoreSeconds = await restore();
  say(name, `${copySeconds.toFixed(1)} s, ${megabytes} MB, back in ${restoreSeconds.toFixed(1)} s`);
  return { copySeconds, megabytes, restoreSeconds };
}

/** Until MySQL has it: counting and comparing all rows, which comes after that, is none of it. */
async function restoreOurs(): Promise<number> {
  await onHost("web-02", "systemctl start trilithon-backup-logs");
  const stamped =
    'date "+began %s%N"; trilithon-restore scratch latest | while read -r line; do case $line in until*) date "+ended %s%N" ;; esac; done';
  const said = await onHost("web-02", stamped);
  const at = (word: string) => Number(new RegExp(`^${word} (\\d+)$`, "m").exec(said)?.[1]) / 1e9;
  await onHost("web-02", "trilithon-restore stop");
  return at("ended") - at("began");
}

/** As the restored one runs. Making it empty is not timed. */
async function intoEmpty(load: string): Promise<number> {
  const unit = "bench-empty";
  await onHost(
    "web-02",
    `rm -rf ${empty} && install -d -o mysql -g mysql ${empty}
mysqld --no-defaults --user=mysql --initialize-insecure --datadir=${empty}/data --log-error=${empty}/error.log
systemd-run --quiet --collect --unit=${unit} --property=User=mysql --property=Nice=10 mysqld --no-defaults --datadir=${empty}/data --socket=${socket} --log-error=${empty}/error.log --port=3308 --bind-address=127.0.0.1 --mysqlx=OFF --skip-log-bin --performance-schema=OFF --max-allowed-packet=1G --innodb-buffer-pool-size=128M
until mysqladmin --no-defaults --socket=${socket} ping >/dev/null 2>&1; do sleep 1; done`,
  );
  const seconds = await secondsOf("web-02", load);
  await onHost("web-02", `systemctl stop ${unit} && rm -rf ${empty}`);
  return seconds;
}
