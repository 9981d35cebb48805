/** A command in an application's place on a host: its folder, user, environment and sandbox, as its systemd unit has them. */
import type { LiveCommandArgs } from "../../provider/ssh/live-command";

export interface InApplication {
  /** `guestbook.service` */
  readonly unit: string;
  /** The application's process or job of that name instead of the one that serves: `mail`. */
  readonly process?: string | undefined;
  readonly command: readonly string[];
  readonly terminal?: LiveCommandArgs["terminal"] | undefined;
}

/**
 * systemd reads the environment files and makes the sandbox, as it does for the application itself, whether that runs or
 * not. So a secret is in no list of processes, and what works here works there.
 */
export function inApplication(place: InApplication): LiveCommandArgs {
  const { unit, process = "", command, terminal } = place;
  return { program, words: [unit, process, ...command], ...(terminal && { terminal }) };
}

/**
 * What of a unit's `[Service]` makes the place of a process. Left out is what starts, stops and limits the application, and
 * `RuntimeDirectory`, which goes when a unit ends.
 */
const kept = [
  ...["User", "Group", "SupplementaryGroups", "WorkingDirectory", "UMask"],
  ...["Environment", "EnvironmentFile", "PassEnvironment", "UnsetEnvironment"],
  ...["(?:State|Cache|Logs|Configuration)Directory(?:Mode)?", "TemporaryFileSystem"],
  ...["(?:ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths", "Bind(?:ReadOnly)?Paths"],
  ...[
    "Protect\\w+",
    "Private\\w+",
    "Restrict\\w+",
    "SystemCall\\w+",
    "NoNewPrivileges",
    "RemoveIPC",
  ],
  ...["CapabilityBoundingSet", "AmbientCapabilities", "LockPersonality", "MemoryDenyWriteExecute"],
  ...["Limit\\w+", "Device(?:Allow|Policy)", "LoadCredential\\w*"],
].join("|");

const program = String.raw`
use POSIX ();
my ($unit, $process, @command) = @ARGV;
if ($process ne "") {
  my $name = $unit =~ s/\.service$//r;
  my @names = map { m{/\Q$name\E-([^/@]+)\@?\.service$} ? $1 : () } glob "/etc/systemd/system/$name-*.service";
  # Of several that are alike, the first.
  ($unit) = grep { system("systemctl cat -- $_ >/dev/null 2>&1") == 0 } "$name-$process.service", "$name-$process\@1.service"
    or die "$name: no process $process here: expected one of " . (join(", ", @names) || "none") . "\n";
}
open my $text, "-|", "systemctl", "cat", "--", $unit or die "systemctl: $!\n";
my ($section, $line, @properties) = ("", "");
while (<$text>) {
  chomp;
  next if /^\s*[#;]/;
  $line .= $_;
  next if $line =~ s/\\$/ /;
  ($_, $line) = ($line, "");
  if (/^\s*\[(.*)\]\s*$/) { $section = $1 }
  # What systemd-run is given has no specifiers.
  elsif ($section eq "Service" && /^\s*(${kept})\s*=\s*(.*?)\s*$/) { push @properties, "--property=$1=" . $2 =~ s/%%/%/gr }
}
close $text or exit 255;
my $own = sprintf "trilithon-exec-%d-%d.service", time, $$;
my @run = (
  "systemd-run", "--quiet", "--collect", "--wait", "--service-type=exec", "--unit=$own",
  # Its own words would be in the journal.
  "--description=A command of npm run exec beside $unit",
  # The application's /tmp.
  "--property=JoinsNamespaceOf=$unit", "--property=TimeoutStopSec=10", @properties,
);
# The shell stays, to tell a signal that ended the command from a status; a terminal that hangs up ends it, and so the unit.
# systemd takes a doubled dollar for one.
my @words = map { s/\$/\$\$/gr } "/bin/sh", "-c", 'trap : INT QUIT TERM; env -- "$@"; exit $?', "sh", @command;
if (-t STDIN) {
  # The terminal itself, as the command's own: systemd-run --pty would pass it on, and loses what is said at a quick end.
  my @terminal = ("StandardInput=tty-force", "StandardOutput=tty", "StandardError=tty", "TTYPath=" . POSIX::ttyname(0));
  exec @run, (map { "--property=$_" } @terminal), "--setenv=TERM=$ENV{TERM}", "--", @words or die "systemd-run: $!\n";
}
my $child = fork // die "fork: $!\n";
if ($child == 0) {
  # What ends this here must leave it there to see the end of the unit.
  setpgrp 0, 0;
  exec @run, "--pipe", "--", @words or die "systemd-run: $!\n";
}
$SIG{TERM} = sub { system "systemctl", "stop", "--no-block", "--", $own };
close STDIN;
while (waitpid($child, 0) == -1 && $! == 4) { }
exit($? & 127 ? 255 : $? >> 8);
`;
