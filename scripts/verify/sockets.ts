/** What listens on a host: `ss`, and the systemd unit of each process. */

export interface ListeningSocket {
  /** `vrrp`: protocol 112 of IP. */
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** `0.0.0.0`, `[::]`, or `*` for both. The interface that a socket may be bound to as well is left out. */
  readonly address: string;
  /** VRRP has none. */
  readonly port: number | undefined;
  /** Empty where it is the kernel's own, or of a process outside of the container. */
  readonly processes: readonly SocketProcess[];
}

export interface SocketProcess {
  readonly name: string;
  readonly id: number;
  /** `nginx.service`, `session-3.scope`; `undefined` where it ended meanwhile. */
  readonly unit: string | undefined;
}

/** As root: of other users' processes nobody else is told. */
export const socketsScript = `sockets=$(LC_ALL=C ss -H -l -n -t -u -w -p) || exit
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
    const processes = [...(found.get(key)?.processes ?? []), ...socket.processes];
    found.set(key, { ...socket, processes });
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
function parseUnit(line: string): readonly (readonly [number, string])[] {
  const [, id, path = ""] = /^process (\d+) \d+:[^:]*:(.*)$/.exec(line) ?? [];
  const unit = path.split("/").findLast((part) => /\.(service|scope)$/.test(part));
  return id === undefined || unit === undefined ? [] : [[Number(id), unit]];
}

/** Protocol, state, two queues, address and port, those of the other side, and the processes. */
const form = /^(tcp|udp|raw)\s+\S+\s+\d+\s+\d+\s+([^\s%]+)(?:%\S+)?:(\d+)\s+\S+\s*(.*)$/;

function parseSocket(line: string, units: ReadonlyMap<number, string>): readonly ListeningSocket[] {
  const [, kind, address = "", port = "", users = ""] = form.exec(line) ?? [];
  const protocol = protocolOf(kind, port);
  if (protocol === undefined) return [];
  const processes = [...users.matchAll(/\("((?:[^"\\]|\\.)*)",pid=(\d+)/g)].map(
    ([, name = "", id]) => ({ name, id: Number(id), unit: units.get(Number(id)) }),
  );
  return [{ protocol, address, port: protocol === "vrrp" ? undefined : Number(port), processes }];
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
