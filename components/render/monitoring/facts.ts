/** What no exporter knows of a host, as a file that the node exporter tells: a script, and the timer that runs it. */
import { writtenByTrilithon } from "../application-unit";
import { confineRoot } from "../unit-confinement";
import { factsFolder } from "./exporters";

export const factsUnit = "trilithon-facts";

export const factsFiles = {
  script: "/usr/local/sbin/trilithon-facts",
  config: "/etc/trilithon-metrics/facts.conf",
  service: `/etc/systemd/system/${factsUnit}.service`,
  timer: `/etc/systemd/system/${factsUnit}.timer`,
  facts: `${factsFolder}/trilithon.prom`,
  /** Written to by each change of a service on the host. */
  owners: "/var/lib/trilithon/owners",
};

export interface Facts {
  /** That are to run. */
  readonly units: readonly string[];
  /** PEM. */
  readonly certificates: readonly string[];
  /** While one is there, the host is drained of something. */
  readonly drainFiles: readonly string[];
  /** While `on` is a line of it, the site is closed for maintenance. */
  readonly closedFile?: string | undefined;
  /** That moves between hosts. */
  readonly virtualAddress?: string | undefined;
  /** Where the host's member of the database tells its role: `10.0.0.21:9200`. */
  readonly role?: string | undefined;
  /** Socket of a member of a pair, which is asked whose transactions it has. */
  readonly transactionsAt?: string | undefined;
  /** Application to the link to its version. */
  readonly releases: Readonly<Record<string, string>>;
}

/** A line for each, of a word that says what it is and one or two that say which. */
export function renderFactsConfig(facts: Facts): string {
  const { units, certificates, drainFiles, closedFile, virtualAddress, role, releases } = facts;
  const { transactionsAt } = facts;
  const lines = [
    ...units.map((unit) => `unit ${unit}`),
    ...certificates.map((path) => `certificate ${path}`),
    ...drainFiles.map((path) => `drain ${path}`),
    ...(closedFile === undefined ? [] : [`closed ${closedFile}`]),
    ...(virtualAddress === undefined ? [] : [`address ${virtualAddress}`]),
    ...(role === undefined ? [] : [`role ${role}`]),
    ...(transactionsAt === undefined ? [] : [`transactions ${transactionsAt}`]),
    ...Object.entries(releases).map(([name, link]) => `release ${name} ${link}`),
  ];
  return `${writtenByTrilithon}\n${lines.map((line) => `${line}\n`).join("")}`;
}

/** Perl, which every Debian and Ubuntu has. `paths`: other ones than on a host, for tests. */
export function renderFactsScript(paths: Partial<typeof factsFiles> = {}): string {
  const { config, facts, owners } = { ...factsFiles, ...paths };
  return String.raw`#!/usr/bin/perl
${writtenByTrilithon}
# trilithon-facts: writes what is true of this host for the node exporter. What cannot be asked is left out, so that nobody takes it for well.
use strict;
use warnings;
use IO::Socket::INET;

$ENV{LC_ALL} = 'C';
$ENV{PATH} = '/usr/sbin:/usr/bin:/sbin:/bin';

my %wanted;
open my $config, '<', '${config}' or die "${config}: $!\n";
while (my $line = <$config>) {
  next if $line =~ /^(#|\s*$)/;
  my ($what, @words) = split ' ', $line;
  push @{ $wanted{$what} }, \@words;
}
close $config;

my %lines;
my @order;
# Lines of one name stand together.
sub fact {
  my ($name, $value, %labels) = @_;
  push @order, $name unless $lines{$name};
  my @labels = map { my $text = $labels{$_}; $text =~ s/([\\"])/\\$1/g; "$_=\"$text\"" } sort keys %labels;
  push @{ $lines{$name} }, $name . (@labels ? '{' . join(',', @labels) . '}' : '') . " $value\n";
}

sub output_of {
  open my $out, '-|', @_ or return '';
  local $/;
  my $text = <$out> // '';
  close $out;
  return $text;
}

sub lines_of {
  open my $file, '<', $_[0] or return ();
  my @lines = <$file>;
  close $file;
  return @lines;
}

my @units = map { $_->[0] } @{ $wanted{unit} || [] };
if (@units) {
  for my $block (split /\n\n/, output_of('systemctl', 'show', '-p', 'Id,ActiveState,NRestarts', '--', @units)) {
    my %of = map { split /=/, $_, 2 } grep { /=/ } split /\n/, $block;
    next unless defined $of{Id} and defined $of{ActiveState};
    fact('trilithon_unit_active', ($of{ActiveState} =~ /^(active|reloading|refreshing)$/ ? 1 : 0), unit => $of{Id});
    fact('trilithon_unit_restarts', $of{NRestarts}, unit => $of{Id}) if ($of{NRestarts} // '') =~ /^\d+$/;
  }
}
for my $line (split /\n/, output_of('systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--no-pager')) {
  fact('trilithon_unit_failed', 1, unit => $1) if $line =~ /^\s*(\S+)\s/;
}

for my $one (@{ $wanted{certificate} || [] }) {
  my ($path) = @$one;
  next unless -r $path;
  # notAfter=Nov 30 05:37:07 2036 GMT
  output_of('openssl', 'x509', '-noout', '-enddate', '-in', $path) =~ /^notAfter=(.+)$/m or next;
  output_of('date', '-d', $1, '+%s') =~ /^(\d+)$/m or next;
  fact('trilithon_certificate_end_seconds', $1, path => $path);
}

my $drained = grep { -e $_->[0] } @{ $wanted{drain} || [] };
fact('trilithon_drained', $drained ? 1 : 0) if $wanted{drain};
fact('trilithon_site_closed', (grep { $_ eq "on\n" } lines_of($wanted{closed}[0][0])) ? 1 : 0) if $wanted{closed};

if ($wanted{address}) {
  my ($address) = @{ $wanted{address}[0] };
  my $shown = output_of('ip', '-o', 'addr', 'show');
  fact('trilithon_address_held', $shown =~ m{ inet6? \Q$address\E[/ ]} ? 1 : 0) if $shown ne '';
}

# Who does not answer is not the primary.
if ($wanted{role}) {
  my ($place) = @{ $wanted{role}[0] };
  my $status = '';
  if (my $socket = IO::Socket::INET->new(PeerAddr => $place, Timeout => 2)) {
    local $SIG{ALRM} = sub { die "late\n" };
    eval {
      alarm 3;
      print {$socket} "GET /primary HTTP/1.0\r\nHost: $place\r\n\r\n";
      $socket->flush;
      $status = <$socket> // '';
      alarm 0;
    };
    alarm 0;
  }
  fact('trilithon_mysql_primary', $status =~ m{^HTTP/1\.\d 200 } ? 1 : 0);
}

# Own ones of a replica that its primary does not know came past replication. mysqld may hang.
if ($wanted{transactions}) {
  my ($socket) = @{ $wanted{transactions}[0] };
  my $question = 'SELECT @@GLOBAL.server_uuid, @@GLOBAL.gtid_executed';
  my $answer = output_of('sh', '-c', 'exec timeout 3 mysql --no-defaults --user=root --socket="$1" --batch --skip-column-names --execute="$2" 2>/dev/null', 'sh', $socket, $question);
  if ($answer =~ /^(\S+)\t(.*)$/) {
    my ($own, $set) = ($1, $2);
    $set =~ s/\\n|\s//g;
    my %count = ($own => 0);
    for my $one (split /,/, $set) {
      my ($uuid, @ranges) = split /:/, $one;
      for my $range (@ranges) { $count{$uuid} += ($2 // $1) - $1 + 1 if $range =~ /^(\d+)(?:-(\d+))?$/ }
    }
    fact('trilithon_mysql_own_transactions', delete $count{$own}, uuid => $own);
    fact('trilithon_mysql_known_transactions', $count{$_}, uuid => $_) for sort keys %count;
  }
}

my @changed = stat '${owners}';
fact('trilithon_last_up_seconds', $changed[9]) if @changed;

for my $one (@{ $wanted{release} || [] }) {
  my ($name, $link) = @$one;
  my $version = readlink $link;
  next unless defined $version;
  $version =~ s{/+$}{};
  $version =~ s{.*/}{};
  fact('trilithon_release', 1, application => $name, version => $version);
}

fact('trilithon_reboot_required', -e '/run/reboot-required' || -e '/var/run/reboot-required' ? 1 : 0);
fact('trilithon_facts_seconds', time);

umask 022;
my $new = '${facts}.new';
open my $out, '>', $new or die "$new: $!\n";
for my $name (@order) {
  print {$out} "# TYPE $name gauge\n", @{ $lines{$name} };
}
close $out or die "$new: $!\n";
rename $new, '${facts}' or die "${facts}: $!\n";
`;
}

export function renderFactsService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=What is true of this host, for the node exporter

[Service]
Type=oneshot
ExecStart=${factsFiles.script}
TimeoutStartSec=20s
StateDirectory=${factsFolder.replace("/var/lib/", "")}
# Twice a minute nobody wants to read that it began and ended.
LogLevelMax=warning
# What the script says of itself is a fault.
SyslogLevel=err
Nice=10
PrivateTmp=yes
${confineRoot({ addressFamilies: ["AF_INET", "AF_NETLINK"] })}
ProtectKernelTunables=yes
`;
}

export function renderFactsTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=What is true of this host, for the node exporter

[Timer]
OnActiveSec=1s
OnBootSec=10s
OnUnitActiveSec=30s
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
