/** The last lines of a log of one host, and those that follow, for as long as the page shows them. */
import { text } from "node:stream/consumers";
import { describeEnd, startLiveCommand } from "../../provider/ssh/live-command";
import { type LogLine, LogParser, logReader, logsOn, merged } from "../operate/logs";
import { reached } from "../verify/site";
import type { ShownLine } from "./picture";
import type { Stream } from "./stream";
import type { Watch } from "./watch";

const sinceSeconds = 900;
const linesAtMost = 300;
const gatherMilliseconds = 250;
const connectSeconds = 5;

/** `undefined`, or what is wrong with what was asked for. */
export function wrongLog({ endpoints }: Watch, host: string, log: string): string | undefined {
  const found = endpoints.hosts.find(({ name }) => name === host);
  if (found === undefined) return "no such host";
  return logsOn(found, [log]) === undefined ? "nothing there logs so" : undefined;
}

export async function follow(
  { endpoints, privateKeys }: Watch,
  { host: name, log }: { readonly host: string; readonly log: string },
  stream: Stream,
): Promise<void> {
  const host = endpoints.hosts.find((one) => one.name === name);
  const logs = host && logsOn(host, [log]);
  if (host === undefined || logs === undefined) return;
  let held: LogLine[] = [];
  const tell = () => {
    if (held.length === 0) return;
    const lines = merged(held).slice(-linesAtMost);
    held = [];
    stream.send("lines", lines.map(shown));
  };
  let isOver = false;
  let end = (): void => undefined;
  stream.onEnd(() => {
    isOver = true;
    end();
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const args = logReader(logs, { sinceSeconds, follows: true, pattern: "" });
    const command = await startLiveCommand(reached(host, privateKeys), args, { connectSeconds });
    timer = setInterval(tell, gatherMilliseconds);
    // A host that hangs would not hear that its command is to end.
    end = () => command.close();
    if (isOver) end();
    stream.send("opened", null);
    const parser = new LogParser(name);
    command.stdout.on("data", (bytes: Buffer) => held.push(...parser.take(bytes)));
    const [said, how] = await Promise.all([text(command.stderr), command.end]);
    tell();
    if (!isOver) stream.send("closed", said.trim() || describeEnd(how));
  } catch (error) {
    if (!isOver) stream.send("closed", error instanceof Error ? error.message : String(error));
  } finally {
    clearInterval(timer);
  }
}

function shown({ at, source, text: line }: LogLine): ShownLine {
  return { at: Math.floor(at / 1000), source, text: line.replace(/\r?\n$/, "") };
}
