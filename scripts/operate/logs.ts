/** The logs of a stack's services: what each host reads of its journal and its log files, and how the lines become one stream. */
import type { LiveCommandArgs } from "../../provider/ssh/live-command";
import { UsageError } from "../command-line";
import type { EndpointHost, Endpoints, Service } from "../verify/endpoints";
import { printable } from "./printable";

/** What can be asked for by name. */
export const logNames = ["app", "nginx", "haproxy", "mysql", "services", "nsd", "backup"] as const;
export type LogName = (typeof logNames)[number];

/** A line of a log. */
export interface LogLine {
  /** Microseconds since 1970, by the host's clock. */
  readonly at: number;
  readonly host: string;
  /** The unit without its ending, or the file: `guestbook`, `nginx.access`. */
  readonly source: string;
  readonly text: string;
}

/** What is read on one host. */
export interface HostLogs {
  readonly units: readonly string[];
  /** Source to file. */
  readonly files: Readonly<Record<string, string>>;
}

const nameOf: Readonly<Record<Service["role"], LogName>> = {
  application: "app",
  "web-server": "nginx",
  "load-balancer": "haproxy",
  database: "mysql",
};

/** Where these services write besides the journal. */
const filesOf: Partial<Record<LogName, Readonly<Record<string, string>>>> = {
  nginx: {
    "nginx.access": "/var/log/nginx/trilithon.access.log",
    "nginx.error": "/var/log/nginx/error.log",
  },
  mysql: { mysql: "/var/log/mysql/error.log" },
};

/** The unit of a helper is read with the service that it stands beside. */
function nameOfHelper(unit: string): LogName {
  if (/^(valkey|redis|memcached)/.test(unit)) return "services";
  if (unit === "nsd.service") return "nsd";
  if (unit.startsWith("trilithon-backup")) return "backup";
  return unit.startsWith("trilithon-mysql") ? "mysql" : "haproxy";
}

/** `undefined` where nothing of it is on the host. No names mean all. */
export function logsOn(host: EndpointHost, names: readonly string[]): HostLogs | undefined {
  const isWanted = (name: LogName) => names.length === 0 || names.includes(name);
  const isNamed = ({ role, unit }: Service) =>
    role === "application" && names.includes(applicationOf(unit));
  const services = host.services.filter(
    (service) => isWanted(nameOf[service.role]) || isNamed(service),
  );
  const helpers = host.helpers.filter((unit) => isWanted(nameOfHelper(unit)));
  const units = [...services.map(({ unit }) => unit), ...helpers];
  const files = services.map(({ role }) => filesOf[nameOf[role]]);
  const sites = isWanted("nginx") ? siteFilesOf(host) : {};
  return units.length === 0 ? undefined : { units, files: Object.assign({}, ...files, sites) };
}

/** Applications beside the first have an access log each; of the first there is no such file. */
function siteFilesOf({ services }: EndpointHost): Readonly<Record<string, string>> {
  const names = services
    .filter(({ role }) => role === "application")
    .map(({ unit }) => applicationOf(unit));
  if (names.length < 2) return {};
  return Object.fromEntries(
    names.map((name) => [`nginx.access.${name}`, `/var/log/nginx/trilithon-${name}.access.log`]),
  );
}

function applicationOf(unit: string): string {
  return unit.replace(/\.service$/, "");
}

/** Each is one of the services', or the name of an application. */
export function readLogNames(
  words: readonly string[],
  { applications }: Pick<Endpoints, "applications">,
  help: string,
): readonly string[] {
  const known = [...logNames, ...applications.map(({ name }) => name)];
  const wrong = words.find((word) => !known.includes(word));
  if (wrong === undefined) return words;
  throw new UsageError(`expected ${known.join(", ")}, got "${wrong}": ${help}`);
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `15m`, or a time such as `2026-11-29T07:00Z`, as seconds before now. */
export function readSince(text: string, help: string, now = Date.now()): number {
  const [, count, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (unitSeconds[unit] ?? 1);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (time <= now) return Math.ceil((now - time) / 1000);
  const expected = "a time before now such as 30s, 15m, 1h, 2d or 2026-11-29T07:00Z";
  throw new UsageError(`--since: expected ${expected}, got "${text}": ${help}`);
}

export interface Reading {
  readonly sinceSeconds: number;
  /** Goes on until its standard input ends. */
  readonly follows: boolean;
  /** A regular expression, as Perl has it; empty for all lines. */
  readonly pattern: string;
}

/** Of each source on a host, where more fit: the latest. */
export const linesAtMost = 100_000;

/** Prints lines `AT SOURCE LENGTH` with so many bytes of text after each: sorted by time, but for what follows. */
export function logReader(
  { units, files }: HostLogs,
  { sinceSeconds, follows, pattern }: Reading,
): LiveCommandArgs {
  const settings = [String(sinceSeconds), follows ? "follow" : "", pattern, String(linesAtMost)];
  const named = Object.entries(files).flat();
  return { program, words: [...settings, String(units.length), ...units, ...named] };
}

/** By which a host says that it cannot read the pattern. */
export const badPatternStatus = 64;

const program = String.raw`
use POSIX ();
my ($seconds, $follows, $pattern, $most, $count, @rest) = @ARGV;
my @units = splice @rest, 0, $count;
my %files = @rest;
my $since = time - $seconds;
my $matches = eval { qr/$pattern/ };
if (!defined $matches) {
  print STDERR $@ =~ s/ at (\S+|\(eval \d+\)) line \d+.*//sr, "\n";
  exit ${badPatternStatus};
}
my %lines;

sub line {
  my ($at, $source, $text) = @_;
  return if $pattern ne "" && $text !~ $matches;
  my $line = [$at, sprintf "%s %s %d\n%s\n", $at, $source, length $text, $text];
  if ($follows) { print $line->[1]; return }
  push @{$lines{$source}}, $line;
  shift @{$lines{$source}} if @{$lines{$source}} > $most;
}

# The journal's export format: NAME=value, or NAME and a length in 8 bytes where the value has line ends.
sub entry {
  my ($buffer) = @_;
  my %fields;
  for (my $at = 0; ; ) {
    my $end = index $$buffer, "\n", $at;
    return if $end < 0;
    my $head = substr $$buffer, $at, $end - $at;
    $at = $end + 1;
    if ($head eq "") { $$buffer = substr $$buffer, $at; return \%fields }
    if ($head =~ /^([^=]+)=(.*)$/s) { $fields{$1} = $2; next }
    return if length $$buffer < $at + 8;
    my $length = unpack "Q<", substr $$buffer, $at, 8;
    return if length $$buffer < $at + 8 + $length + 1;
    $fields{$head} = substr $$buffer, $at + 8, $length;
    $at += 8 + $length + 1;
  }
}

my $journal = "";
sub take_journal {
  while (my $fields = entry(\$journal)) {
    next if !defined $fields->{MESSAGE};
    my $source = $fields->{UNIT} // $fields->{_SYSTEMD_UNIT} // $fields->{SYSLOG_IDENTIFIER} // "journal";
    $source =~ s/\.service$//;
    line($fields->{__REALTIME_TIMESTAMP}, $source =~ s/\s/_/gr, $fields->{MESSAGE});
  }
}

# Microseconds since 1970. Nginx's error log has the host's own time, the others say how far theirs is from UTC.
sub time_of {
  my ($text) = @_;
  return unless $text =~ m{^(?:\{"time":")?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)?};
  my ($year, $month, $day, $hour, $minute, $second, $fraction, $zone) = ($1, $2, $3, $4, $5, $6, $7 // 0, $8);
  $fraction .= "0" x (6 - length $fraction);
  return POSIX::mktime($second, $minute, $hour, $day, $month - 1, $year - 1900, 0, 0, -1) . $fraction if !defined $zone;
  my ($y, $m) = $month > 2 ? ($year, $month - 3) : ($year - 1, $month + 9);
  my $days = 365 * $y + int($y / 4) - int($y / 100) + int($y / 400) + int((153 * $m + 2) / 5) + $day - 719469;
  my $offset = $zone =~ /^([+-])(\d\d):(\d\d)$/ ? ($1 eq "-" ? -1 : 1) * ($2 * 60 + $3) : 0;
  return ($days * 86400 + $hour * 3600 + ($minute - $offset) * 60 + $second) . $fraction;
}

# A line without a time belongs to the one before it.
my %open;
sub take_file {
  my ($source, $path) = @_;
  my $file = $open{$source} //= { at => ($since - 1) . "000000", rest => "" };
  if (!$file->{handle}) {
    open $file->{handle}, "<", $path or return delete $file->{handle};
    $file->{inode} = (stat $file->{handle})[1];
  }
  while (sysread($file->{handle}, my $bytes, 65536)) {
    my @texts = split /\n/, $file->{rest} . $bytes, -1;
    $file->{rest} = pop @texts;
    for my $text (@texts) {
      $file->{at} = time_of($text) // $file->{at};
      line($file->{at}, $source, $text) if $file->{at} >= $since * 1e6;
    }
  }
  # Rotated: the new file is read from its beginning.
  my ($inode, $size) = (stat $path)[1, 7];
  if (defined $inode && ($inode != $file->{inode} || $size < sysseek $file->{handle}, 0, 1)) { delete $file->{handle} }
}
sub take_files {
  for my $source (sort keys %files) {
    take_file($source, $files{$source});
    take_file($source, $files{$source}) if !$open{$source}{handle};
  }
}

my @options = ("--output=export", "--output-fields=MESSAGE,UNIT,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER", "--no-pager", "--quiet");
push @options, "--follow", "--no-tail" if $follows;
my $pid = open my $pipe, "-|", "journalctl", @options, "--since=\@$since", map { "--unit=$_" } @units or die "journalctl: $!\n";
for my $source (sort keys %files) {
  # The file before the last rotation, where it is no older than what is asked for.
  my $former = "$files{$source}.1";
  if (-e $former && (stat _)[9] >= $since) { take_file($source, $former); delete $open{$source}{handle} }
}
if ($follows) {
  my $bits = "";
  vec($bits, fileno $_, 1) = 1 for *STDIN, $pipe;
  for (;;) {
    take_files();
    select(my $ready = $bits, undef, undef, 0.3);
    last if vec($ready, fileno STDIN, 1) && !sysread(STDIN, my $typed, 4096);
    if (vec($ready, fileno $pipe, 1)) {
      sysread($pipe, $journal, 65536, length $journal) or last;
      take_journal();
    }
  }
  kill "TERM", $pid;
  exit 0;
}
while (sysread($pipe, $journal, 65536, length $journal)) { take_journal() }
close $pipe or exit 1;
take_files();
print $_->[1] for sort { $a->[0] <=> $b->[0] } map { @$_ } map { $lines{$_} } sort keys %lines;
for my $source (grep { @{$lines{$_}} == $most } sort keys %lines) { print STDERR "$source: its last $most lines: there may be older ones\n" }
`;

/** Anything else is not the reader's, and left out. */
const headPattern = /^(-?\d+) (\S*) (\d{1,9})$/;

/** Takes apart what a host prints, in whatever pieces it comes. */
export class LogParser {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly host: string) {}

  take(bytes: Buffer): readonly LogLine[] {
    const found: LogLine[] = [];
    const all = Buffer.concat([this.#rest, bytes]);
    let from = 0;
    for (;;) {
      const end = all.indexOf("\n", from);
      if (end === -1) break;
      const [, at, source = "", length] = headPattern.exec(all.toString("utf8", from, end)) ?? [];
      if (length === undefined) {
        from = end + 1;
        continue;
      }
      const last = end + 1 + Number(length);
      if (all.length < last + 1) break;
      const text = all.toString("utf8", end + 1, last);
      found.push({ at: Number(at), host: this.host, source, text });
      from = last + 1;
    }
    this.#rest = all.subarray(from);
    return found;
  }
}

/** Lines of several hosts by their time; those of one time as they came. */
export function merged(lines: readonly LogLine[]): readonly LogLine[] {
  return lines.toSorted((one, other) => one.at - other.at);
}

export function renderLogJson({ at, ...line }: LogLine): string {
  return `${JSON.stringify({ at: timeOf(at), ...line })}\n`;
}

/** Every line of a text with its host. What a terminal would obey is shown as an escape. */
export function renderLogLine({ at, host, source, text }: LogLine): string {
  const head = `${timeOf(at)} ${host} ${source}`;
  const lines = text.replace(/\r?\n$/, "").split("\n");
  return lines.map((line) => `${head}: ${printable(line)}\n`).join("");
}

/** `2026-11-29T07:01:33.123456Z` */
function timeOf(at: number): string {
  const milliseconds = Math.floor(at / 1000);
  const micro = String(at - milliseconds * 1000).padStart(3, "0");
  return new Date(milliseconds).toISOString().replace("Z", `${micro}Z`);
}
