/** What can go wrong, as types: whoever has to tell one from another looks at the type, never at the words. */

export interface HostErrorArgs {
  /** The host's name. */
  readonly host: string;
  /** The host's name with user, address and port, where the way to the host is what failed. */
  readonly where?: string;
  /** `reading haproxy` */
  readonly doing?: string;
  /** `exit 1`, with what was said below it. */
  readonly what: string;
  readonly remedy?: string;
}

/** A failure on a host, or on the way to it. The message is `<host>: <doing>: <what>; <remedy>`. */
export class HostError extends Error {
  readonly host: string;
  readonly doing: string | undefined;
  readonly remedy: string | undefined;

  constructor({ host, where = host, doing, what, remedy }: HostErrorArgs) {
    const sentence = [where, doing, what].filter((part) => part !== undefined).join(": ");
    super(remedy === undefined ? sentence : `${sentence}; ${remedy}`);
    this.host = host;
    this.doing = doing;
    this.remedy = remedy;
  }
}

/** Something could not be learned from a host, so nothing is known of it. A preview survives that, `up` does not. */
export class NotReached extends HostError {}

/** No answer: down, wrong address, a firewall, or a connection that was lost. */
export class HostUnreachable extends NotReached {}

/** The settings say that the host is away: it was not asked. */
export class HostAway extends HostUnreachable {
  constructor(host: string) {
    super({ host, what: "it is away, as the settings say" });
  }
}

/** Another key than the pinned one. */
export class HostKeyMismatch extends NotReached {}

/** The host answered, but would not let us in, run a command or make us root. */
export class AccessDenied extends NotReached {}

/** The host answered, but one thing that was read did not within its time: a daemon that hangs, a disk that is stuck. */
export class ReadTimedOut extends NotReached {}

/** What came back is not what the host sent: something else wrote into the answer. */
export class AnswerGarbled extends NotReached {}

/** A command that ran and ended with a status other than 0, or with a signal. */
export class RemoteError extends HostError {
  /** `undefined` where a signal ended it, or its end was not seen. */
  readonly status: number | undefined;
  /** Its standard output, without secrets. */
  readonly output: string;

  constructor({
    status,
    output,
    ...args
  }: HostErrorArgs & { readonly status: number | undefined; readonly output: string }) {
    super(args);
    this.status = status;
    this.output = output;
  }
}

/** A command that was not done within its time. It was asked to end. */
export class DeadlineExceeded extends RemoteError {}

/** Stopped because the engine cancels. */
export class Canceled extends Error {}

/** A plan that would destroy something; says what, and how to confirm. */
export class Refused extends Error {
  constructor(refusals: readonly { readonly sentence: string; readonly warning?: string }[]) {
    super(refusals.map(({ warning, sentence }) => warning ?? sentence).join("\n"));
  }
}
