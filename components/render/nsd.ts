/** NSD's files on one host: what it answers, and where. */
import { writtenByTrilithon } from "./application-unit";
import { renderRestartAlways } from "./restart-always";

const zonesFolder = "/etc/nsd/trilithon-zones";

export const nsdFiles = {
  config: "/etc/nsd/nsd.conf",
  zones: "/etc/nsd/trilithon-zones.conf",
  zone: (zone: string) => `${zonesFolder}/${zone}.zone`,
  dropIn: "/etc/systemd/system/nsd.service.d/trilithon.conf",
  /** Says with status 0 that NSD answers as the files have it. */
  script: "/usr/local/sbin/trilithon-name-server",
};

export interface NsdAddresses {
  readonly address: string;
  /** Where it answers over IPv6 as well. */
  readonly address6?: string | undefined;
}

/** It takes these in by a restart alone. Without `provide-xfr` it hands no zone out, and it never asks others. */
export function renderNsdConfig({ address, address6 }: NsdAddresses): string {
  return `${writtenByTrilithon}
server:
  ip-address: ${address}
${address6 === undefined ? "" : `  ip-address: ${address6}\n`}  # At boot it may be earlier than the address.
  ip-freebind: yes
  server-count: 1
  log-only-syslog: yes
  hide-version: yes
  hide-identity: yes
  refuse-any: yes
  # Answers a second to one network (/24). Of those above, each second one is cut short: who asks in earnest asks again by TCP.
  rrl-ratelimit: 200
  rrl-slip: 2

remote-control:
  control-enable: yes
  control-interface: /run/nsd/nsd.ctl

include: "${nsdFiles.zones}"
`;
}

export function renderNsdZones(zones: readonly string[]): string {
  const blocks = zones.map(
    (zone) => `
zone:
  name: ${zone}
  zonefile: ${nsdFiles.zone(zone)}
`,
  );
  return `${writtenByTrilithon}\n${blocks.join("")}`;
}

/**
 * A reload takes in other zones as well; the unit's own rights do not reach the control socket. Of Debian's capabilities these are left: a
 * port below 1024, its socket's owner, and to become its user.
 */
export function renderNsdDropIn(): string {
  return `${renderRestartAlways()}ExecReload=
ExecReload=+/usr/sbin/nsd-control reconfig
ExecReload=+/usr/sbin/nsd-control reload
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN CAP_SETGID CAP_SETUID
# Netlink tells it the addresses of its host.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectProc=invisible
`;
}

export function nsdCheck(zones: readonly string[]): readonly string[] {
  const checks = zones.map((zone) => `nsd-checkzone ${zone} ${nsdFiles.zone(zone)}`);
  return ["sh", "-c", [`nsd-checkconf ${nsdFiles.config}`, ...checks].join(" && ")];
}

/** `nsd-control reload` ends before NSD has read the files. Perl, which every Debian and Ubuntu has. */
export function renderNsdScript(): string {
  return String.raw`#!/usr/bin/perl
${writtenByTrilithon}
# trilithon-name-server ADDRESS ZONE...: a line for each zone that NSD does not answer for as its file has it, and status 1.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($address, @zones) = @ARGV;
my $status = 0;

# Of an answer without one: what it is.
sub served {
  my ($zone) = @_;
  my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => 53, Proto => 'udp') or return "no socket: $!";
  my $name = join('', map { pack('C/a*', $_) } split(/\./, $zone)) . "\0";
  $socket->send(pack('n6', $$ & 0xffff, 0, 1, 0, 0, 0) . $name . pack('n2', 6, 1));
  return 'no answer' unless IO::Select->new($socket)->can_read(2);
  my $answer = '';
  return "no answer: $!" unless defined $socket->recv($answer, 4096);
  my (undef, $flags, undef, $count) = unpack('n4', $answer);
  return 'status ' . ($flags & 15) . ", $count answers" if ($flags & 15) or $count != 1;
  # The name of the answer is a pointer to the question's.
  my $length = unpack('n', substr($answer, 12 + length($name) + 4 + 10, 2));
  my $data = substr($answer, 12 + length($name) + 4 + 12, $length);
  return unpack('N', substr($data, -20));
}

for my $zone (@zones) {
  my $file = "${zonesFolder}/$zone.zone";
  open my $handle, '<', $file or die "$file: $!\n";
  my ($serial) = join('', <$handle>) =~ /^\s*(\d+) ; /m;
  my $served = served($zone);
  next if $served eq $serial;
  print "$zone: expected the serial $serial, got $served\n";
  $status = 1;
}
exit $status;
`;
}
