/** A load that does not wait: each request starts when its time has come, over a connection of its own, however the ones before fare. */
import { request, type Trust } from "../verify/http";

export interface LoadArgs {
  readonly url: string;
  /** Sent as `Host`. */
  readonly domain: string;
  readonly trust: Trust;
  readonly readsPerSecond: number;
  /** Entries of the sample's guest book; 0 for any other application. */
  readonly writesPerSecond: number;
  /** Marks the entries of this run. */
  readonly mark: string;
}

/** One request, in milliseconds since the load began. */
export interface Sample {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Why it failed; a read fails also when it takes longer than a second. */
  readonly failure?: string;
}

export interface Samples {
  readonly reads: readonly Sample[];
  readonly writes: readonly Sample[];
  /** Messages of entries that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
}

/** A visitor who waits longer tries again. */
const readDeadlineSeconds = 1;
/** The sample itself gives up after 15. */
const writeDeadlineSeconds = 20;

export class Load {
  readonly #reads: Sample[] = [];
  readonly #writes: Sample[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #begin = performance.now();
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #readsSent = 0;
  #writesSent = 0;

  constructor(private readonly args: LoadArgs) {
    this.#timer = setInterval(() => this.#sendDue(), 5);
  }

  /** Milliseconds since it began. */
  now(): number {
    return performance.now() - this.#begin;
  }

  /** Ends when the last request has. */
  async stop(): Promise<Samples> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    return { reads: this.#reads, writes: this.#writes, acknowledged: this.#acknowledged };
  }

  #sendDue(): void {
    const seconds = this.now() / 1000;
    for (; this.#readsSent < seconds * this.args.readsPerSecond; this.#readsSent += 1) {
      this.#send(this.#reads, () => this.#read());
    }
    for (; this.#writesSent < seconds * this.args.writesPerSecond; this.#writesSent += 1) {
      const message = `${this.args.mark} ${this.#writesSent}`;
      this.#send(this.#writes, () => this.#write(message));
    }
  }

  #send(samples: Sample[], work: () => Promise<void>): void {
    const startedAt = this.now();
    const one = work()
      .then(
        () => samples.push({ startedAt, endedAt: this.now() }),
        (error: Error) =>
          samples.push({ startedAt, endedAt: this.now(), failure: kindOf(error.message) }),
      )
      .then(() => void this.#open.delete(one));
    this.#open.add(one);
  }

  async #read(): Promise<void> {
    const { url, domain, trust } = this.args;
    const question = { url: `${url}/`, headers: { Host: domain }, trust };
    const { status } = await request({ ...question, deadlineSeconds: readDeadlineSeconds });
    if (status >= 400) throw new Error(`status ${status}`);
  }

  async #write(message: string): Promise<void> {
    const { url, domain, trust } = this.args;
    const { status } = await request({
      url: `${url}/api/entries`,
      method: "POST",
      headers: { Host: domain, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "drill", message }),
      deadlineSeconds: writeDeadlineSeconds,
      trust,
    });
    if (status !== 201) throw new Error(`status ${status}`);
    this.#acknowledged.add(message);
  }
}

/** Without the address, so that failures of a kind are counted together. */
function kindOf(message: string): string {
  return message.replace(/^https?:\S+ /, "");
}
