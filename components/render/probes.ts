/** What is asked before and while a host is drained. */
import { backendOf } from "./haproxy-files";
import { webStatusPath } from "./nginx";

/** HAProxy's statistics: another server than this one is up. Fields before the status: name, 15 numbers. */
export function servesElsewhere(
  { address, statsPort }: { readonly address: string; readonly statsPort: number },
  hostName: string,
  backend: string,
) {
  const name = hostName.replaceAll(/[^A-Za-z0-9_-]/g, "\\$&");
  return {
    http: `http://${address}:${statsPort}/;csv`,
    matches: `^${backend},(?!${name},|FRONTEND|BACKEND)[^,]+(,[^,]*){15},UP`,
  };
}

/** HAProxy's statistics: no request of any application is passed to a server. Fields before the current sessions: name, 3 numbers. */
export function nothingPassed({
  address,
  statsPort,
  applications,
}: {
  readonly address: string;
  readonly statsPort: number;
  /** The first has no name. */
  readonly applications: readonly { readonly name?: string; readonly hasShared: boolean }[];
}) {
  const backends = applications.flatMap(({ name, hasShared }) => {
    const { backend, once, shared } = backendOf(name);
    return [backend, once, ...(hasShared ? [shared] : [])];
  });
  const none = (backend: string) => `^${backend},BACKEND,[^,]*,[^,]*,0,`;
  return {
    http: `http://${address}:${statsPort}/;csv`,
    matches: `(?s)${backends.map(none).join(".*")}`,
  };
}

/** Before servers are asked over TLS: a firewall that is not the stack's may know the port without it alone. */
export function reachesOne(
  servers: readonly { readonly address: string; readonly port: number }[],
): string {
  const places = servers.map(({ address, port }) => `${address}:${port}`).join(" ");
  return `perl -MIO::Socket::INET -e '
    for (@ARGV) { exit 0 if IO::Socket::INET->new(PeerAddr => $_, Timeout => 3) }
    die "none of @ARGV is reached: let web.tlsPort through between the hosts, or set loadBalancer.backendProtocol to http\\n"' ${places}`;
}

/** Nginx's counters: the one request that it is answering is this one. */
export function nothingUnderWay(webPort: number) {
  return { http: `http://127.0.0.1:${webPort}${webStatusPath}`, matches: "Writing: 1 " };
}

/** What Nginx counts is of all applications on the host. Of one it is the connections to it that say whether any is left. */
export function nobodyConnected({
  port,
  socket,
}: {
  readonly port: number;
  readonly socket?: string | undefined;
}) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const isConnected = socket ? `$6 == "03" && $8 == "${socket}"` : `$2 ~ /:${hex}$/ && $4 == "01"`;
  const tables = socket ? "/proc/net/unix" : "/proc/net/tcp*";
  return ["sh", "-c", `cat ${tables} | awk '${isConnected} { n = 1 } END { exit n }'`];
}
