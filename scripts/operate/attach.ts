/** Joins this process's standard streams, and its terminal, to a command on a host. */
import {
  type LiveCommand,
  type LiveCommandArgs,
  NotReached,
} from "../../provider/ssh/live-command";

/** Ours, where the command's own status is not known, as with ssh. */
const lostStatus = 255;

/** Answers the status of `work`; of a host that cannot be reached it is told. */
export async function statusOf(
  work: () => Promise<number>,
  tell: (message: string) => void,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotReached)) throw error;
    tell(error.message);
    return lostStatus;
  }
}

/** This terminal, where both ends of this process are on one. */
export function ownTerminal(): LiveCommandArgs["terminal"] {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  return { ...sizeOf(stdout), name: process.env.TERM || "xterm" };
}

/** Answers the command's exit status; of one that was not seen to end the reason is said. */
export async function attach(
  hostName: string,
  command: LiveCommand,
  terminal: LiveCommandArgs["terminal"],
): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const isTerminal = terminal !== undefined;
  let isInterrupted = false;
  // On a terminal Ctrl-C is a byte like any other. The second time nobody waits any longer.
  const interrupt = () => {
    if (isInterrupted || isTerminal) command.close();
    else command.terminate();
    isInterrupted = true;
  };
  const resize = () => command.resize(sizeOf(stdout));
  for (const signal of signals) process.on(signal, interrupt);
  if (isTerminal) {
    stdin.setRawMode(true);
    stdout.on("resize", resize);
  }
  // Nobody reads on: as with any other command in a pipe.
  stdout.on("error", () => command.close());
  stdin.pipe(command.stdin);
  command.stdout.pipe(stdout, { end: false });
  command.stderr.pipe(stderr, { end: false });
  const end = await command.end;
  stdin.unpipe(command.stdin);
  stdin.pause();
  if (isTerminal) {
    stdin.setRawMode(false);
    stdout.off("resize", resize);
  }
  for (const signal of signals) process.off(signal, interrupt);
  switch (end.ended) {
    case "by itself":
      return end.status;
    case "by a signal":
      stderr.write(`${hostName}: the command was ended by ${end.signal}\n`);
      return lostStatus;
    case "lost":
      if (!isInterrupted) {
        stderr.write(`${hostName}: the connection was lost: the command may go on there\n`);
      }
      return lostStatus;
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function sizeOf({ columns, rows }: NodeJS.WriteStream) {
  return { columns: columns || 80, rows: rows || 24 };
}
