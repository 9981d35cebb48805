/** Whether a firewall would keep out whoever runs `up`: told by the host, which knows where that is from. */

interface Opening {
  readonly protocol: string;
  readonly port?: number | undefined;
  readonly from: "anyone" | readonly string[];
}

/** A command that prints a line where the connection by which it is asked could not be made anew. */
export function renderExcludedOperator(openings: readonly Opening[]): readonly string[] {
  const open = openings
    .filter(({ protocol }) => protocol === "tcp")
    .flatMap(({ port, from }) =>
      (from === "anyone" ? [from] : from).map((network) => `${port} ${network}`),
    );
  return ["sh", "-c", script, "excluded", ...open];
}

// sudo takes the variable away, so it is looked for in whoever called; perl-base is on every Debian and Ubuntu.
const script = `connection=\${SSH_CONNECTION:-}
process=$$
while [ -z "$connection" ] && [ "\${process:-1}" -gt 1 ]; do
  connection=$(tr '\\0' '\\n' <"/proc/$process/environ" | sed -n 's/^SSH_CONNECTION=//p')
  process=$(sed 's/.*) [A-Z] \\([0-9]*\\) .*/\\1/' "/proc/$process/stat")
done
[ -n "$connection" ] || exit 0
exec perl -MSocket=inet_pton,AF_INET,AF_INET6 -e '
  sub bits { unpack "B*", inet_pton($_[0] =~ /:/ ? AF_INET6 : AF_INET, $_[0]) // "" }
  my ($connection, @open) = @ARGV;
  my ($from, undef, undef, $port) = split / /, $connection;
  $from =~ s/%.*//;
  $from =~ s/^::ffff:(?=[0-9.]+$)//;
  for (@open) {
    my ($at, $base, $length) = m{^([0-9]+) ([^/]+)/?([0-9]*)$};
    next if $at != $port;
    exit if $base eq "anyone";
    my ($own, $network) = (bits($from), bits($base));
    next if length $own != length $network;
    $length = length $own if $length eq "";
    exit if substr($own, 0, $length) eq substr $network, 0, $length;
  }
  print "keep out SSH from $from, where this machine comes from: it is in no network of firewall.operators, and so the host takes the change back\\n";
' "$connection" "$@"`;
