/** One question over HTTP or TCP, asked on the host itself. perl-base and its sockets are on every Debian; curl is not. */

import { type Shell, sh } from "../../ssh/shell";

export interface HttpProbe {
  readonly http: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A regular expression, Perl's, that the answer has to match, over several lines. */
  readonly matches?: string | undefined;
  /** Default 10. */
  readonly deadlineSeconds?: number;
  /** `any`: that there is an answer at all is enough. Default: 200 to 299. */
  readonly status?: "any" | "success";
}

/** Ends with 0 when the answer is 200 to 299, and matches. Otherwise it says what the answer was. */
export function renderHttpProbe(probe: HttpProbe): Shell {
  const { http, headers = {}, matches = "", deadlineSeconds = 10, status = "success" } = probe;
  const { hostname, port, pathname, search } = new URL(http);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return sh`perl -MIO::Socket::INET -e ${httpProbe} ${hostname} ${port || "80"} ${pathname + search} ${deadlineSeconds} ${status} ${matches} ${lines}`;
}

export function renderTcpProbe(port: number): Shell {
  return sh`perl -MIO::Socket::INET -e ${tcpProbe} 127.0.0.1 ${port}`;
}

const tcpProbe =
  'IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or die "port $ARGV[1]: $@\\n"';

const httpProbe = `
my ($host, $port, $path, $seconds, $wanted, $matches, @headers) = @ARGV;
my $url = "http://$host:$port$path";
$SIG{ALRM} = sub { die "$url: no answer within $seconds seconds\\n" };
alarm $seconds;
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or die "$url: $@\\n";
unshift @headers, "Host: $host" unless grep { /^host:/i } @headers;
print $socket join("\\r\\n", "GET $path HTTP/1.0", @headers, "Connection: close", "", "");
my $status = <$socket> // "";
die "$url: no answer\\n" if $status eq "";
exit 0 if $wanted eq "any";
local $/;
my $answer = <$socket> // "";
$status =~ s/\\s+$//;
if ($status !~ m{^HTTP/1\\.[01] 2}) {
  my ($to) = $answer =~ m{^Location: *(\\S+)}im;
  die "$url: $status" . ($to ? ", a redirect to $to, is not healthy" : "") . "\\n";
}
die "$url: expected an answer that matches $matches\\n" if $matches ne "" and $answer !~ m{$matches}m;
`;
