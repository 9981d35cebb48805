/** What must not move on a host when nothing is to be done: the daemons' processes, and every file that could be ours. */
import type { TestStack } from "./test-stack";

export interface HostState {
  /** `lb-01 haproxy main` or `... workers` to the process ids and the moments at which they started. */
  readonly processes: Readonly<Record<string, string>>;
  /** Host and path to times, mode, owner and size. */
  readonly files: Readonly<Record<string, string>>;
}

const units = ["haproxy", "nginx", "guestbook", "mysql"];

/** A process id alone may have been given twice. */
const listProcesses = `
started() { for id in $1; do echo "$id@$(cut -d ')' -f 2- /proc/$id/stat | cut -d ' ' -f 21)"; done | tr '\\n' ' '; }
for unit in ${units.join(" ")}; do
  main=$(systemctl show -P MainPID $unit)
  [ "$main" != 0 ] || continue
  echo "$unit main $(started $main)"
  echo "$unit workers $(started "$(ps -o pid= --ppid $main)")"
done`;

/** Of nanoseconds; `%C` also moves when only the mode does. */
const listFiles = `find /etc /srv /var/lib/trilithon -xdev -printf '%p\\t%T@ %C@ %m %u:%g %s %l\\n'`;

export async function readProcesses(
  stack: TestStack,
  hosts: readonly string[],
): Promise<HostState["processes"]> {
  const lists = await Promise.all(hosts.map((host) => stack.on(host, listProcesses)));
  return Object.fromEntries(
    lists.flatMap((list, index) =>
      linesOf(list).map((line): [string, string] => {
        const [unit, which, ...ids] = line.trim().split(" ");
        return [`${hosts[index]} ${unit} ${which}`, ids.join(" ")];
      }),
    ),
  );
}

export async function readState(stack: TestStack, hosts: readonly string[]): Promise<HostState> {
  const lists = await Promise.all(hosts.map((host) => stack.on(host, listFiles)));
  const files = lists.flatMap((list, index) =>
    linesOf(list).map((line): [string, string] => {
      const [path = "", facts = ""] = line.split("\t");
      return [`${hosts[index]} ${path}`, facts];
    }),
  );
  return { processes: await readProcesses(stack, hosts), files: Object.fromEntries(files) };
}

/** The names of what differs, is new or is gone. */
export function moved(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
