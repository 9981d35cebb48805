/** A stack that is backed up and written to, of which each write is remembered with when it was sent and when acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import { restoreCluster } from "../../../scripts/restore/into-cluster";
import { parseReport, type RestoreReport } from "../../../scripts/restore/report";
import { restoreIntoScratch } from "../../../scripts/restore/scratch";
import { parseTarget } from "../../../scripts/restore/target";
import type { Site } from "../../../scripts/verify/check";
import { type BackupKeys, parseBackupKeys } from "../../../scripts/verify/outputs";
import { withSite } from "../../../scripts/verify/site";
import { type Settings, TestStack } from "../../end-to-end/support/test-stack";

export interface Write {
  readonly message: string;
  readonly sentAt: number;
  /** `undefined`: it was not. */
  acknowledgedAt?: number;
}

const scratch = "--socket=/var/lib/mysql-files/trilithon-scratch/mysqld.sock";

const metrics = "/var/lib/trilithon-metrics/trilithon-restore-test";

export class BackedUp {
  readonly writes: Write[] = [];

  private constructor(
    readonly stack: TestStack,
    private readonly url: string,
  ) {}

  static async make(name: string, settings: Settings, url: string): Promise<BackedUp> {
    return new BackedUp(await TestStack.make(name, settings), url);
  }

  async write(): Promise<void> {
    const { writes, url } = this;
    const one: Write = { message: `entry ${writes.length + 1}`, sentAt: Date.now() };
    writes.push(one);
    const answer = await fetch(`${url}/api/entries`, {
      method: "POST",
      headers: { "content-type": "application/json", host: "www.foobar.com" },
      body: JSON.stringify({ name: "backup", message: one.message }),
      signal: AbortSignal.timeout(20_000),
    });
    await answer.arrayBuffer();
    if (answer.status === 201) one.acknowledgedAt = Date.now();
  }

  /** Twenty a second, whether or not the ones before have ended. */
  async writeDuring<T>(work: () => Promise<T>): Promise<T> {
    const open: Promise<void>[] = [];
    const timer = setInterval(() => open.push(this.write().catch(() => undefined)), 50);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await Promise.all(open);
    }
  }

  acknowledged(until = Number.POSITIVE_INFINITY): readonly Write[] {
    return this.writes.filter(
      ({ acknowledgedAt = Number.POSITIVE_INFINITY }) => acknowledgedAt < until,
    );
  }

  /** Those that were acknowledged before a time, and are not there; and those that were sent from it on, and are. */
  compare(found: ReadonlySet<string>, time = Number.POSITIVE_INFINITY) {
    return {
      lost: this.acknowledged(time).filter(({ message }) => !found.has(message)),
      early: this.writes.filter(({ sentAt, message }) => sentAt >= time && found.has(message)),
    };
  }

  async keys(): Promise<BackupKeys> {
    return parseBackupKeys(await this.stack.output("backupKeys", "--show-secrets"));
  }

  async onSite<T>(work: (site: Site) => Promise<T>): Promise<T> {
    return withSite(await this.stack.outputs(), "restoring", work);
  }

  async restore(host: string, to: string, given?: BackupKeys): Promise<RestoreReport> {
    const keys = given ?? (await this.keys());
    return this.onSite(async (site) => {
      const found = site.endpoints.hosts.find(({ name }) => name === host);
      if (found === undefined) throw new Error(host);
      return parseReport(await restoreIntoScratch(site, found, { target: parseTarget(to), keys }));
    });
  }

  /** Answers what was said. */
  async intoCluster(
    to: string,
    more: { readonly only?: string; readonly keys?: BackupKeys; readonly before?: string } = {},
  ): Promise<string> {
    const lines: string[] = [];
    const add = (line: string) => void lines.push(line);
    const keys = more.keys ?? (await this.keys());
    const { only, before } = more;
    const wish = { target: parseTarget(to), keys, before, only, say: add, tell: add };
    await this.onSite((site) => restoreCluster(site, { ...wish, ask: undefined }));
    return lines.join("\n");
  }

  liveOn(host: string): Promise<ReadonlySet<string>> {
    return this.#entries(host, "");
  }

  restoredOn(host: string): Promise<ReadonlySet<string>> {
    return this.#entries(host, `--no-defaults ${scratch}`);
  }

  async #entries(host: string, how: string): Promise<ReadonlySet<string>> {
    const statement = "SELECT message FROM guestbook.entries";
    const rows = await this.stack.on(host, `mysql ${how} -NBe "${statement}"`);
    return new Set(rows.split("\n").filter((row) => row.startsWith("entry ")));
  }

  async executedOn(host: string): Promise<string> {
    const statement = "SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')";
    return (await this.stack.on(host, `mysql -NBe "${statement}"`)).trim().toLowerCase();
  }

  async isSameSet(host: string, one: string, other: string): Promise<boolean> {
    const statement = `SELECT GTID_SUBSET('${one}', '${other}') AND GTID_SUBSET('${other}', '${one}')`;
    return (await this.stack.on(host, `mysql -NBe "${statement}"`)).trim() === "1";
  }

  /** The nightly test, as its timer starts it; answers what it exports. */
  async testRestore(host: string) {
    const { status } = await this.stack.try(
      host,
      "trilithon-restore stop; systemctl start trilithon-restore-test",
    );
    const [said, good, different] = await Promise.all(
      [
        "journalctl -u trilithon-restore-test -n 20 -o cat --no-pager",
        `cat ${metrics}.prom 2>/dev/null || true`,
        `cat ${metrics}-tables.prom 2>/dev/null || true`,
      ].map((script) => this.stack.on(host, script)),
    );
    return { status, said: said ?? "", good: good ?? "", different: different ?? "" };
  }

  async untilFirstCopy(host: string): Promise<void> {
    for (let left = 60; left > 0; left -= 1) {
      const said = await this.stack.try(host, "trilithon-backup list");
      if (/"full"/.test(said.stdout) && /"logs"/.test(said.stdout)) return;
      await sleep(5000);
    }
    throw new Error(
      await this.stack.on(host, "journalctl -u 'trilithon-backup*' -n 30 --no-pager"),
    );
  }
}

/** Until a copy of the logs is there that was made after now, and whole some seconds after it. */
export const untilCopied = () => sleep(100_000);
