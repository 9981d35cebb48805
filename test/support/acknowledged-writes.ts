/** Writes to the sample's site, of which those that were acknowledged are remembered. */
import type { TestStack } from "../end-to-end/support/test-stack";

export class AcknowledgedWrites {
  readonly #acknowledged = new Set<string>();
  #sequence = 0;

  constructor(
    private readonly url: string,
    private readonly perSecond = 10,
  ) {}

  /** Answers what `work` answered, and how many writes were acknowledged and how many were not meanwhile. */
  async during<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly acknowledged: number; readonly failed: number }> {
    const open = new Set<Promise<void>>();
    const count = { acknowledged: 0, failed: 0 };
    const timer = setInterval(() => {
      const one = this.#write()
        .then(() => {
          count.acknowledged += 1;
        })
        .catch(() => {
          count.failed += 1;
        })
        .finally(() => open.delete(one));
      open.add(one);
    }, 1000 / this.perSecond);
    try {
      const result = await work();
      clearInterval(timer);
      await Promise.all(open);
      return { result, ...count };
    } finally {
      clearInterval(timer);
    }
  }

  /** The acknowledged ones that a member does not have. */
  async missingOn(stack: TestStack, host: string): Promise<readonly string[]> {
    return this.missingIn((script) => stack.on(host, script));
  }

  /** Of a member on which root runs a script so. */
  async missingIn(run: (script: string) => Promise<string>): Promise<readonly string[]> {
    const rows = await run('mysql -NBe "SELECT message FROM guestbook.entries"');
    const stored = new Set(rows.trim().split("\n"));
    return [...this.#acknowledged].filter((message) => !stored.has(message));
  }

  async #write(): Promise<void> {
    this.#sequence += 1;
    const message = `entry ${this.#sequence}`;
    const answer = await fetch(`${this.url}/api/entries`, {
      method: "POST",
      headers: { "content-type": "application/json", host: "www.foobar.com" },
      body: JSON.stringify({ name: "pair", message }),
      signal: AbortSignal.timeout(20_000),
    });
    await answer.arrayBuffer();
    if (answer.status !== 201) throw new Error(`status ${answer.status}`);
    this.#acknowledged.add(message);
  }
}
