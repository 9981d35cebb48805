/** Asks one host, within a deadline of its own: what is asked at one moment travels together, over one connection that is kept. */
import { NotReached } from "../../provider/ssh/live-command";
import { Session } from "../../provider/ssh/session";
import { within, withoutPlace } from "../status/reach";
import type { EndpointHost } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { reached } from "../verify/site";

/** A host that says nothing for so long counts as silent. */
const lookSeconds = 3;
/** All hosts are dialled at the same moment at first. */
const firstSeconds = 6;
/** The runner counts whole seconds: a question that hangs is given up after one to two, before the others are late as well. */
const questionSeconds = 1;
/** A restart of sshd takes less. */
const refusedSeconds = 1;

export interface HostReader {
  /** Answers once all that is asked at the same moment has its answer. */
  ask(script: string): Promise<string>;
  /** Beside that, and for longer. */
  askSlowly(script: string, seconds: number): Promise<string>;
  close(): Promise<void>;
}

interface Waiting {
  readonly script: string;
  readonly resolve: (output: string) => void;
  readonly reject: (error: unknown) => void;
}

export function openHostReader(
  host: EndpointHost,
  privateKeys: StackOutputs["privateKeys"],
): HostReader {
  const make = () =>
    new Session(reached(host, privateKeys), {
      connectSeconds: hasAnswered ? lookSeconds : firstSeconds,
      readSeconds: questionSeconds,
      farewellSeconds: 1,
      refusedSeconds,
    });
  let session: Session | undefined;
  let hasAnswered = false;
  let waiting: Waiting[] = [];
  const drop = (dropped: Session) => {
    if (session === dropped) session = undefined;
    void dropped.close().catch(() => undefined);
  };
  const send = async () => {
    const together = waiting;
    waiting = [];
    session ??= make();
    const used = session;
    try {
      const reads = together.map(({ script }) => ({ script, doing: "looking" }));
      const seconds = hasAnswered ? lookSeconds : firstSeconds;
      const answers = await within(seconds, used.readAll(reads));
      if (answers.every((answer) => answer instanceof NotReached)) throw answers[0];
      hasAnswered = true;
      for (const [at, { resolve, reject }] of together.entries()) {
        const answer = answers[at];
        if (typeof answer === "string") resolve(answer);
        else reject(answer);
      }
    } catch (error) {
      // Whoever waits for it from now on has waited before.
      hasAnswered = true;
      drop(used);
      const silence = new Silence(withoutPlace(host.name, error));
      for (const { reject } of together) reject(silence);
    }
  };
  return {
    ask: (script) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(() => void send());
        waiting.push({ script, resolve, reject });
      }),
    askSlowly: (script, seconds) => {
      session ??= make();
      const asked = session.run({ script, deadlineSeconds: seconds, doing: "looking" });
      return within(seconds + 1, asked);
    },
    close: async () => {
      await session?.close().catch(() => undefined);
      session = undefined;
    },
  };
}

/** Of a host that gave no answer at all. */
export class Silence extends Error {}
