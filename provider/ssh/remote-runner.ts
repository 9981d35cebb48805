/**
 * What runs on a host to carry out scripts: a small Perl program (perl-base is on every Debian and Ubuntu) that runs each
 * script under `sh` and sends what it says in frames. Whatever a login prints stands outside of the frames.
 *
 * A frame is "\n<mark> <head> <length>\n<bytes>\n<mark>.<head> <length>\n", where the mark is random for each request, and
 * the head one of
 *
 *     begin                              it runs, as root
 *     out <script>                       a piece of a script's standard output; `err` likewise
 *     exit <script> <status> <out> <err> its wait status, and how many bytes it has said
 *     late <script>                      it was not done within its time, and was killed
 *     end                                nothing more follows
 *
 * A frame is one write of at most 4096 bytes, which no other process can cut in two.
 */

import type { Host } from "../kind";

export interface Request {
  readonly mark: string;
  readonly scripts: readonly string[];
  /**
   * How long each script may take. Such scripts only read: their standard input is empty, and another is begun when one
   * takes more than a moment. Without it there is one script, which takes the time and the standard input that it needs.
   */
  readonly limitSeconds?: number;
}

/** What goes to standard input: nobody on the host can read it in the list of processes. */
export function renderRequest({ mark, scripts, limitSeconds = 0 }: Request): string {
  return [runner, String(limitSeconds), ...scripts].join(`\n${mark}\n`);
}

/** What sshd hands to the login shell, whichever that is. Another user than root shows that it got as far as sudo. */
export function commandLine({ user }: Host, mark: string, text: string): string {
  const command = `perl -e '${starter}' ${Buffer.byteLength(text)} ${mark}`;
  return user === "root"
    ? `exec ${command}`
    : `echo ${loginLine(mark)}; exec sudo -n -- ${command}`;
}

/** The line that a login shell prints before it calls sudo. */
export function loginLine(mark: string): string {
  return `${mark} login`;
}

/** Takes just the request from standard input: what follows is for the script. */
const starter =
  '($size, $mark) = @ARGV; binmode $_ for STDIN, STDOUT; $text = ""; ' +
  "while (length($text) < $size) { sysread(STDIN, $text, $size - length($text), length($text)) or exit 255 } " +
  "($runner, $limit, @scripts) = split(/\\n$mark\\n/, $text, -1); eval $runner; die $@ if $@";

const runner = String.raw`
$ENV{LC_ALL} = "C";
my ($next, %running) = (0);
# Handlers, since a signal that is ignored stays ignored in what is run from here.
$SIG{$_} = sub { } for qw(PIPE CHLD);
for my $signal (qw(TERM INT HUP)) {
  $SIG{$signal} = sub { kill $signal, map { -$_->{pid} } values %running if $limit };
}

sub tell_client {
  my ($head, $bytes) = @_;
  $head .= " " . length $bytes;
  my $frame = "\n$mark $head\n$bytes\n$mark.$head\n";
  for (my $at = 0; $at < length $frame; ) {
    my $wrote = syswrite STDOUT, $frame, length($frame) - $at, $at;
    # 4: interrupted by a signal. Anything else: nobody listens any more, and the script goes on all the same.
    if (defined $wrote) { $at += $wrote } elsif ($! != 4) { return }
  }
}

sub start {
  my $id = $next++;
  my %one = (since => time, script => $scripts[$id], said => { out => 0, err => 0 });
  { local $^F = 255; pipe $one{text}, $one{write} or die "pipe: $!\n" }
  # The shell opens the text by its name, and nothing that it starts has to have it as well.
  $one{script} = "exec " . fileno($one{text}) . "<&-; $one{script}";
  for my $name (qw(out err)) { pipe $one{$name}, $one{"to $name"} or die "pipe: $!\n" }
  $one{pid} = fork // die "fork: $!\n";
  if ($one{pid} == 0) {
    setpgrp 0, 0 if $limit;
    $SIG{$_} = "DEFAULT" for qw(PIPE CHLD TERM INT HUP);
    open STDIN, "<", "/dev/null" if $limit;
    open STDOUT, ">&", $one{"to out"};
    open STDERR, ">&", $one{"to err"};
    close $one{write};
    exec "sh", "/dev/fd/" . fileno $one{text} or die "sh: $!\n";
  }
  delete @one{"to out", "to err", "text"};
  $running{$id} = \%one;
}

# One piece of what a script says; false at the end.
sub relay {
  my ($id, $name) = @_;
  my $one = $running{$id};
  my $got = sysread $one->{$name}, my $bytes, 3900;
  return 1 if !defined $got && $! == 4;
  if (!$got) { delete $one->{$name}; return 0 }
  $one->{said}{$name} += $got;
  tell_client("$name $id", $bytes);
  return 1;
}

sub hand_over {
  my ($one) = @_;
  my $wrote = syswrite $one->{write}, $one->{script}, 4096;
  return if !defined $wrote && $! == 4;
  # It may have ended before it read all of itself.
  substr($one->{script}, 0, $wrote // length $one->{script}) = "";
  delete $one->{write} if $one->{script} eq "";
}

sub vector { my $bits = ""; vec($bits, fileno $_, 1) = 1 for @_; $bits }
sub is_set { my ($bits, $handle) = @_; $handle && vec($bits, fileno $handle, 1) }

sub look {
  my ($seconds) = @_;
  my $readable = vector(map { grep { $_ } @$_{"out", "err"} } values %running);
  my $writable = vector(grep { $_ } map { $_->{write} } values %running);
  return 0 if select($readable, $writable, undef, $seconds) < 1;
  for my $id (keys %running) {
    for my $name (qw(out err)) { relay($id, $name) if is_set($readable, $running{$id}{$name}) }
    hand_over($running{$id}) if is_set($writable, $running{$id}{write});
  }
  return 1;
}

sub finish {
  my ($id, $status) = @_;
  # What it said is in the pipes by now; what it left running may hold them open for ever.
  for my $name (qw(out err)) {
    while (my $handle = $running{$id}{$name}) {
      my $readable = vector($handle);
      last if select($readable, undef, undef, 0) < 1 or !relay($id, $name);
    }
  }
  my $one = delete $running{$id};
  tell_client("exit $id $status $one->{said}{out} $one->{said}{err}", "");
}

tell_client("begin", "");
while (1) {
  while ($next < @scripts and keys %running < 8 and !grep { time - $_->{since} < 2 } values %running) { start() }
  last if !%running;
  # The end of what a script says comes just before its own.
  my $is_ending = grep { !$_->{out} && !$_->{err} } values %running;
  look($is_ending ? 0.001 : 0.2);
  for my $id (keys %running) {
    my $one = $running{$id};
    if (waitpid($one->{pid}, 1) == $one->{pid}) { finish($id, $?) }
    elsif ($limit and time - $one->{since} > $limit) {
      # A process that waits for a disk dies only when the disk answers: nobody waits for it.
      kill "KILL", -$one->{pid};
      delete $running{$id};
      tell_client("late $id", "");
    }
  }
}
tell_client("end", "");
`;
