/** The daemon beside mysqld that tells load balancers what the member is at this moment: the primary, a replica, or neither. */

export const roleCheck = {
  unit: "trilithon-mysql-role.service",
  unitPath: "/etc/systemd/system/trilithon-mysql-role.service",
  scriptPath: "/usr/local/sbin/trilithon-mysql-role",
  confinement: "/etc/systemd/system/trilithon-mysql-role.service.d/confinement.conf",
  /** A system user, and an account of MySQL that logs in over the socket: no password is needed. */
  user: "trilithon_role",
  home: "/nonexistent",
  /** The customary port of such checks on MySQL, since Percona's `clustercheck`. */
  port: 9200,
  /** Sent with each answer: others have the port as well, such as Elasticsearch. */
  server: "trilithon-mysql-role",
  /** Who serves, how far behind it is, and who is in a group with it. */
  grants: { "performance_schema.*": ["SELECT"] },
};

export interface RoleCheck {
  /** IPv4 of the member, where it answers. */
  readonly address: string;
  /** Of a group the members vote on who is the primary; of a pair the one that is open for writes is. */
  readonly sort: "pair" | "group";
  /** A replica that is further behind gets no new reads. */
  readonly maxLagSeconds: number;
}

export function renderRoleCheckUnit({ address, sort, maxLagSeconds }: RoleCheck): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Tells whether this member is the MySQL primary or a healthy replica
After=network-online.target mysql.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=${roleCheck.user}
ExecStart=${roleCheck.scriptPath} ${address} ${roleCheck.port} ${sort} ${maxLagSeconds}
Restart=always
RestartSec=1
# It has to answer while the machine is busy.
Nice=-5
OOMScoreAdjust=-500
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes

[Install]
WantedBy=multi-user.target
`;
}

/**
 * Perl, which every Debian and Ubuntu has. One \`mysql\` client stays connected and is asked ten times a second; what it
 * last said counts for a second. So a mysqld that hangs is noticed, which no look at its process or port would do.
 */
export function renderRoleCheckScript(): string {
  return String.raw`#!/usr/bin/perl
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# trilithon-mysql-role ADDRESS PORT pair|group MAX_LAG_SECONDS
#   GET /primary   200: takes writes. 503: does not, or is not known to.
#   GET /replica   200: serves reads. 404: runs, but is the primary, or is behind: keeps the reads that it has, and gets no
#                  new ones. 503: does not answer.
#   GET /reads     200: the primary, a replica, one that is behind, or one that was such a moment ago: read where nobody else
#                  can be, as in the middle of a switch. 503: no.
#   GET /          200 and a line for people, or 503.
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);

my ($address, $port, $sort, $max_lag) = @ARGV;
my $every = 0.1;        # seconds between two questions
my $fresh = 1;          # seconds for which an answer counts
my $hung = 5;           # seconds after which a client without an answer is replaced
my $patience = 2;       # seconds for the request of one who asks here
my $moment = 60;        # seconds for which one that is no replica any more is read where nobody else can be
my $doubt = 5;          # seconds after it was cut off from most members, in which it may not know yet that it was replaced
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';

# One line: number of the question, whether writes are refused (or all clients: offline), state and role in the group, members and how many of them
# are reachable, sources, whether receiver and applier run, lag in seconds.
sub question {
  my ($number) = @_;
  return <<"SQL";
SELECT CONCAT_WS(' ', 'role', $number, IF(\@\@global.offline_mode, 'offline', \@\@global.super_read_only OR \@\@global.read_only),
  COALESCE((SELECT CONCAT(MEMBER_STATE, ' ', IF(MEMBER_ROLE = '', '-', MEMBER_ROLE))
    FROM performance_schema.replication_group_members WHERE MEMBER_ID = \@\@server_uuid), '- -'),
  (SELECT COUNT(*) FROM performance_schema.replication_group_members),
  (SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE <> 'UNREACHABLE'),
  (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = '' AND HOST <> ''),
  COALESCE((SELECT SERVICE_STATE FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = ''), '-'),
  COALESCE((SELECT SERVICE_STATE FROM performance_schema.replication_applier_status WHERE CHANNEL_NAME = ''), '-'),
  COALESCE((SELECT MAX(TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6))) / 1000000
    FROM performance_schema.replication_applier_status_by_worker
    WHERE CHANNEL_NAME IN ('', 'group_replication_applier') AND APPLYING_TRANSACTION <> ''), 0));
SQL
}

my $server = IO::Socket::INET->new(
  LocalAddr => $address, LocalPort => $port, Proto => 'tcp', Listen => 64, ReuseAddr => 1, Blocking => 0,
) or die "cannot listen on $address:$port: $!\n";
my $select = IO::Select->new($server);

my ($client, $to, $from, $errors);   # the mysql client
my $said = '';                       # of it, the line that is not ended yet
my ($number, $asked_at, $is_waiting) = (0, 0, 0);
my ($role, $why, $answered_at) = ('neither', 'mysqld has not answered yet', 0);
my %requests;                        # by file number: who asks, since when, and what it has sent
my $told = '';
my $cut_off_at = 0;
my $read_at = 0;                     # when it was last one to read from

sub start_client {
  my ($in, $out) = (undef, undef);
  pipe(my $child_in, $to) or die "pipe: $!";
  pipe($from, my $child_out) or die "pipe: $!";
  $client = fork();
  die "fork: $!" unless defined $client;
  if ($client == 0) {
    open(STDIN, '<&', $child_in);
    open(STDOUT, '>&', $child_out);
    open(STDERR, '>&', $child_out);
    POSIX::close($_) for 3 .. 255;
    exec 'mysql', '--no-defaults', '--user=' . getpwuid($>), '--batch', '--skip-column-names', '--unbuffered',
      '--connect-timeout=2' or POSIX::_exit(127);
  }
  close $child_in;
  close $child_out;
  $to->autoflush(1);
  $from->blocking(0);
  $select->add($from);
  ($said, $is_waiting) = ('', 0);
}

sub stop_client {
  return unless defined $client;
  $select->remove($from);
  close $to;
  close $from;
  kill 'KILL', $client;
  undef $client;
  $asked_at = time;
}

sub ask {
  $number++;
  ($asked_at, $is_waiting) = (time, 1);
  print $to question($number) =~ s/\n(?!$)/ /gr or stop_client();
}

sub hear {
  my $count = sysread($from, my $part, 65536);
  if (!defined $count) { return if $!{EAGAIN} || $!{EINTR}; }
  if (!$count) { return stop_client(); }
  $said .= $part;
  while ($said =~ s/^([^\n]*)\n//) {
    my $line = $1;
    if ($line =~ /^role $number (.*)/) {
      $is_waiting = 0;
      $answered_at = time;
      ($role, $why) = judge(split / /, $1);
      $read_at = $answered_at if $role ne 'neither' || $why =~ /behind$/;
    } elsif ($line =~ /^ERROR/) {
      $why = $line;
    }
  }
}

# What the member is, and in words why.
sub judge {
  my ($is_closed, $state, $group_role, $members, $reachable, $sources, $receiver, $applier, $lag) = @_;
  return ('neither', 'lets no clients in (offline_mode)') if $is_closed eq 'offline';
  my $behind = sprintf('%.1f s behind', $lag < 0 ? 0 : $lag);
  if ($sort eq 'group') {
    return ('neither', "$state in its group") unless $state eq 'ONLINE';
    if (2 * $reachable <= $members) {
      $cut_off_at = time;
      return ('neither', "reaches $reachable of $members members");
    }
    if ($group_role eq 'PRIMARY') {
      return ('neither', 'was cut off a moment ago') if time - $cut_off_at < $doubt;
      return $is_closed ? ('neither', 'the primary, not open for writes') : ('primary', 'the primary');
    }
    return $lag > $max_lag ? ('neither', $behind) : ('replica', "a replica, $behind");
  }
  return ('primary', 'the primary') if !$is_closed && !$sources;
  return ('neither', $sources ? 'a replica that is open for writes' : 'closed for writes') if !$is_closed || !$sources;
  return ('neither', 'applies nothing') unless $applier eq 'ON';
  return ('neither', 'receives nothing') if $receiver eq 'OFF' || $receiver eq '-';
  return $lag > $max_lag ? ('neither', $behind) : ('replica', "a replica, $behind");
}

sub answer {
  my ($path) = @_;
  my $age = time - $answered_at;
  if ($age > $fresh) {
    my $since = $answered_at ? sprintf('mysqld has not answered for %.1f s', $age) : $why;
    return (503, $why =~ /^ERROR/ ? "$since: $why" : $since);
  }
  return ($role eq 'primary' ? 200 : 503, $why) if $path eq '/primary';
  return ($role eq 'replica' ? 200 : 404, $why) if $path eq '/replica';
  return ($answered_at - $read_at < $moment ? 200 : 503, $why) if $path eq '/reads';
  return (200, $why) if $path eq '/';
  return (404, 'ask for /primary, /replica, /reads or /');
}

sub serve {
  my ($socket) = @_;
  my $request = $requests{fileno $socket};
  my $count = sysread($socket, my $part, 4096);
  return if !defined $count && ($!{EAGAIN} || $!{EINTR});
  $request->{text} .= $part if $count;
  if ($count && $request->{text} !~ /\r?\n\r?\n/ && length $request->{text} < 4096) { return; }
  if ($request->{text} =~ m{^(?:GET|HEAD|OPTIONS) (/\S*) HTTP/1}) {
    my ($status, $body) = answer($1);
    my %reason = (200 => 'OK', 404 => 'Not Found', 503 => 'Service Unavailable');
    my $text = "$body\n";
    syswrite $socket, "HTTP/1.0 $status $reason{$status}\r\nServer: ${roleCheck.server}\r\nContent-Type: text/plain\r\nContent-Length: "
      . length($text) . "\r\nConnection: close\r\n\r\n$text";
  }
  hang_up($socket);
}

sub hang_up {
  my ($socket) = @_;
  delete $requests{fileno $socket};
  $select->remove($socket);
  close $socket;
}

while (1) {
  for my $ready ($select->can_read($every / 2)) {
    if ($ready == $server) {
      my $socket = $server->accept or next;
      $socket->blocking(0);
      $requests{fileno $socket} = { socket => $socket, since => time, text => '' };
      $select->add($socket);
    } elsif (defined $client && $ready == $from) {
      hear();
    } elsif (exists $requests{fileno($ready) // -1}) {
      serve($ready);
    }
  }
  my $now = time;
  hang_up($_->{socket}) for grep { $now - $_->{since} > $patience } values %requests;
  if (!defined $client) {
    start_client() if $now - $asked_at >= 0.2;
  } elsif ($is_waiting) {
    stop_client() if $now - $asked_at > $hung;
  } elsif ($now - $asked_at >= $every) {
    ask();
  }
  my $is_old = $now - $answered_at > $fresh;
  my $tells = $is_old ? 'mysqld does not answer' : $role eq 'replica' ? 'a replica' : $why =~ s/[\d.]+ s/some seconds/r;
  print STDERR "$tells\n" if $tells ne $told;
  $told = $tells;
}
`;
}
