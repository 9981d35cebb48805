/** Writes to the sample's site and reads it all the while, and remembers what each write was answered with. */

type Outcome = "written" | "not written" | "unknown";

interface Pace {
  /** Milliseconds from one to the next. */
  readonly writesEach: number;
  readonly readsEach?: number;
}

export class SiteClient {
  readonly #outcomes = new Map<string, { readonly outcome: Outcome; readonly said: string }>();
  #sequence = 0;

  constructor(private readonly url: string) {}

  /** Answers what `work` answered, and how often each status was the answer to a read meanwhile. */
  async during<T>(
    { writesEach, readsEach }: Pace,
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly reads: Readonly<Record<string, number>> }> {
    const open = new Set<Promise<unknown>>();
    const reads: Record<string, number> = {};
    const keep = (one: Promise<unknown>) => {
      open.add(one);
      void one.finally(() => open.delete(one));
    };
    const timers = [
      setInterval(() => keep(this.#try()), writesEach),
      ...(readsEach === undefined
        ? []
        : [
            setInterval(() => {
              keep(
                this.#read().then((status) => {
                  reads[status] = (reads[status] ?? 0) + 1;
                }),
              );
            }, readsEach),
          ]),
    ];
    try {
      return { result: await work(), reads };
    } finally {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(open);
    }
  }

  /** One write that must be acknowledged. */
  async write(): Promise<void> {
    const { outcome, said } = await this.#try();
    if (outcome !== "written") throw new Error(said);
  }

  /** How many writes had which outcome, and those whose answer is not true of what is stored. */
  judge(stored: ReadonlySet<string>) {
    const counts: Record<string, number> = {};
    const untrue: string[] = [];
    for (const [message, { outcome, said }] of this.#outcomes) {
      const isStored = stored.has(message);
      const what = `${outcome}, ${isStored ? "stored" : "not stored"}`;
      counts[what] = (counts[what] ?? 0) + 1;
      const isTrue = outcome === "unknown" || isStored === (outcome === "written");
      if (!isTrue) untrue.push(`${message}: ${what}: ${said}`);
    }
    return { counts, untrue };
  }

  async #try() {
    this.#sequence += 1;
    const message = `entry ${this.#sequence}`;
    const answer = await this.#send(message);
    this.#outcomes.set(message, answer);
    return answer;
  }

  async #send(message: string): Promise<{ readonly outcome: Outcome; readonly said: string }> {
    try {
      const answer = await fetch(`${this.url}/api/entries`, {
        method: "POST",
        headers: { "content-type": "application/json", host: "www.foobar.com" },
        body: JSON.stringify({ name: "strain", message }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await answer.text();
      const said = `${answer.status} ${text.slice(0, 300)}`;
      if (answer.status === 201) return { outcome: "written", said };
      return { outcome: outcomeIn(text), said };
    } catch (error) {
      // No answer is no claim.
      return { outcome: "unknown", said: String(error) };
    }
  }

  async #read(): Promise<string> {
    try {
      const answer = await fetch(`${this.url}/api/entries?limit=5`, {
        headers: { host: "www.foobar.com" },
        signal: AbortSignal.timeout(20_000),
      });
      await answer.arrayBuffer();
      return String(answer.status);
    } catch (error) {
      return String(error);
    }
  }
}

/** What the sample says; an answer of a server in front of it says nothing, and stands for a failure. */
function outcomeIn(text: string): Outcome {
  return /"outcome":"unknown"/.test(text) ? "unknown" : "not written";
}
