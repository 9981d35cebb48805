/** What can go wrong with a host, each with what to do about it. */

/** Nothing could be asked of a host, so nothing is known of it. A preview survives that, `up` does not. */
export class NotReached extends Error {}

/** No answer: down, wrong address, or a firewall. */
export class HostUnreachable extends NotReached {}

/** Another key than the pinned one. */
export class HostKeyMismatch extends NotReached {}

/** The host answered, but would not let us in or make us root. */
export class AccessDenied extends NotReached {}

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
export class Refused extends Error {
  constructor(refusals: readonly { readonly sentence: string; readonly warning?: string }[]) {
    super(refusals.map(({ warning, sentence }) => warning ?? sentence).join("\n"));
  }
}
