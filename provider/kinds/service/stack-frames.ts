/** What an error shows of a program's words: its causes, without the stack below each, which is longer than all that is shown. */
import { type Shell, sh } from "../../ssh/shell";

/** Extended regular expressions. Python says the cause after its stack, so those lines stay. */
const frames = [
  // Ruby: `/srv/shop/config/boot.rb:3:in 'require'`, in a log of Rails after the request's id. The first line of an error ends in its cause.
  "^[[:space:]]*([[][^]]*[]] )?([0-9]+: )?(from )?[^ ]+:[0-9]+:in [`'][^']*'$",
  // Bundler breaks them in two.
  "^[^ ]+:[0-9]+:in( `<top)?$",
  "^[`'][^']+'$",
  // Node, Java, C#.
  "^[[:space:]]+at .*([)]|:(line )?[0-9]+)$",
  "^[[:space:]]+[.][.][.] [0-9]+ more$",
  // PHP.
  "^#[0-9]+ ",
  // Of systemd, about those that sshd has let in.
  "^[^ ]+: Unit process [0-9]+ [(].*[)] remains running after unit stopped[.]$",
  // In containers of some engines.
  "^[^ ]+: Failed to read [a-z.]+ for control group [^ ]+, ignoring: ",
];

/** Takes them out of its input, with colours and empty lines. */
export const withoutFrames: Shell = sh`sed -e ${"s/\x1b\\[[0-9;]*m//g"} -e '/^[[:space:]]*$/d' | grep -v -E -e ${frames.join("|")}`;

/** How many lines are shown of the first error where it is not among the last ones. */
const errorLines = 5;

/** Of its input the last lines, `count` at most, and where the first error stands before those, some from there on in place of them. */
export function causes(count: number): Shell {
  return sh`${withoutFrames} | awk -v count=${count} -v few=${errorLines} '
{ line[NR] = $0 }
!first && /[Ee]rror|ERROR|[Ff]atal|FATAL|Exception|panic:/ { first = NR }
END {
  from = NR - count + 1
  if (first && first < from) {
    for (i = first; i < first + few; i++) print line[i]
    print "..."
    from += few + 1
  }
  for (i = from < 1 ? 1 : from; i <= NR; i++) print line[i]
}'`;
}
