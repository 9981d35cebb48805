/** Looks at each host in a loop of its own, so that one that hangs delays no other, and tells when the picture changes. */
import { setTimeout as sleep } from "node:timers/promises";
import { logNames, logsOn } from "../operate/logs";
import { look } from "../status/look";
import { openReachable } from "../status/reach";
import type { Status } from "../status/schema";
import type { EndpointHost, Endpoints } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { lookAtHost } from "./host-look";
import { type HostReader, openHostReader, Silence } from "./host-reader";
import { judge, type Known, nothingKnown } from "./judge";
import type { Happening, HostLook, HostPicture, Picture } from "./picture";

/** With the deadline of a look it is what a fault may stay unseen. */
const defaultPauseMilliseconds = 1000;
/** From the end of a look at all checks to the next one: each costs hosts some seconds of their processors. */
const checksMilliseconds = 60_000;
/** Of what changes seldom. */
const slowMilliseconds = 6000;
/** After a change, once things have settled. */
const settleMilliseconds = 5000;
/** Where they do not settle. */
const unsettledMilliseconds = 20_000;
/** How long a box says that systemd had to start something again. */
const restartedMilliseconds = 60_000;
/** What is older than this when a page is opened is not shown as if it were live. */
const defaultForgetMilliseconds = 10_000;
const happeningsAtMost = 100;
const farewellMilliseconds = 2000;

export interface Watch {
  picture(): Picture;
  /** When each host last answered, in milliseconds since 1970. */
  answeredAt(): Readonly<Record<string, number | null>>;
  /** Hosts are asked as long as somebody listens. Answers what ends it. */
  listen(told: () => void): () => void;
  readonly readers: ReadonlyMap<string, HostReader>;
  readonly endpoints: Endpoints;
  readonly privateKeys: StackOutputs["privateKeys"];
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly openReader?: typeof openHostReader;
  readonly lookAt?: typeof lookAtHost;
  /** From the end of a look at a host to the next one. */
  readonly pauseMilliseconds?: number;
  readonly forgetMilliseconds?: number;
  readonly readChecks?: (endpoints: Endpoints) => Promise<Pick<Status, "checks" | "certificates">>;
}

export function openWatch(outputs: StackOutputs, options: WatchOptions = {}): Watch {
  return new OpenWatch(outputs, options);
}

class OpenWatch implements Watch {
  readonly endpoints: Endpoints;
  readonly privateKeys: StackOutputs["privateKeys"];
  readonly readers: ReadonlyMap<string, HostReader>;
  readonly #options: WatchOptions;
  readonly #known = new Map<string, Known>();
  readonly #restartedAt = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  readonly #ending = new AbortController();
  readonly #all: ReturnType<typeof openReachable> | undefined;
  #wake: (() => void)[] = [];
  #checks: Pick<Status, "checks" | "certificates"> = { checks: [], certificates: [] };
  #checkedAt: number | null = null;
  #changedAt = 0;
  #happenings: readonly Happening[] = [];
  #picture: Picture;

  constructor(outputs: StackOutputs, options: WatchOptions) {
    this.endpoints = outputs.endpoints;
    this.privateKeys = outputs.privateKeys;
    this.#options = options;
    const open = options.openReader ?? openHostReader;
    this.readers = new Map(
      this.endpoints.hosts.map((host) => [host.name, open(host, outputs.privateKeys)]),
    );
    this.#all = options.readChecks === undefined ? openReachable(outputs) : undefined;
    this.#picture = this.#judged();
    for (const host of this.endpoints.hosts) void this.#watchHost(host);
    void this.#watchChecks();
  }

  picture(): Picture {
    return this.#picture;
  }

  answeredAt() {
    return Object.fromEntries(
      this.endpoints.hosts.map(({ name }) => [name, this.#known.get(name)?.answeredAt ?? null]),
    );
  }

  listen(told: () => void): () => void {
    if (this.#listeners.size === 0) this.#forgetOld();
    this.#listeners.add(told);
    for (const wake of this.#wake.splice(0)) wake();
    return () => this.#listeners.delete(told);
  }

  /** While nobody listened, no host was asked. */
  #forgetOld(): void {
    const { forgetMilliseconds = defaultForgetMilliseconds } = this.#options;
    const oldest = Date.now() - forgetMilliseconds;
    if (Object.values(this.answeredAt()).some((at) => at !== null && at > oldest)) return;
    this.#known.clear();
    this.#picture = this.#judged();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const wake of this.#wake.splice(0)) wake();
    const readers = [...this.readers.values()].map((reader) => reader.close());
    // One that is being dialled keeps nobody waiting.
    await Promise.race([
      Promise.all([...readers, this.#all?.close()]),
      sleep(farewellMilliseconds),
    ]);
  }

  async #watchHost(host: EndpointHost): Promise<void> {
    const reader = this.readers.get(host.name);
    if (reader === undefined) return;
    const lookAt = this.#options.lookAt ?? lookAtHost;
    let slowAt = 0;
    while (await this.#isWanted()) {
      try {
        const { look: before } = this.#known.get(host.name) ?? nothingKnown;
        const isDue = before === null || Date.now() - slowAt > slowMilliseconds;
        const seen = await lookAt(this.endpoints, host, reader, isDue ? undefined : before);
        if (isDue) slowAt = Date.now();
        this.#note(host.name, seen);
      } catch (error) {
        const { message } = error instanceof Error ? error : new Error(String(error));
        const silence = error instanceof Silence ? message : `cannot be looked at: ${message}`;
        this.#known.set(host.name, {
          ...(this.#known.get(host.name) ?? nothingKnown),
          silence,
        });
      }
      if (this.#ending.signal.aborted) return;
      this.#tell();
      await this.#pause(this.#options.pauseMilliseconds ?? defaultPauseMilliseconds);
    }
  }

  #note(name: string, seen: HostLook): void {
    const now = Date.now();
    const before = this.#known.get(name)?.look?.units ?? [];
    for (const { unit, restarts } of seen.units) {
      const former = before.find((one) => one.unit === unit);
      if (former !== undefined && restarts > former.restarts) {
        this.#restartedAt.set(`${name} ${unit}`, now);
      }
    }
    const restarted = seen.units
      .map(({ unit }) => unit)
      .filter((unit) => {
        const at = this.#restartedAt.get(`${name} ${unit}`);
        return at !== undefined && now - at < restartedMilliseconds;
      });
    this.#known.set(name, { look: seen, answeredAt: now, silence: null, restarted });
  }

  async #watchChecks(): Promise<void> {
    while (await this.#isWanted()) {
      // The hosts are asked for their picture first.
      await this.#pause(this.#checkedAt === null ? 1500 : 1000);
      if (this.#ending.signal.aborted) return;
      const since = Date.now() - (this.#checkedAt ?? 0);
      const isSettled =
        Date.now() - this.#changedAt > settleMilliseconds || since > unsettledMilliseconds;
      const hasChanged = this.#changedAt > (this.#checkedAt ?? 0);
      if (since < checksMilliseconds && !(hasChanged && isSettled)) continue;
      const begun = Date.now();
      try {
        this.#checks = await this.#readChecks();
      } catch {
        // What was seen before stays, with its age.
        continue;
      }
      this.#checkedAt = begun;
      this.#tell();
    }
  }

  #readChecks() {
    const { readChecks } = this.#options;
    if (readChecks !== undefined) return readChecks(this.endpoints);
    if (this.#all === undefined) throw new Error("nobody to ask");
    return look(this.#all);
  }

  async #isWanted(): Promise<boolean> {
    while (this.#listeners.size === 0 && !this.#ending.signal.aborted) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return !this.#ending.signal.aborted;
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#ending;
    return sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  }

  #tell(): void {
    const former = this.#picture;
    const next = this.#judged();
    const happened = happeningsBetween(former, next, Date.now());
    if (happened.length > 0) {
      this.#changedAt = Date.now();
      this.#happenings = [...happened, ...this.#happenings].slice(0, happeningsAtMost);
    }
    this.#picture = { ...next, happenings: this.#happenings };
    for (const told of this.#listeners) told();
  }

  #judged(): Picture {
    const { endpoints } = this;
    const judged = judge(endpoints, this.#known, this.#checks.checks);
    return {
      ...judged,
      hosts: judged.hosts.map((host) => ({ ...host, logs: logsOf(endpoints, host) })),
      ...{ stack: endpoints.stack, url: endpoints.url, happenings: this.#happenings },
      hasBackups: endpoints.backup !== undefined,
      certificates: this.#checks.certificates,
      checkedAt: this.#checkedAt,
    };
  }
}

/** By name, as `npm run logs` takes it. */
function logsOf({ hosts }: Endpoints, { name }: HostPicture): readonly string[] {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) return [];
  return logNames.filter((log) => logsOn(host, [log]) !== undefined);
}

let lastId = 0;

/** What is said of a host that is seen for the first time is no change, unless it is a fault. */
export function happeningsBetween(
  former: Pick<Picture, "hosts" | "alerts">,
  next: Pick<Picture, "hosts" | "alerts">,
  now: number,
): readonly Happening[] {
  const make = (one: Omit<Happening, "id" | "at">) => {
    lastId += 1;
    return { id: lastId, at: now, ...one };
  };
  const hosts = next.hosts.flatMap((host) => {
    const before = former.hosts.find(({ name }) => name === host.name);
    // Each attempt may find another reason: refused, no route, no answer.
    const isSame =
      before?.health === host.health && (host.health === "silent" || before.words === host.words);
    const isFirst = before?.health === "unknown" && host.health === "well";
    if (before === undefined || isSame || isFirst) return [];
    const { name, health, words } = host;
    return [make({ host: name, health, words: health === "well" ? "is well again" : words })];
  });
  const isIn = (list: Picture["alerts"], { name, host }: Picture["alerts"][number]) =>
    list.some((one) => one.name === name && one.host === host);
  const fired = next.alerts
    .filter((alert) => !isIn(former.alerts, alert))
    .map(({ name, host, cause }) =>
      make({ host, health: "notice", words: `alert ${name}: ${cause}` }),
    );
  return [...hosts, ...fired];
}
