/** How a command ended, and the error that tells it where that was not well. */

import { AccessDenied, HostUnreachable, RemoteError } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { mask } from "./mask";

/** A status, a signal, or neither where the connection went away. */
export interface End {
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly output: string;
  readonly errors: string;
}

/** Of what a failed command said. */
const shownLines = 20;

export function failure(host: Host, command: RemoteCommand, end: End): Error {
  const { name, user } = host;
  if (end.status === undefined && end.signal === undefined) {
    return new HostUnreachable({
      host: name,
      doing: command.doing,
      what: "the connection was lost before the answer",
      remedy: "check that the machine is up",
    });
  }
  if (user !== "root" && end.output === "" && /^sudo: /m.test(end.errors)) {
    const said = mask(end.errors, command.secrets).trim();
    return new AccessDenied({
      host: name,
      what: `${user} may not use sudo without a password: ${said}`,
      remedy: `add a line "${user} ALL=(ALL) NOPASSWD: ALL" with visudo`,
    });
  }
  const what = end.status === undefined ? `ended by ${end.signal}` : `exit ${end.status}`;
  return remoteError(host, command, { what, end });
}

export function remoteError(
  { name }: Host,
  { doing, secrets }: RemoteCommand,
  { what, end }: { readonly what: string; readonly end: End },
): RemoteError {
  const output = mask(end.output, secrets);
  const said = endsOf(mask(end.errors, secrets) || output);
  return new RemoteError({
    host: name,
    doing,
    what: said === "" ? what : `${what}\n${said}`,
    status: end.status,
    output,
  });
}

/** The first line says what failed, the last ones why. */
function endsOf(text: string): string {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= shownLines) return lines.join("\n");
  return [lines[0], "...", ...lines.slice(2 - shownLines)].join("\n");
}
