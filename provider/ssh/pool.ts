/** The sessions of this process, one per host; questions that wait at the same time travel together. */

import { AnswerGarbled, HostUnreachable } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { Session, type SessionOptions } from "./session";

export interface Asked {
  readonly script: string;
  /** For messages: `reading haproxy`. */
  readonly doing: string;
  /** Texts never to be shown in an error. */
  readonly secrets?: readonly string[];
  /** Texts that anybody may see. */
  readonly open?: readonly string[];
}

interface Question extends Asked {
  readonly attempts: number;
  readonly resolve: (output: string) => void;
  readonly reject: (error: unknown) => void;
}

/** Questions that the engine sends together follow each other within this time; of many, more are likely to come. */
const gatherMilliseconds = (count: number) => Math.min(5 + count / 4, 50);
/** However many there are, the first is not kept waiting for longer. */
const gatherAtMostMilliseconds = 3000;

const attemptsAtMost = 3;
/** A packet that a firewall drops is never answered. */
const newConnectionSeconds = 5;

export class Pool {
  readonly #members = new Map<string, Member>();
  readonly #options: SessionOptions;

  constructor(options: SessionOptions = {}) {
    this.#options = options;
  }

  ask(host: Host, asked: Asked): Promise<string> {
    return this.#member(host).ask(asked);
  }

  run(host: Host, command: RemoteCommand): Promise<string> {
    return this.#member(host).session.run(command);
  }

  /** Over a connection of its own. */
  async runAnew(host: Host, command: RemoteCommand): Promise<string> {
    const session = new Session(host, { ...this.#options, connectSeconds: newConnectionSeconds });
    try {
      return await session.run(command);
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.session.close()));
    this.#members.clear();
  }

  #member(host: Host): Member {
    const key = JSON.stringify([host.user, host.address, host.port, host.hostKey]);
    let member = this.#members.get(key);
    if (member === undefined) {
      member = new Member(host, this.#options);
      this.#members.set(key, member);
    }
    return member;
  }
}

class Member {
  readonly session: Session;
  readonly #host: Host;
  #waiting: Question[] = [];
  #isAsking = false;

  constructor(host: Host, options: SessionOptions) {
    this.#host = host;
    this.session = new Session(host, options);
  }

  ask(asked: Asked): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...asked, attempts: attemptsAtMost, resolve, reject });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  /** One round trip for all that wait; what comes in meanwhile makes the next. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const refusal = await this.#gather();
      const questions = this.#waiting;
      this.#waiting = [];
      if (refusal === undefined) await this.#askTogether(questions);
      else for (const question of questions) question.reject(refusal);
    }
    this.#isAsking = false;
  }

  /** Questions gather while the connection is made. Answers why it could not be made. */
  async #gather(): Promise<unknown> {
    try {
      await this.session.connect();
      await this.#untilQuiet();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #untilQuiet(): Promise<void> {
    const deadline = performance.now() + gatherAtMostMilliseconds;
    for (let count = 0; count !== this.#waiting.length && performance.now() < deadline; ) {
      count = this.#waiting.length;
      await new Promise((resolve) => setTimeout(resolve, gatherMilliseconds(count)));
    }
  }

  async #askTogether(questions: readonly Question[]): Promise<void> {
    const start = performance.now();
    try {
      const answers = await this.session.readAll(questions);
      performance.measure(`ask ${this.#host.name}`, { start });
      for (const [index, question] of questions.entries()) this.#answer(question, answers[index]);
    } catch (error) {
      for (const question of questions) question.reject(error);
    }
  }

  #answer(question: Question, answer: string | Error | undefined): void {
    const { attempts } = question;
    if (typeof answer === "string") question.resolve(answer);
    else if (answer !== undefined && isWorthAgain(answer) && attempts > 1) {
      this.#waiting.push({ ...question, attempts: attempts - 1 });
    } else question.reject(answer);
  }
}

/** A read changes nothing, so it may be made again where the connection was lost or something wrote into its answer. */
function isWorthAgain(error: Error): boolean {
  return error instanceof HostUnreachable || error instanceof AnswerGarbled;
}
