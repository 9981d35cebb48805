/** The sessions of this process, one per host; questions that wait at the same time travel together. */

import { randomBytes } from "node:crypto";
import { RemoteError } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { Session, type SessionOptions } from "./session";

interface Question {
  readonly script: string;
  readonly doing: string;
  readonly resolve: (output: string) => void;
  readonly reject: (error: unknown) => void;
}

/** Questions that the engine sends together arrive within this time. */
const gatherMilliseconds = 4;

export class Pool {
  readonly #members = new Map<string, Member>();
  readonly #options: SessionOptions;

  constructor(options: SessionOptions = {}) {
    this.#options = options;
  }

  ask(host: Host, script: string, doing: string): Promise<string> {
    return this.#member(host).ask(script, doing);
  }

  run(host: Host, command: RemoteCommand): Promise<string> {
    return this.#member(host).session.run(command);
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

  ask(script: string, doing: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ script, doing, resolve, reject });
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
      await new Promise((resolve) => setTimeout(resolve, gatherMilliseconds));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #askTogether(questions: readonly Question[]): Promise<void> {
    const mark = `--${randomBytes(12).toString("hex")}`;
    const script = questions
      .map((question) => `(\n${question.script}\n) </dev/null\nprintf '\\n${mark} %d\\n' "$?"`)
      .join("\n");
    try {
      const doing =
        questions.length === 1
          ? (questions[0]?.doing ?? "")
          : `reading ${questions.length} resources`;
      const output = await this.session.run({ script: `export LC_ALL=C\n${script}`, doing });
      const answers = output.split(new RegExp(`\\n${mark} ([0-9]+)\\n`));
      questions.forEach((question, index) => {
        this.#answer(question, answers[index * 2] ?? "", Number(answers[index * 2 + 1] ?? 1));
      });
    } catch (error) {
      for (const question of questions) question.reject(error);
    }
  }

  #answer(question: Question, output: string, status: number): void {
    if (status === 0) {
      question.resolve(output);
      return;
    }
    const last = output.trimEnd().split("\n").slice(-10).join("\n");
    const message = `${this.#host.name}: ${question.doing}: exit ${status}\n${last}`;
    question.reject(new RemoteError(message, status, output));
  }
}
