/** What can go wrong with a host, each with what to do about it. */

/** No answer: down, wrong address, or a firewall. The one error that a preview survives. */
export class HostUnreachable extends Error {}

/** Another key than the pinned one. */
export class HostKeyMismatch extends Error {}

/** The host answered, but would not let us in or make us root. */
export class AccessDenied extends Error {}

/** A command that ran and ended with a status other than 0. */
export class RemoteError extends Error {
  constructor(
    message: string,
    readonly status: number | undefined,
    readonly output: string,
  ) {
    super(message);
  }
}

/** A plan that would destroy something; says what, and how to confirm. */
export class Refused extends Error {}
