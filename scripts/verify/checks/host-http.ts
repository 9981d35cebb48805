/** HTTP requests that a host sends, to itself or to an address of the stack. */
import { sh } from "../../../provider/ssh/shell";
import type { Site } from "../check";
import type { EndpointHost } from "../endpoints";

export interface HostQuestion {
  readonly port: number;
  readonly path: string;
  /** Sent as `Host`: an application may refuse any other. */
  readonly domain: string;
  /** Sent as `X-Forwarded-Proto`. */
  readonly scheme: "http" | "https";
  /** One after the other, each over a connection of its own. */
  readonly times: number;
  /** IPv4 or IPv6. Default 127.0.0.1. */
  readonly address?: string;
  /** Further ones. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HostAnswer {
  /** Absent where there was none: `fault` says why. */
  readonly status?: number;
  readonly fault?: string;
  /** The header `X-Served-By`. */
  readonly servedBy?: string;
  readonly body: string;
}

/** Of a load balancer, which may let in few. */
export async function askBalancer(
  site: Site,
  host: EndpointHost,
  question: HostQuestion,
): Promise<readonly HostAnswer[]> {
  const headers = await site.passHeaders?.();
  return askHost(site, host, { ...question, ...(headers && { headers }) });
}

export async function askHost(
  site: Site,
  host: EndpointHost,
  { port, path, domain, scheme, times, address, headers = {} }: HostQuestion,
): Promise<readonly HostAnswer[]> {
  const common = [String(port), path, domain, scheme, String(times)];
  const args = address === undefined ? common : [...common, address];
  const further = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // One may be a secret, which no argument of a program is to show.
  const script = sh`printf '%s' ${further.join("")} | perl -MIO::Socket::IP -e ${program} ${args} 2>&1 || true`;
  const text = await site.run(host, script.text, 15);
  const records = text.split(separator).filter((record) => record.trim() !== "");
  return (records.length > 0 ? records : [""]).map(parseAnswer);
}

/** An answer as it came over the line, or the line that says why there is none. */
export function parseAnswer(text: string): HostAnswer {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  const fault = text.trim().split("\n").at(-1)?.trim() || "no answer";
  if (status === undefined) return { fault, body: "" };
  const [head = "", ...body] = text.split("\r\n\r\n");
  const servedBy = /^x-served-by: *(.*?)\r?$/im.exec(head)?.[1];
  return {
    status: Number(status),
    body: body.join("\r\n\r\n"),
    ...(servedBy !== undefined && { servedBy }),
  };
}

const separator = "\u001e";

/** Perl and its sockets are on every Debian; curl is not. */
const program = `
my ($port, $path, $domain, $scheme, $times, $address) = @ARGV;
my $further = do { local $/; <STDIN> } // "";
alarm 12;
for (1 .. $times) {
  my $socket = IO::Socket::IP->new(PeerAddr => $address // "127.0.0.1", PeerPort => $port, Timeout => 5) or die "refuses connections\\n";
  print $socket "GET $path HTTP/1.1\\r\\nHost: $domain\\r\\nX-Forwarded-Proto: $scheme\\r\\n\${further}Connection: close\\r\\n\\r\\n";
  my $answer = "";
  while (<$socket>) { $answer .= $_ if length($answer) < 65536 }
  print $answer, chr(30);
}
`;
