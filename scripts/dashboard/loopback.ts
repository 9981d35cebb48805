/** Questions to what answers HTTP at a host's 127.0.0.1 alone, as Prometheus does: asked by a process there. */
import { sh } from "../../provider/ssh/shell";

/** Perl is on every Debian; curl is not. Each answer is `STATUS LENGTH` and its bytes. */
const program = String.raw`
use IO::Socket::INET;
my ($port, $seconds) = @ARGV;
alarm $seconds;
while (my $path = <STDIN>) {
  chomp $path;
  my $answer = "";
  if (my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port, Timeout => 3)) {
    print $socket "GET $path HTTP/1.0\r\nHost: 127.0.0.1:$port\r\n\r\n";
    local $/;
    $answer = <$socket> // "";
  }
  my ($head, $body) = split /\r\n\r\n/, $answer, 2;
  my ($status) = ($head // "") =~ m{^HTTP/1\.\d (\d+)};
  $body //= "";
  print $status // 0, " ", length $body, "\n", $body;
}
`;

export function loopbackScript(port: number, paths: readonly string[], seconds: number): string {
  const lines = paths.map((path) => `${path}\n`).join("");
  return sh`printf %s ${lines} | perl -e ${program} ${String(port)} ${String(seconds)}`.text;
}

export interface LoopbackAnswer {
  /** 0: nobody answers there. */
  readonly status: number;
  readonly body: string;
}

export function parseLoopback(text: string): readonly LoopbackAnswer[] {
  const bytes = Buffer.from(text);
  const found: LoopbackAnswer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\n", at);
    const [, status, length] = /^(\d+) (\d+)$/.exec(bytes.toString("utf8", at, end)) ?? [];
    if (end === -1 || length === undefined) break;
    at = end + 1 + Number(length);
    found.push({ status: Number(status), body: bytes.toString("utf8", end + 1, at) });
  }
  return found;
}
