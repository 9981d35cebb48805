/**
 * What a host does to get the files of a version: it says which it lacks, then takes those in. They come together in
 * `.incoming` beside the versions, from where the transaction takes them. What was cut off stays there: each file has its
 * time only once it is whole, so the next attempt goes on with what is there. Another version that is begun, and the next
 * transaction, take it away.
 *
 * What it takes in is a stream of records, each of them one of
 *
 *     KIND SIZE PATH<NUL><SIZE bytes>TIME<NUL>   a file, where the kind is f or x (executable)
 *     l SIZE PATH<NUL>TARGET<NUL>                a link
 *     end DIGEST <NUL>                           all have come, and this names the list of all files
 */
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";

/** How long another transfer of the same application may still be under way on the host. */
const lockSeconds = 60;

export interface Incoming {
  readonly root: string;
  readonly version: string;
}

/** Where the files of a version come together. */
export function incomingFolder({ root, version }: Incoming): string {
  return `${root}/.incoming/${version}/files`;
}

/**
 * Reads the list of all files from standard input, puts together what of them is on the host, and prints the numbers of those
 * that are not, as `4 7-9`, after a line `zstd` where the host has that. `have` are folders whose files may be taken: each is
 * compared by its SHA-256, and copied. Where the folder `unless` is there, nothing is missing. `digest` names the list.
 */
export function renderOffer(
  incoming: Incoming,
  {
    digest,
    have,
    unless,
  }: {
    readonly digest: string;
    readonly have: readonly string[];
    readonly unless?: string | undefined;
  },
): Shell {
  return sh`
${unless === undefined ? sh`` : sh`if [ -d ${unless} ]; then exit 0; fi`}
${preamble(incoming)}
if [ "$(cat "$to/complete" 2>/dev/null)" = ${digest}" $boot" ] && [ -d "$to/files" ]; then exit 0; fi
rm -f -- "$to/complete" && mkdir -p -- "$to/files" || exit 1
gzip -dc | perl -e ${offer} "$to" ${digest}" $boot" ${have} "$incoming"/*/files
${end}
${tellZstd}
find "$incoming" -mindepth 1 -maxdepth 1 ! -name ${incoming.version} -exec rm -rf -- {} +`;
}

/** Prints `there` where the host has anything of which a version could be put together, and `zstd` as `renderOffer` does. */
export function renderQuestion({ root }: Incoming, have: readonly string[]): Shell {
  return sh`
for path in ${[`${root}/releases`, `${root}/.incoming`, ...have]}; do
  if [ -e "$path" ]; then echo there; break; fi
done
${tellZstd}`;
}

const tellZstd = sh`if command -v zstd >/dev/null; then echo zstd; fi`;

/** Takes records from standard input. */
export function renderTaking(incoming: Incoming, decompress: readonly string[]): Shell {
  return sh`
${preamble(incoming)}
mkdir -p -- "$to/files" || exit 1
perl -e ${take} "$to" "$boot" ${decompress}
${end}`;
}

/** `take_incoming FOLDER` makes one of what came. `incoming_end` takes away what came and is of no use any more. */
export function renderIncomingFunctions({ root = "", version = "", ahead }: Service): Shell {
  const others = `${ahead}/.incoming`;
  return lines(
    sh`
take_incoming() {
  [ -e ${`${root}/.incoming/${version}/complete`} ] && exec 8<${`${root}/.incoming`} && flock -n 8 && mv -T -- ${incomingFolder({ root, version })} "$1"
}
incoming_end() {
  rm -rf -- ${`${root}/.incoming`}`,
    ahead !== undefined &&
      sh`
  if [ "\${1-}" = failed ]; then rm -rf -- ${others}; rmdir -- ${ahead} 2>/dev/null || true
  elif [ -d ${others} ]; then
    find ${others} -mindepth 1 -maxdepth 1 ! -name ${version} -exec rm -rf -- {} +
    rmdir -- ${others} 2>/dev/null || true
  fi`,
    sh`}`,
  );
}

function preamble({ root, version }: Incoming): Shell {
  return sh`
set -u
umask 022
export LC_ALL=C
incoming=${`${root}/.incoming`}
to=$incoming/${version}
# What the power was taken from may not be on the disk.
boot=$(cat /proc/sys/kernel/random/boot_id)
mkdir -p -- "$incoming" && exec 8<"$incoming" || exit 1
flock -w ${lockSeconds} 8 || { echo ${`another transfer to ${root} is not done after ${lockSeconds} seconds`} >&2; exit 1; }`;
}

/** A connection that was lost leaves what came; whatever else went wrong, a full disk say, leaves nothing. */
const end = sh`
status=$?
if [ "$status" != 0 ]; then
  if [ "$status" != 75 ]; then rm -rf -- "$incoming"; rmdir -- "$(dirname "$incoming")" 2>/dev/null; fi
  exit 1
fi`;

/** Shared by both programs. A record ends with NUL, as a name cannot hold it. */
const common = String.raw`
use strict;
my ($own, $mark, @more) = @ARGV;
my $to = "$own/files";
sub failed { print STDERR "$_[0]: $!\n"; exit 1 }
sub cut_off { print STDERR "the connection was lost before all had come\n"; exit 75 }
sub write_file {
  my ($path, $text) = @_;
  open my $out, ">", "$path.new" or failed($path);
  print $out $text or failed($path);
  close $out or failed($path);
  rename "$path.new", $path or failed($path);
}
# O_WRONLY, O_CREAT, O_EXCL: what was there is gone by now.
sub create {
  my ($path, $mode) = @_;
  sysopen my $out, $path, 0301, $mode eq "x" ? 0777 : 0666 or failed($path);
  return $out;
}
sub finish {
  my ($out, $path, $time) = @_;
  # Last of all: what has this time is whole.
  utime $time, $time, $out or failed($path);
  close $out or failed($path);
}
`;

const offer = String.raw`${common}
my @have = grep { $_ ne $to } @more;
$/ = "\0";
binmode STDIN;
# number => [kind, size, time, sha256, path], where the kind is f, x (executable) or l (a link, followed by where it leads).
my (@wanted, %at, %folders, $is_whole);
while (defined(my $record = <STDIN>)) {
  cut_off() if !chomp $record;
  last if $is_whole = $record eq "end";
  my @one = split / /, $record, 5;
  if ($one[0] eq "l") { $one[3] = <STDIN> // cut_off(); chomp $one[3] }
  $at{$one[4]} = @wanted;
  push @wanted, \@one;
  for (my $path = $one[4]; $path =~ s{/[^/]*$}{} && !$folders{$path}; ) { $folders{$path} = 1 }
}
cut_off() if !$is_whole;

sub is_like {
  my ($path, $one) = @_;
  my @stat = lstat $path or return 0;
  return -l _ && readlink($path) eq $one->[3] if $one->[0] eq "l";
  return -f _ && $stat[7] == $one->[1] && $stat[9] == $one->[2];
}

sub names { opendir my $folder, $_[0] or return; grep { $_ ne "." && $_ ne ".." } readdir $folder }

# What was begun before may be of another content.
sub clear {
  my ($folder) = @_;
  for my $name (names("$to/$folder")) {
    my $path = "$folder$name";
    if (-d "$to/$path" && !-l "$to/$path") {
      clear("$path/");
      if (!$folders{$path}) { rmdir "$to/$path" or failed("$to/$path") }
    }
    elsif (!defined $at{$path} || !is_like("$to/$path", $wanted[$at{$path}])) { unlink "$to/$path" or failed("$to/$path") }
  }
}
clear("");
for my $path (sort keys %folders) { mkdir "$to/$path" or -d "$to/$path" or failed("$to/$path") }

# A file's time stands for its content: one of the same size and time is likely the same, wherever it is.
my %found;
sub look_in {
  my ($folder) = @_;
  for my $name (names($folder)) {
    my $path = "$folder/$name";
    my @stat = lstat $path or next;
    if (-d _) { look_in($path) }
    elsif (-f _) { $found{"$stat[7] $stat[9]"} //= $path }
  }
}

sub copy {
  my ($from, $path, $one) = @_;
  open my $in, "<:raw", $from or return;
  my $out = create($path, $one->[0]);
  # FICLONE: nothing is copied where the file system can share it.
  if (!ioctl $out, 0x40049409, fileno $in) {
    while (my $length = sysread $in, my $bytes, 1 << 20) { (syswrite $out, $bytes) == $length or failed($path) }
  }
  finish($out, $path, $one->[2]);
}

look_in($_) for @have;

# Puts together what is there of these, and has it compared: only what has the very bytes counts.
sub gather {
  my ($sums, @own) = @_;
  open my $compared, "|-", "sh", "-c", 'exec xargs -0 -r sha256sum -z -- >"$1"', "sh", $sums or failed("sha256sum");
  for my $one (@own) {
    my $path = "$to/$one->[4]";
    if ($one->[0] eq "l") {
      is_like($path, $one) or symlink $one->[3], $path or failed($path);
      next;
    }
    if (is_like($path, $one)) { chmod $one->[0] eq "x" ? 0755 : 0644, $path or failed($path) }
    else {
      my ($from) = grep { is_like($_, $one) } map { "$_/$one->[4]" } @have;
      $from //= $found{"$one->[1] $one->[2]"} // next;
      copy($from, $path, $one);
    }
    print $compared "./$one->[4]\0" or failed("sha256sum") if -e $path;
  }
  close $compared;
}

# Several at the same time, each with a share.
chdir $to or failed($to);
my $count = @wanted < 100 ? 1 : 4;
my @gathering = map {
  my $share = $_;
  my $pid = fork // failed("fork");
  if (!$pid) {
    gather("$own/sums.$share", @wanted[grep { $_ % $count == $share } 0 .. $#wanted]);
    exit 0;
  }
  $pid
} 0 .. $count - 1;
for (@gathering) { waitpid $_, 0; exit 1 if $? }

my %sums;
for (0 .. $count - 1) {
  open my $sums, "<", "$own/sums.$_" or failed("sha256sum");
  while (<$sums>) { chomp; $sums{$2} = $1 if m{^([0-9a-f]{64})  \./(.*)$}s }
  unlink "$own/sums.$_";
}

my @ranges;
for my $number (0 .. $#wanted) {
  my $one = $wanted[$number];
  next if $one->[0] eq "l";
  next if ($sums{$one->[4]} // "") eq $one->[3];
  unlink "$to/$one->[4]";
  if (@ranges && $ranges[-1][1] == $number - 1) { $ranges[-1][1] = $number } else { push @ranges, [$number, $number] }
}
write_file("$own/complete", "$mark\n") if !@ranges;
print join(" ", map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" } @ranges), "\n";
`;

const take = String.raw`${common}
open my $data, "-|", @more or failed($more[0]);
# F_SETPIPE_SZ: the two wait for each other less often.
fcntl $data, 1031, 1 << 20;
my ($bytes, $at) = ("", 0);
sub more {
  $bytes = substr $bytes, $at;
  $at = 0;
  sysread $data, $bytes, 1 << 20, length $bytes or cut_off();
}
sub word {
  my $end;
  while (($end = index $bytes, "\0", $at) < 0) { more() }
  my $word = substr $bytes, $at, $end - $at;
  $at = $end + 1;
  return $word;
}
my %folders;
sub folder_of {
  my ($path) = @_;
  return if $path !~ s{/[^/]*$}{} || $folders{$path}++;
  folder_of($path);
  mkdir "$to/$path" or -d "$to/$path" or failed("$to/$path");
}
my $digest;
while (!defined $digest) {
  my ($kind, $size, $path) = split / /, word(), 3;
  if ($kind eq "end") { $digest = $size; last }
  folder_of($path);
  if ($kind eq "l") { symlink word(), "$to/$path" or failed("$to/$path"); next }
  my $out = create("$to/$path", $kind);
  for (my $left = $size; $left > 0; ) {
    more() if $at == length $bytes;
    my $length = length($bytes) - $at;
    $length = $left if $left < $length;
    (syswrite $out, $bytes, $length, $at) == $length or failed("$to/$path");
    $at += $length;
    $left -= $length;
  }
  finish($out, "$to/$path", word());
}
cut_off() if $at < length $bytes || sysread($data, $bytes, 1) || !close $data;
write_file("$own/complete", "$digest $mark\n");
`;
