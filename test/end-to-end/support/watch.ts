/** What anybody on a host could see while something is applied there: command lines, environments, logs. */
import type { Places } from "./secrets";
import type { TestStack } from "./test-stack";

/** Whose it is is asked last: a process becomes the application's user only when it becomes the application. */
const environments = `
my $application = getpwnam("guestbook") // -1;
for my $file (glob "/proc/[0-9]*/environ") {
  my $before = (stat $file)[4];
  open my $handle, "<", $file or next;
  my $text = do { local $/; <$handle> } // "";
  my $owner = (stat $file)[4] // $before // -1;
  print $text =~ tr/\\0/\\n/r, "\\n" unless $owner == $application;
}`;

/** Each line once. The application's own environment holds its password: that is how it gets it. */
const watchScript = `
touch /run/watching
often() { while [ -e /run/watching ]; do "$@"; sleep 0.05; done | awk '!seen[$0]++ { print; fflush() }'; }
often ps -eww -o args= >>/run/watched.args 2>/dev/null &
often perl -e ${quote(environments)} >>/run/watched.environments 2>/dev/null &
`;

export async function watch(stack: TestStack, host: string): Promise<void> {
  await stack.on(host, `setsid sh -c ${quote(watchScript)} >/dev/null 2>&1 </dev/null &`);
}

export async function readWatched(stack: TestStack, host: string): Promise<Places> {
  const read = (script: string) => stack.on(host, `${script} | tr -c '[:print:]\\n' '\\n'`);
  await stack.on(host, "rm -f /run/watching");
  return {
    [`${host}: command lines`]: await read("cat /run/watched.args"),
    [`${host}: environments`]: await read("cat /run/watched.environments"),
    [`${host}: journal`]: await read("journalctl --no-pager -a -o cat"),
    [`${host}: logs`]: await read(
      "find /var/log -type f ! -name '*access*' ! -path '*/journal/*' -exec cat {} +",
    ),
  };
}

/** The server's own logs; the general one is switched on for it. */
export async function readMysqlLogs(stack: TestStack, host: string): Promise<Places> {
  const read = (files: string) =>
    stack.on(host, `cat ${files} 2>/dev/null | tr -c '[:print:]\\n' '\\n'`);
  return {
    [`${host}: general log`]: await read("/var/lib/mysql/watched.log"),
    [`${host}: binary logs`]: await read(
      "/var/lib/mysql/binlog.[0-9]* /var/lib/mysql/*relay*.[0-9]*",
    ),
  };
}

export async function logStatements(stack: TestStack, host: string): Promise<void> {
  await stack.on(
    host,
    `mysql -e "SET GLOBAL general_log_file = '/var/lib/mysql/watched.log'; SET GLOBAL general_log = ON"`,
  );
}

/**
 * Puts a text wherever this would have to find it. What comes and goes stays until it was seen: how long that takes is
 * the machine's matter. Who watches nothing leaves it unseen after two minutes.
 */
export async function plant(stack: TestStack, host: string, text: string): Promise<void> {
  const untilSeen = `
for attempt in $(seq 600); do
  grep -q "$CONTROL" /run/watched.args && grep -q "$CONTROL" /run/watched.environments && break
  sleep 0.2
done`;
  await stack.on(
    host,
    `CONTROL=${text} sh -c ${quote(untilSeen)} - ${text}
logger -t control ${text}
journalctl --sync
echo ${text} >>/var/log/control.log
! command -v mysql >/dev/null || mysql -e "SELECT '${text}'" >/dev/null`,
  );
}

function quote(script: string): string {
  return `'${script.replaceAll("'", `'\\''`)}'`;
}
