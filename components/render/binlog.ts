/** The program that reads MySQL's binary logs by their headers: which transactions lie in them, and where a replay has to end. */
import { writtenByTrilithon } from "./application-unit";

export const binlogScript = "/usr/local/sbin/trilithon-binlog";

/**
 * Perl, which every Debian and Ubuntu has. mysqlbinlog's own text is no base: a statement in it may hold lines that look like those of an event.
 * Numbers of events and their layout are those of MySQL 5.7.6 and later (`libs/mysql/binlog/event`).
 */
export function renderBinlogScript(): string {
  return String.raw`#!/usr/bin/perl
${writtenByTrilithon}
# trilithon-binlog plan EXECUTED TARGET FILE...
#   EXECUTED  what the server to replay into has (GTID set, may be empty)
#   TARGET    latest, time:MICROSECONDS (all that committed before it), gtid:UUID:NUMBER (up to this one and with it) or set:SET (just these)
#   FILE      the logs of one server, in their order, without one missing
# prints
#   replay FILE [END]   a line for each log to replay, up to END where it is not whole; of a set: what of it is in the set
#   reaches SET         what the server has to have then
#   until MICROSECONDS  when the last of its transactions committed, at its origin; 0 where there is none
#   early COUNT         transactions behind the end that bear an earlier time than TARGET: clocks differed
#   found               the transaction that was named is there, or was executed before; of a set: all of it
# A log that is missing, cut or of another form ends it with status 1 and a line that says so.
use strict;
use warnings;

$SIG{__DIE__} = sub { print STDERR @_; exit 1; };
my ($verb, $executed_text, $target, @files) = @ARGV;
die "expected plan EXECUTED TARGET FILE...\n" unless defined $verb && $verb eq 'plan' && @files;
my ($kind, $wanted) = $target =~ /^(latest|time|gtid|set)(?::(.*))?$/s or die "$target: expected latest, time:, gtid: or set:\n";

# A set: UUID to a list of [first, last], in order and apart.
sub parse_set {
  my ($text) = @_;
  my %set;
  $text =~ s/\s+//g;
  for my $part (split /,/, $text) {
    my ($uuid, @ranges) = split /:/, lc $part;
    for my $range (@ranges) {
      $range =~ /^(\d+)(?:-(\d+))?$/ or die "$part: a GTID with a tag is not known here\n";
      add(\%set, $uuid, $1, $2 // $1);
    }
  }
  return \%set;
}

sub add {
  my ($set, $uuid, $first, $last) = @_;
  my @kept;
  for my $range (@{ $set->{$uuid} // [] }) {
    if ($range->[1] < $first - 1 || $range->[0] > $last + 1) { push @kept, $range; next; }
    $first = $range->[0] if $range->[0] < $first;
    $last = $range->[1] if $range->[1] > $last;
  }
  $set->{$uuid} = [ sort { $a->[0] <=> $b->[0] } @kept, [ $first, $last ] ];
}

sub has {
  my ($set, $uuid, $number) = @_;
  for my $range (@{ $set->{$uuid} // [] }) {
    return 1 if $range->[0] <= $number && $number <= $range->[1];
  }
  return 0;
}

# What of the one is not in the other, as text.
sub lacks {
  my ($wanted, $there) = @_;
  my %missing;
  for my $uuid (keys %$wanted) {
    for my $range (@{ $wanted->{$uuid} }) {
      my $next = $range->[0];
      for my $other (@{ $there->{$uuid} // [] }) {
        last if $next > $range->[1];
        next if $other->[1] < $next;
        add(\%missing, $uuid, $next, min($other->[0] - 1, $range->[1])) if $other->[0] > $next;
        $next = $other->[1] + 1 if $other->[1] >= $next;
      }
      add(\%missing, $uuid, $next, $range->[1]) if $next <= $range->[1];
    }
  }
  return text_of(\%missing);
}

sub min { return $_[0] < $_[1] ? $_[0] : $_[1]; }

sub text_of {
  my ($set) = @_;
  return join ',', map {
    my $uuid = $_;
    join ':', $uuid, map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" } @{ $set->{$uuid} };
  } sort keys %$set;
}

sub uuid_of { return join '-', unpack('H8 H4 H4 H4 H12', $_[0]); }

# A number of seven bytes.
sub seven { return unpack('Q<', $_[0] . "\0"); }

# Calls for each event what is told for its type with its body and where it begins; what is cut short is an error.
sub read_events {
  my ($file, %on) = @_;
  open my $handle, '<:raw', $file or die "$file: $!\n";
  my $size = -s $handle;
  read $handle, my $magic, 4;
  die "$file: it is encrypted, which is not known here\n" if defined $magic && $magic eq "\xfdbin";
  die "$file: it is no binary log\n" unless defined $magic && $magic eq "\xfebin";
  my $at = 4;
  while ($at < $size) {
    die "$file: it ends in the middle of an event, at $at\n" if $size - $at < 19;
    seek $handle, $at, 0;
    read $handle, my $header, 19;
    my (undef, $type, undef, $length) = unpack('L< C L< L<', $header);
    die "$file: it ends in the middle of an event, at $at\n" if $length < 19 || $at + $length > $size;
    if ($on{$type}) {
      read $handle, my $body, $length - 19;
      $on{$type}->($body, $at);
    }
    $at += $length;
  }
}

my $executed = parse_set($executed_text);
my $reaches = parse_set($executed_text);
my ($before, $ended, $until, $early, $found) = (undef, 0, 0, 0, 0);
my @replays;
if ($kind eq 'gtid') {
  $wanted =~ /^([0-9a-fA-F-]{36}):(\d+)$/ or die "$wanted: expected UUID:NUMBER\n";
  $wanted = [ lc $1, $2 ];
  $found = $ended = 1 if has($executed, @$wanted);
}
if ($kind eq 'set') {
  $wanted = parse_set($wanted);
  my $more = lacks($executed, $wanted);
  die "the server has transactions that are not wanted: $more\n" if $more ne '';
}

for my $file (@files) {
  my ($end, $is_begun, $adds) = (undef, 0, 0);
  read_events(
    $file,
    # Previous GTIDs: what was in the logs before this one.
    35 => sub {
      my ($body) = @_;
      my $count = unpack('Q<', $body);
      die "$file: GTIDs with tags are not known here\n" if $count > 0xffff;
      my ($at, %previous) = (8);
      for (1 .. $count) {
        my $uuid = uuid_of(substr $body, $at, 16);
        my $ranges = unpack('Q<', substr $body, $at + 16, 8);
        $at += 24;
        for (1 .. $ranges) {
          my ($first, $after) = unpack('Q< Q<', substr $body, $at, 16);
          add(\%previous, $uuid, $first, $after - 1);
          $at += 16;
        }
      }
      $is_begun = 1;
      my $missing = lacks(\%previous, $before // $executed);
      die "$file: what was before it is not there: $missing is missing\n" if $missing ne '';
      # From here on it is known what each log has to begin with.
      $before //= \%previous;
    },
    # Transactions without an id, and such with a tag.
    34 => sub { die "$file: a transaction without a GTID, at $_[1]\n"; },
    42 => sub { die "$file: a GTID with a tag, which is not known here, at $_[1]\n"; },
    33 => sub {
      my ($body, $at) = @_;
      die "$file: it does not say what was before it\n" unless $is_begun;
      my $uuid = uuid_of(substr $body, 1, 16);
      my $number = unpack('Q<', substr $body, 17, 8);
      die "$file: a transaction without the time of its commit, at $at\n" if length $body < 49;
      my $time = seven(substr $body, 42, 7);
      # The highest bit: the origin's own time follows.
      $time = seven(substr $body, 49, 7) if $time & (1 << 55);
      add($before, $uuid, $number, $number);
      return if has($executed, $uuid, $number);
      return if $kind eq 'set' && !has($wanted, $uuid, $number);
      if ($ended) {
        $early++ if $kind eq 'time' && $time < $wanted;
        return;
      }
      if (($kind eq 'time' && $time >= $wanted) || $found) {
        ($ended, $end) = (1, $at);
        return;
      }
      add($reaches, $uuid, $number, $number);
      $adds++;
      $until = $time if $time > $until;
      $found = 1 if $kind eq 'gtid' && $uuid eq $wanted->[0] && $number == $wanted->[1];
    },
  );
  die "$file: it does not say what was before it\n" unless $is_begun;
  # What is there already would be skipped, each by itself.
  next unless $adds;
  push @replays, defined $end ? "replay $file $end" : "replay $file";
}

print "$_\n" for @replays;
print "reaches ", text_of($reaches), "\n", "until $until\n", "early $early\n";
$found = 1 if $kind eq 'set' && lacks($wanted, $reaches) eq '';
print "found\n" if $found;
`;
}
