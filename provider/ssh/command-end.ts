/** The errors that tell how a request to a host failed, each of the type that fits. */

import {
  AccessDenied,
  AnswerGarbled,
  DeadlineExceeded,
  type HostError,
  HostUnreachable,
  ReadTimedOut,
  RemoteError,
} from "../errors";
import type { Host } from "../kind";
import type { Exchange, ScriptAnswer } from "./exchange";
import { mask } from "./mask";

/** What of a command or a read its errors show. */
export interface Told {
  /** `applying haproxy.service` */
  readonly doing: string;
  /** Texts never to be shown. */
  readonly secrets?: readonly string[] | undefined;
  /** Texts that anybody may see: what stands in them is shown though a secret file has it too. */
  readonly open?: readonly string[] | undefined;
}

/** Of what a failed command said. */
const shownLines = 20;
/** Of what stands around the answers, where nothing else is known. */
const noiseLines = 5;

/** A script that ended, but not well. */
export function scriptError({ name }: Host, told: Told, answer: ScriptAnswer): RemoteError {
  const what =
    answer.end.ended === "by itself"
      ? `exit ${answer.end.status}`
      : `ended by ${answer.end.ended === "by a signal" ? answer.end.signal : "the deadline"}`;
  return new RemoteError(remoteArgs(name, told, answer, what));
}

export interface Deadline {
  readonly seconds: number;
  /** The setting that gives it more time. */
  readonly setting?: string | undefined;
}

export function deadlineError(
  { name }: Host,
  told: Told,
  answer: ScriptAnswer,
  { seconds, setting }: Deadline,
): DeadlineExceeded {
  const raise = setting === undefined ? "" : `; where it needs longer, raise ${setting}`;
  const what = `not done within ${seconds} seconds${raise}`;
  return new DeadlineExceeded(remoteArgs(name, told, answer, what));
}

export function readTimedOut({ name }: Host, { doing }: Told, seconds: number): ReadTimedOut {
  return new ReadTimedOut({
    host: name,
    doing,
    what: `no answer within ${seconds} seconds, while the host answers otherwise`,
    remedy: "look for a daemon that hangs or a disk that is stuck",
  });
}

function remoteArgs(
  host: string,
  { doing, secrets, open }: Told,
  answer: ScriptAnswer,
  what: string,
) {
  const output = mask(answer.output, secrets, open);
  const said = endsOf(mask(answer.errors, secrets, open) || output);
  return {
    host,
    doing,
    what: said === "" ? what : `${what}\n${said}`,
    status: answer.end.ended === "by itself" ? answer.end.status : undefined,
    output,
  };
}

/** Why there is no answer. What a login prints is told only where nothing else is known. */
export function noAnswer(
  host: Host,
  { doing, secrets, open }: Told,
  exchange: Exchange,
): HostError {
  const { name, user } = host;
  const { stage, status, signal } = exchange;
  if (status === undefined && signal === undefined && stage !== "done") {
    return new HostUnreachable({
      host: name,
      doing,
      what: "the connection was lost before the answer",
      remedy: "check that the machine is up",
    });
  }
  const noise = lastLines(mask(exchange.noise, secrets, open).trim(), noiseLines);
  const said = noise === "" ? "" : `: ${noise}`;
  if (stage === "login") {
    return new AccessDenied({
      host: name,
      what: `${user} may not use sudo without a password${said}`,
      remedy: `add a line "${user} ALL=(ALL) NOPASSWD: ALL" with visudo`,
    });
  }
  const end = signal === undefined ? `exit ${status}` : `ended by SIG${signal}`;
  if (stage === "nowhere") {
    return new AccessDenied({
      host: name,
      what: `the login of ${user} ran no command (${end})${said}`,
      remedy:
        "give it a login shell, let nothing that the shell starts with end it or read its standard input, and install perl-base",
    });
  }
  if (stage === "running" && (status !== 0 || signal !== undefined)) {
    const what = noise === "" ? end : `${end}\n${noise}`;
    return new RemoteError({ host: name, doing, what, status: undefined, output: "" });
  }
  return new AnswerGarbled({
    host: name,
    doing,
    what: "the answer did not come whole",
    remedy: `let nothing that a login of ${user} starts go on to print once it is done`,
  });
}

/** The first line says what failed, the last ones why. */
function endsOf(text: string): string {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= shownLines) return lines.join("\n");
  return [lines[0], "...", ...lines.slice(2 - shownLines)].join("\n");
}

function lastLines(text: string, count: number): string {
  return text.split("\n").slice(-count).join("\n");
}
