/**
 * The wait of a transaction until the unit is ready. `fail` and `progress` are the transaction's own, `journal` comes
 * with the unit's step.
 */

import { type Shell, sh } from "../../ssh/shell";
import type { Ready, Service } from "./args";

export function renderWait({ unit = "", name, ready }: Service): Shell {
  const seconds = ready?.deadlineSeconds ?? 30;
  return sh`
progress ${`waiting until ${name} is ready`}
end=$(($(date +%s) + ${seconds}))
until [ "$(systemctl is-active -- ${unit})" = active ] && said=$(${probe(ready)} 2>&1 </dev/null); do
  if [ "$(date +%s)" -ge "$end" ]; then
    fail ${`${name} was not ready within ${seconds} seconds; all is put back as it was:`}"
$said
$(systemctl is-active -- ${unit})
$(journal)"
  fi
  sleep 0.2
done`;
}

/** perl-base and its sockets are on every Debian; curl is not. */
function probe(ready: Ready | undefined): Shell {
  if (ready?.command !== undefined) return sh`${ready.command}`;
  if (ready?.tcp !== undefined)
    return sh`perl -MIO::Socket::INET -e ${tcpProbe} 127.0.0.1 ${ready.tcp}`;
  if (ready?.http !== undefined) {
    const { hostname, port, pathname, search } = new URL(ready.http);
    return sh`perl -MIO::Socket::INET -e ${httpProbe} ${hostname} ${port || "80"} ${pathname + search}`;
  }
  return sh`true`;
}

const tcpProbe =
  'IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or die "port $ARGV[1]: $@\\n"';

const httpProbe = `
my ($host, $port, $path) = @ARGV;
alarm 10;
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or die "http://$host:$port$path: $@\\n";
print $socket "GET $path HTTP/1.0\\r\\nHost: $host\\r\\nConnection: close\\r\\n\\r\\n";
my $status = <$socket> // "";
die "http://$host:$port$path: " . ($status || "no answer\\n") unless $status =~ m{^HTTP/1\\.[01] [23]};
`;
