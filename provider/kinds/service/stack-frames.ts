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
];

/** Takes them out of its input. */
export const withoutFrames: Shell = sh`grep -v -E -e ${frames.join("|")}`;
