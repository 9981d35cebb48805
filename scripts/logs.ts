/** `npm run logs`: the logs of all hosts as one stream. */
import { text } from "node:stream/consumers";
import { describeEnd, type LiveCommand, startLiveCommand } from "../provider/ssh/live-command";
import { readCommandLine, UsageError } from "./command-line";
import { findHost } from "./maintenance/drain";
import { tellAway } from "./operate/hosts";
import {
  badPatternStatus,
  type LogLine,
  LogParser,
  logNames,
  logReader,
  logsOn,
  merged,
  readLogNames,
  readSince,
  renderLogJson,
  renderLogLine,
} from "./operate/logs";
import { runMain } from "./setup/say";
import type { EndpointHost } from "./verify/endpoints";
import { readOutputs } from "./verify/outputs";
import { reached } from "./verify/site";

const name = "npm run logs --";
const help = `see ${name} --help`;
/** In a stream that goes on, a line waits so long for earlier ones of other hosts. */
const holdMilliseconds = 1000;

runMain(async () => {
  const line = readCommandLine({
    name,
    words: `[${["APPLICATION", ...logNames].join("|")}]...`,
    about:
      "Prints what the stack's services log, from the hosts' journals and from the log files of Nginx and MySQL, by time and with\n" +
      "the host in each line. A host that does not answer is named, and the status is 1.",
    options: {
      host: { type: "string", value: "HOST", about: "this host (default: all)" },
      since: {
        type: "string",
        value: "TIME",
        about: "from then on: 30s, 15m, 1h, 2d, 2026-11-29T07:00Z (default 1h; with --follow 0s)",
      },
      follow: { type: "boolean", about: "go on until Ctrl-C" },
      grep: { type: "string", value: "RE", about: "only lines that match (regular expression)" },
      json: { type: "boolean", about: "one JSON document a line" },
    },
  });
  if (line === undefined) return 0;
  const { follow: follows, json, grep: pattern = "", host } = line.values;
  const sinceSeconds = readSince(line.values.since ?? (follows ? "0s" : "1h"), help);
  checkPattern(pattern);
  const { endpoints, privateKeys } = await readOutputs(line.stack);
  const names = readLogNames(line.rest, endpoints, help);
  const asked = host === undefined ? endpoints.hosts : [findHost({ endpoints }, host)];
  if (host === undefined) tellAway(endpoints);
  const read = asked.flatMap((one) => {
    const logs = logsOn(one, names);
    return logs === undefined ? [] : [{ host: one, logs }];
  });
  if (read.length === 0) {
    throw new UsageError(
      `${host ?? `stack ${line.stack}`}: nothing there logs as ${names.join(" or ")}`,
    );
  }
  const render = json ? renderLogJson : renderLogLine;
  const printer = new Printer(render, follows ? holdMilliseconds : undefined);
  const reading = { sinceSeconds, follows, pattern };
  const commands: LiveCommand[] = [];
  let isEnding = !follows;
  // Each ends by itself once its standard input has ended.
  const end = () => {
    isEnding = true;
    for (const command of commands) command.stdin.end();
  };
  // The second one ends this process as it is.
  if (follows) for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  process.stdout.once("error", end);
  const faults = await Promise.all(
    read.map(async ({ host: one, logs }) => {
      try {
        const args = logReader(logs, reading);
        const command = await startLiveCommand(reached(one, privateKeys), args);
        commands.push(command);
        if (isEnding) command.stdin.end();
        await pass(one, command, printer);
        return undefined;
      } catch (error) {
        if (!(error instanceof UsageError)) {
          process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
        }
        return error;
      }
    }),
  );
  printer.end();
  const refused = faults.find((fault) => fault instanceof UsageError);
  if (refused !== undefined) throw refused;
  return faults.some((fault) => fault !== undefined) ? 1 : 0;
});

/** Until the command's end, which has to be a good one. */
async function pass(host: EndpointHost, command: LiveCommand, printer: Printer): Promise<void> {
  const parser = new LogParser(host.name);
  command.stdout.on("data", (bytes: Buffer) => printer.take(parser.take(bytes)));
  const [said, end] = await Promise.all([text(command.stderr), command.end]);
  if (end.ended === "by itself" && end.status === badPatternStatus) {
    // Every host says the same.
    throw new UsageError(`--grep: ${said.trim()}: ${help}`);
  }
  for (const words of said.split("\n").filter((one) => one !== "")) {
    process.stderr.write(`${host.name}: ${words}\n`);
  }
  if (end.ended !== "by itself" || end.status !== 0) {
    throw new Error(`${host.name}: its logs end here: ${describeEnd(end)}`);
  }
}

/** Prints lines in the order of their time: all at the end, or each after it was held for a while. */
class Printer {
  #held: { readonly since: number; readonly line: LogLine }[] = [];
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly render: (line: LogLine) => string,
    holdMilliseconds: number | undefined,
  ) {
    if (holdMilliseconds === undefined) return;
    const print = () => this.#print(performance.now() - holdMilliseconds);
    this.#timer = setInterval(print, holdMilliseconds / 4);
  }

  take(lines: readonly LogLine[]): void {
    const since = performance.now();
    for (const line of lines) this.#held.push({ since, line });
  }

  end(): void {
    clearInterval(this.#timer);
    this.#print(Number.POSITIVE_INFINITY);
  }

  #print(until: number): void {
    const due = this.#held.filter(({ since }) => since <= until).map(({ line }) => line);
    this.#held = this.#held.slice(due.length);
    for (const line of merged(due)) process.stdout.write(this.render(line));
  }
}

/** Perl reads it on the hosts: what is wrong in JavaScript too is told before they are asked. `(?i)` at its head is Perl's alone. */
function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern.replace(/^\(\?[a-z]+\)/, ""));
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    throw new UsageError(`--grep: ${message}: ${help}`);
  }
}
