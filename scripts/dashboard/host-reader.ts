/** Asks one host, within a deadline of its own: what is asked at one moment travels together, over one connection that is kept. */
import { NotReached } from "../../provider/ssh/live-command";
import { type Read, Session } from "../../provider/ssh/session";
import { within, withoutPlace } from "../status/reach";
import type { EndpointHost } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { reached } from "../verify/site";

/** A host that says nothing for so long counts as silent. */
const lookSeconds = 3;
/** All hosts are dialled at the same moment at first; and of one that is silent nothing is to be seen sooner. */
const firstSeconds = 6;
/** One that is slow, but answers at all, is waited for. */
const slowSeconds = 12;
/** Whether it does is asked so long before it counts as silent. */
const pingSeconds = 1;
/** The runner counts whole seconds: a question that hangs is given up after one to two, before the others are late as well. */
const questionSeconds = 1;
/** A restart of sshd takes less. */
const refusedSeconds = 1;

export interface HostReader {
  /** Answers once all that is asked at the same moment has its answer: one is run after the other. */
  ask(script: string): Promise<string>;
  /** Beside that: of what may hang, as a daemon that is asked. */
  askBeside(script: string): Promise<string>;
  /** For longer. */
  askSlowly(script: string, deadlineSeconds: number): Promise<string>;
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
      connectSeconds: seconds,
      readSeconds: questionSeconds,
      farewellSeconds: 1,
      refusedSeconds,
    });
  let session: Session | undefined;
  let seconds = firstSeconds;
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
      const answers = await readPatiently(used, reads, seconds);
      if (answers.every((answer) => answer instanceof NotReached)) throw answers[0];
      for (const [at, { resolve, reject }] of together.entries()) {
        const answer = answers[at];
        if (typeof answer === "string") resolve(answer);
        else reject(answer);
      }
      seconds = lookSeconds;
    } catch (error) {
      seconds = firstSeconds;
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
    askBeside: async (script) => {
      session ??= make();
      const [answer] = await readPatiently(session, [{ script, doing: "looking" }], seconds);
      if (typeof answer === "string") return answer;
      throw answer;
    },
    askSlowly: (script, deadlineSeconds) => {
      session ??= make();
      const asked = session.run({ script, deadlineSeconds, doing: "looking" });
      return within(deadlineSeconds + 1, asked);
    },
    close: async () => {
      await session?.close().catch(() => undefined);
      session = undefined;
    },
  };
}

async function readPatiently(session: Session, reads: readonly Read[], seconds: number) {
  const answers = session.readAll(reads);
  let isThere = false;
  const ping = setTimeout(
    () => {
      const asked = session.readAll([{ script: "true", doing: "looking" }]);
      asked.then(
        ([answer]) => {
          isThere = typeof answer === "string";
        },
        () => undefined,
      );
    },
    (seconds - pingSeconds) * 1000,
  );
  try {
    return await within(seconds, answers);
  } catch (error) {
    if (!isThere) throw error;
    return await within(slowSeconds, answers);
  } finally {
    clearTimeout(ping);
  }
}

/** Of a host that gave no answer at all. */
export class Silence extends Error {}
