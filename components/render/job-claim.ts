/** How a job that is due on several hosts runs on one of them: each claims the run in the application's database, the first has it. */
import { writtenByTrilithon } from "./application-unit";

/** Paths of an application's own, as each has a database of its own. */
export function jobClaimFiles(name: string) {
  return { script: `/usr/local/sbin/trilithon-${name}-job`, options: `/etc/${name}/jobs.cnf` };
}

export interface DatabaseAccess {
  readonly host: string;
  readonly port: string;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** The path of certificates by which its servers are verified. */
  readonly authority?: string | undefined;
}

/** For MySQL's own client. */
export function renderJobClaimOptions(database: DatabaseAccess): string {
  return `${writtenByTrilithon}
[client]
host=${database.host}
port=${database.port}
user=${database.user}
password="${database.password.replaceAll("\\", "\\\\")}"
${database.authority === undefined ? "ssl-mode=REQUIRED" : `ssl-mode=VERIFY_IDENTITY\nssl-ca=${database.authority}`}
connect-timeout=3

[mysql]
database=${database.name}
`;
}

/** In seconds. */
export interface ClaimTimes {
  /** A run whose host has not been heard of for that long is free. */
  readonly lease: number;
  /** A host that reached no database for that long ends its run: well before another one may begin. */
  readonly giveUp: number;
  /** Between two words of a host that it still runs. */
  readonly renew: number;
  /** For one answer of the database. */
  readonly answer: number;
  /** For a database that does not answer. */
  readonly patience: number;
}

/** A group has another primary within about ten seconds: a run outlives that, and is late rather than missed. */
export const claimTimes: ClaimTimes = { lease: 30, giveUp: 24, renew: 3, answer: 4, patience: 60 };

/**
 * Perl, which every Debian and Ubuntu has, with modules of `perl-base` alone. A claim is one row per job, changed by one UPDATE: the
 * database says which of several hosts was first, also across a switch of its primary. While the command runs, the row is renewed; so the
 * run of a host that died is free after the lease.
 */
export function renderJobClaim(options: string, times: ClaimTimes = claimTimes): string {
  return String.raw`#!/usr/bin/perl
${writtenByTrilithon}
# JOB SCHEDULE DEADLINE_SECONDS COMMAND...
#   Started by the timer on every host. Runs COMMAND on the one that is first to claim this run in the database, and on none while an
#   earlier run is under way. Ends with the status of COMMAND, or with 0 where another host has the run.
use strict;
use warnings;
use POSIX ();

my ($job, $schedule, $deadline, @command) = @ARGV;
my $options = '${options}';
my $lease = ${times.lease};      # seconds after which the run of a host that says nothing any more is free
my $give_up = ${times.giveUp};    # seconds without the database after which this host ends its run, as another one may soon begin
my $renew = ${times.renew};       # seconds between two renewals
my $answer_within = ${times.answer};   # seconds
my $patience = ${times.patience};   # seconds for a database that does not answer
my $grace = 3;       # seconds between SIGTERM and SIGKILL
my $why = 'it said nothing';
$SIG{CHLD} = sub { };    # ends a sleep
$| = 1;

sub read_line { open my $file, '<', $_[0] or die "$_[0]: $!\n"; return scalar <$file> }
# Of the machine: a change of its clock does not matter.
sub uptime { return (split / /, read_line('/proc/uptime'))[0] }
sub rest { select undef, undef, undef, $_[0] }
sub utc { return POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime $_[0]) }

my $host = ($ENV{HOST_NAME} // (POSIX::uname())[1]) =~ s/[^\w.-]//gr;
my ($run) = read_line('/proc/sys/kernel/random/uuid') =~ /([0-9a-f-]+)/;

# The last time of the schedule until a moment. It is the same on all hosts, however late the timer of each is.
sub last_time {
  my ($moment) = @_;
  my ($until, $last) = (utc($moment), undef);
  for (my $back = 2; !defined $last && $back < $moment; $back *= 8) {
    my @due = (utc($moment - $back));
    while (@due) {
      my @times = times_after($due[-1]);
      @due = grep { $_ le $until } @times;
      $last = $due[-1] if @due;
      last if @due < @times;
    }
  }
  return $last // die "the schedule $schedule has no time before $until UTC\n";
}

sub times_after {
  my ($base) = @_;
  local @ENV{'TZ', 'LC_ALL'} = ('UTC', 'C');
  open my $said, '-|', 'systemd-analyze', 'calendar', '--iterations=10', "--base-time=$base UTC", $schedule
    or die "systemd-analyze: $!\n";
  return map { /^\s*(?:Next elapse|Iter\S* #\d+): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC/ ? $1 : () } <$said>;
}

# The fields of the answer, or nothing where the database did not answer; then $why says what it said instead.
sub ask {
  my ($statements) = @_;
  $why = "no answer within $answer_within seconds";
  my $client = open(my $said, '-|') // die "fork: $!\n";
  if ($client == 0) {
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', '--signal=KILL', $answer_within, 'mysql', "--defaults-file=$options", '--batch', '--skip-column-names',
      # A commit that waits for a replica holds the row: others do not queue up behind it.
      "--execute=SET innodb_lock_wait_timeout = 3; $statements" or POSIX::_exit(127);
  }
  my $answer;
  while (my $line = <$said>) {
    chomp $line;
    if ($line =~ /^job\t(.*)/) { $answer = [split /\t/, $1] } elsif ($line =~ /\S/) { $why = $line }
  }
  return close $said ? $answer : undef;
}

sub make_table {
  ask("CREATE TABLE IF NOT EXISTS trilithon_jobs (
    job VARCHAR(64) NOT NULL PRIMARY KEY, scheduled DATETIME NOT NULL COMMENT 'UTC', host VARCHAR(255) NOT NULL,
    run CHAR(36) NOT NULL, held_until DATETIME(3) NOT NULL COMMENT 'UTC'
  ) COMMENT 'Which host runs a job: written by trilithon'");
}

my $hold = "held_until = UTC_TIMESTAMP(3) + INTERVAL $lease SECOND";

# Whether the run is this host's; whether it was taken; until when the last run is held, and whose that is; whether the host's clock is ahead.
sub claim {
  my ($time) = @_;
  return ask("INSERT IGNORE INTO trilithon_jobs (job, scheduled, host, run, held_until)
      VALUES ('$job', '1970-01-01', '', '', '1970-01-01');
    UPDATE trilithon_jobs SET scheduled = '$time', host = '$host', run = '$run', $hold
      WHERE job = '$job' AND '$time' < UTC_TIMESTAMP() + INTERVAL 1 MINUTE
        AND (run = '$run' OR scheduled < '$time' AND held_until < UTC_TIMESTAMP(3));
    SELECT 'job', run = '$run', scheduled >= '$time', held_until, host, '$time' >= UTC_TIMESTAMP() + INTERVAL 1 MINUTE
      FROM trilithon_jobs WHERE job = '$job'");
}

sub renew {
  return ask("UPDATE trilithon_jobs SET $hold WHERE job = '$job' AND run = '$run';
    SELECT 'job', COUNT(*) FROM trilithon_jobs WHERE job = '$job' AND run = '$run'");
}

# Without a name, so that a renewal that comes late changes nothing.
sub release {
  return ask("UPDATE trilithon_jobs SET held_until = '1970-01-01', run = '' WHERE job = '$job' AND run = '$run'; SELECT 'job'");
}

# systemd would tell when its timer fired (TRIGGER_TIMER_REALTIME_USEC), but that stays the first time for all later ones.
my $time = last_time(time);
my $answered_at = uptime();
my ($held_at, $seen);
until (defined $held_at) {
  my $asked_at = uptime();
  if (my $answer = claim($time)) {
    my ($is_mine, $was_taken, $until, $holder, $is_ahead) = @$answer;
    die "the clock of this host is ahead of the database's: $time UTC has not come\n" if $is_ahead;
    if ($is_mine) {
      $held_at = $asked_at;
      last;
    }
    $answered_at = $asked_at;
    $seen //= $until;
    # One that runs says so meanwhile; one that died is waited for.
    my $other = $was_taken ? "the run of $time UTC is that of $holder"
      : $until gt $seen ? "still runs on $holder: the run of $time UTC is left out" : undef;
    if (defined $other) {
      print "$other\n";
      exit 0;
    }
  } elsif ($why =~ /^ERROR 1146 /) {
    make_table();
  }
  die "the run of $time UTC is missed: the database has not answered for $patience seconds: $why\n"
    if uptime() - $answered_at > $patience;
  rest(1);
}
print "the run of $time UTC\n";

pipe(my $beats, my $beat) or die "pipe: $!\n";
my $renewer = fork // die "fork: $!\n";
if ($renewer == 0) {
  close $beats;
  for (my $pause = $renew; ; ) {
    rest($pause);
    my $asked_at = uptime();
    my $answer = renew();
    $pause = $answer ? $renew : 1;
    syswrite $beat, $answer->[0] ? "$asked_at\n" : "lost\n" if $answer;
  }
}
close $beat;
my $command = fork // die "fork: $!\n";
if ($command == 0) {
  setpgrp 0, 0;
  { exec { $command[0] } @command }
  print STDERR "$command[0]: $!\n";
  POSIX::_exit(127);
}
setpgrp $command, $command;

my ($is_told, $is_lost, $is_ended, $kill_at);
$SIG{TERM} = sub { $is_told = 1 };

# With all that it has started.
sub stop_command {
  my ($reason, $seconds) = @_;
  return if defined $kill_at && $kill_at <= uptime() + $seconds;
  print STDERR "$reason\n";
  kill 'TERM', -$command;
  $kill_at = uptime() + $seconds;
}

sub end_command {
  stop_command("ended: $_[0]", $grace);
  $is_ended = 1;
}

my $deadline_at = uptime() + $deadline;
until (waitpid($command, POSIX::WNOHANG()) == $command) {
  my $bits = '';
  vec($bits, fileno $beats, 1) = 1;
  if (select($bits, undef, undef, 0.2) > 0) {
    sysread $beats, my $words, 4096 or rest(0.2);
    for my $word (split /\n/, $words) {
      if ($word eq 'lost') { $is_lost = 1 } else { $held_at = $word }
    }
  }
  # systemd kills it when its time is over.
  stop_command('told to stop', 1e9) if $is_told;
  end_command("not done within $deadline seconds (deadlineSeconds)") if uptime() > $deadline_at;
  end_command('another host has the run') if $is_lost;
  end_command("the database has not answered for $give_up seconds, and another host may begin") if uptime() - $held_at > $give_up;
  kill 'KILL', -$command if defined $kill_at && uptime() > $kill_at;
}
my $status = $?;
kill 'KILL', $renewer;
release() or release();
exit($is_ended ? 1 : $status & 127 ? 128 + ($status & 127) : $status >> 8);
`;
}
