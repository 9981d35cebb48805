/** What listens on a host: `ss`, and the systemd unit of each process. */

export interface ListeningSocket {
  /** `vrrp`: protocol 112 of IP. */
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** `0.0.0.0`, `[::]`, or `*` for both. The interface that a socket may be bound to as well is left out. */
  readonly address: string;
  /** VRRP has none. */
  readonly port: number | undefined;
  /** Of systemd: the one in which it was opened, and those of the processes that are told. */
  readonly units: readonly string[];
  /** `nginx, process 12`. Root in a container is told of its own processes alone. */
  readonly processes: readonly string[];
}

/** As root: of other users' processes nobody else is told. Of a raw socket `ss` knows no control group, of its process `/proc` does. */
export const socketsScript = `sockets=$(LC_ALL=C ss -H -l -n -t -u -w -p --cgroup) || exit
printf '%s\\n' "$sockets"
printf '%s\\n' "$sockets" | grep -o 'pid=[0-9]*' | sort -u | while IFS='=' read -r _ id; do
  sed "s/^/process $id /" "/proc/$id/cgroup" 2>/dev/null || true
done`;

/** Each once, however many processes or threads have it open. */
export function parseSockets(text: string): readonly ListeningSocket[] {
  const lines = text.split("\n");
  const units = new Map(lines.flatMap(parseUnit));
  const found = new Map<string, ListeningSocket>();
  for (const socket of lines.flatMap((line) => parseSocket(line, units))) {
    const key = describeSocket(socket);
    const before = found.get(key);
    found.set(key, {
      ...socket,
      units: [...new Set([...(before?.units ?? []), ...socket.units])],
      processes: [...(before?.processes ?? []), ...socket.processes],
    });
  }
  return [...found.values()];
}

interface Place {
  readonly protocol: string;
  readonly address: string;
  readonly port?: number | undefined;
}

/** `tcp 0.0.0.0:80` */
export function describeSocket({ protocol, address, port }: Place): string {
  return `${protocol} ${address}${port === undefined ? "" : `:${port}`}`;
}

/** `process 12 0::/system.slice/nginx.service`; with the first version of control groups there is a line for each of them. */
function parseUnit(line: string): readonly (readonly [string, string])[] {
  const [, id, path = ""] = /^process (\d+) \d+:[^:]*:(.*)$/.exec(line) ?? [];
  return id === undefined ? [] : unitOf(path).map((unit) => [id, unit]);
}

/** Of a container's host there is more before it. */
function unitOf(path: string): readonly string[] {
  const unit = path.split("/").findLast((part) => /\.(service|scope)$/.test(part));
  return unit === undefined ? [] : [unit];
}

/** Protocol, state, two queues, address and port, those of the other side, processes and control group. */
const form = /^(tcp|udp|raw)\s+\S+\s+\d+\s+\d+\s+([^\s%]+)(?:%\S+)?:(\d+)\s+\S+\s*(.*)$/;

function parseSocket(line: string, units: ReadonlyMap<string, string>): readonly ListeningSocket[] {
  const [, kind, address = "", port = "", rest = ""] = form.exec(line) ?? [];
  const protocol = protocolOf(kind, port);
  if (protocol === undefined) return [];
  const processes = [...rest.matchAll(/\("((?:[^"\\]|\\.)*)",pid=(\d+)/g)];
  const [, group = ""] = /\bcgroup:(\S+)/.exec(rest) ?? [];
  return [
    {
      ...{ protocol, address, port: protocol === "vrrp" ? undefined : Number(port) },
      units: [...unitOf(group), ...processes.flatMap(([, , id = ""]) => units.get(id) ?? [])],
      processes: processes.map(([, name = "", id = ""]) => `${name}, process ${id}`),
    },
  ];
}

/** Other raw sockets, such as that of `ping`, take what comes for them and open nothing. */
function protocolOf(
  kind: string | undefined,
  port: string,
): ListeningSocket["protocol"] | undefined {
  if (kind === "tcp" || kind === "udp") return kind;
  return kind === "raw" && port === vrrp ? "vrrp" : undefined;
}

/** The number of its protocol, which stands in the port's place. */
const vrrp = "112";
