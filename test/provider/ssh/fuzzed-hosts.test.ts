/**
 * Hosts that misbehave in every way that can be drawn: what comes of a command is what the host said, or an error of the
 * type that tells why it is not known; never a wrong answer. `npm run fuzz` draws many more.
 */

import test from "ava";
import fc from "fast-check";
import {
  AccessDenied,
  AnswerGarbled,
  DeadlineExceeded,
  HostUnreachable,
  NotReached,
  ReadTimedOut,
  RemoteError,
} from "../../../provider/errors";
import { Pool } from "../../../provider/ssh/pool";
import {
  converse,
  type FuzzedHost,
  fuzzedHost,
  isSound,
  noiseWord,
  type Truth,
  truth,
} from "../../support/fuzzed-host";
import { SshServer } from "../../support/ssh-server";

const runs = Number(process.env.FUZZ_RUNS ?? 240);
const seed = process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) };
/** Hosts that are talked with at the same time. */
const lanes = 8;

for (let lane = 0; lane < lanes; lane += 1) {
  const parameters = {
    numRuns: Math.ceil(runs / lanes),
    // A run takes part of a second; a hundred smaller ones would take minutes.
    endOnFailure: true,
    includeErrorInReport: true,
    ...(seed.seed !== undefined && { seed: seed.seed + lane }),
  };
  test(`whatever a host does, its answers are right or known to be missing (${lane + 1})`, async (t) => {
    t.timeout(30 * 60_000);
    await fc.assert(
      fc.asyncProperty(
        fuzzedHost,
        fc.array(truth, { minLength: 1, maxLength: 5 }),
        fc.option(truth, { nil: undefined }),
        (host, reads, command) =>
          ending(talk(host, reads, command && { ...command, isLate: false })),
      ),
      parameters,
    );
    t.pass();
  });
}

/** Every run comes to an end; on a busy machine it may take its time. */
async function ending(run: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it never ended")), 60_000);
  });
  await Promise.race([run, late]).finally(() => clearTimeout(timer));
}

async function talk(
  host: FuzzedHost,
  reads: readonly Truth[],
  command: Truth | undefined,
): Promise<void> {
  let conversations = 0;
  let commandRuns = 0;
  const truthOf = (script: string): Truth => {
    const [what, id] = script.split(" ");
    if (what === "command") commandRuns += 1;
    const found = what === "command" ? command : reads[Number(id)];
    if (found === undefined) throw new Error(`nobody asked for ${script}`);
    return found;
  };
  const server = await SshServer.start({
    user: host.user,
    welcome: (connection) => host.welcomes[connection - 1] ?? "serves",
    wire: (connection) => (connection > 3 ? undefined : host.wire),
    opensChannel: (channel) => channel > host.refusedChannels,
    execute: async (execution) => {
      const conversation = host.conversations[conversations++ % host.conversations.length];
      if (conversation === undefined) throw new Error("there is at least one");
      await converse(conversation, execution, truthOf, () => server.dropConnections());
    },
  });
  const pool = new Pool({
    connectSeconds: 10,
    redialSeconds: 0.001,
    // A machine that is busy with other things must not make a sound host late.
    commandSeconds: hasSilence(host) ? 0.2 : 30,
    farewellSeconds: 0.01,
  });
  try {
    const asked = reads.map((_, id) =>
      pool.ask(server.host(), { script: `read ${id}`, doing: "reading" }),
    );
    const told: string[] = [];
    const ran =
      command &&
      pool.run(server.host(), {
        script: "command",
        doing: "running",
        onProgress: (message) => told.push(message),
      });
    const answers = await Promise.allSettled([...asked, ...(ran ? [ran] : [])]);
    for (const [index, answer] of answers.entries()) {
      const expected = reads[index] ?? command;
      if (expected === undefined) throw new Error("one answer for each");
      judge(answer, expected, { host, isRead: index < reads.length });
    }
    if (commandRuns > 1) throw new Error("the command ran twice");
    if (told.some((message) => message !== "half")) throw new Error(`no such progress: ${told}`);
  } finally {
    await pool.close();
    await server.stop();
  }
}

function hasSilence({ conversations }: FuzzedHost): boolean {
  return conversations.some(({ fault }) => fault?.kind === "nothing comes");
}

function judge(
  answer: PromiseSettledResult<string>,
  expected: Truth,
  { host, isRead }: { readonly host: FuzzedHost; readonly isRead: boolean },
): void {
  const { stdout = "", stderr = "", status, signal, isLate } = expected;
  const isWell = !isLate && status === 0 && signal === 0;
  if (answer.status === "fulfilled") {
    const output = isRead ? stdout : stdout.replace(/^@progress .*\n?/gm, "");
    const isRight = isWell && answer.value === Buffer.from(output).toString("utf8");
    if (isRight) return;
    throw new Error(`a wrong answer: ${JSON.stringify(answer.value)}`);
  }
  const error: unknown = answer.reason;
  if (error instanceof RemoteError && !(error instanceof DeadlineExceeded)) {
    judgeFailure(error, { isWell, isLate, status, signal, said: stderr || stdout }, host);
    return;
  }
  if (error instanceof ReadTimedOut && isRead && (isLate || hasSilence(host))) return;
  const isKnownToBeMissing = [HostUnreachable, AnswerGarbled, AccessDenied, DeadlineExceeded].some(
    (type) => error instanceof type,
  );
  if (!isKnownToBeMissing) throw new Error(`not a typed error: ${error}`);
  if (isSound(host)) throw new Error(`a sound host, and yet: ${error}`);
  if (error instanceof NotReached && error.remedy === undefined) throw new Error("no remedy");
}

interface Failing {
  readonly isWell: boolean;
  readonly isLate: boolean;
  readonly status: number | undefined;
  readonly signal: number | undefined;
  readonly said: string;
}

function judgeFailure(
  error: RemoteError,
  { isWell, isLate, status, signal }: Failing,
  host: FuzzedHost,
) {
  // The runner on the host was ended before its script was: the channel closed with a status.
  const isCutShort = host.conversations.some(({ fault }) => fault?.kind === "the channel closes");
  if (error.status === undefined && signal === 0 && isCutShort) return;
  if (isWell || isLate) throw new Error(`it went well, and yet: ${error.message}`);
  const expected = signal === 0 ? status : undefined;
  if (error.status !== expected && !(error.status === undefined && isCutShort)) {
    throw new Error(`status ${error.status}: ${error.message}`);
  }
  if (error.message.includes(noiseWord) && !isCutShort) {
    throw new Error(`noise as a cause: ${error.message}`);
  }
}
