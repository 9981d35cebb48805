/**
 * A release that all hosts take while the site is closed: for versions that cannot serve beside one another. Each host has its own
 * transaction; what is done on the others before and after it is here.
 */

import type { Context, Host, RemoteCommand } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { userAndMachine } from "./audit";
import { transactionSeconds } from "./deadline";
import type { ServiceStep } from "./plan";
import { finishedProbe } from "./steps";
import { renderRunOfWayBack } from "./way-back";

/** Only where a version takes the place of another one. */
export function planClosing(
  observed: Service,
  { together, drain, version }: Service,
  isSwitched: boolean,
): ServiceStep[] {
  if (together === undefined || drain === undefined || !isSwitched) return [];
  if (observed.version === undefined || observed.state !== "running") return [];
  return [
    {
      do: "close",
      sentence: `close the site until all hosts have version ${version} (503 with Retry-After; what is under way ends before)`,
    },
  ];
}

/** The host's own part: nothing comes to it anyway, and it is not opened by itself. */
export function undrained({ drain: _, ...rest }: Service): Service {
  return rest;
}

/** Carries out a host's part. The site is opened again when all have the version, or are back at the one before. */
export async function carryOutTogether(
  desired: Service,
  context: Context,
  carryOut: () => Promise<Service>,
): Promise<Service> {
  const site = new Site(desired, context);
  try {
    await site.close();
    const result = await carryOut();
    if (await site.hasVersionEverywhere()) await site.open();
    return result;
  } catch (error) {
    const faults = await site.goBack();
    await site.open();
    if (faults.length === 0 || !(error instanceof Error)) throw error;
    throw new Error([error.message, ...faults].join("\n"));
  }
}

class Site {
  constructor(
    private readonly desired: Service,
    private readonly context: Context,
  ) {}

  /** Once nothing new comes to any host, and what is under way has ended. */
  async close(): Promise<void> {
    const { drain, name } = this.desired;
    if (drain === undefined) return;
    const { file, seconds, finishSeconds = 30 } = drain;
    const finished = finishedProbe(drain);
    const said = await this.#everywhere({
      script:
        sh`[ -e ${file} ] || { mkdir -p -- "$(dirname ${file})" && : >${file} && echo closed; }`
          .text,
      doing: `closing ${name}`,
    });
    if (!said.some((answer) => answer.includes("closed"))) return;
    this.context.progress(
      `${this.desired.host.name}: the site is closed: ${name} goes to another version`,
    );
    const wait = lines(
      sh`sleep ${seconds}`,
      finished !== undefined &&
        sh`
end=$(($(date +%s) + ${finishSeconds}))
until ${finished} >/dev/null 2>&1 </dev/null || [ "$(date +%s)" -ge "$end" ]; do sleep 0.5; done`,
    );
    await this.#everywhere({
      script: wait.text,
      doing: `waiting until nothing is under way at ${name}`,
      deadlineSeconds: seconds + finishSeconds + 60,
      deadlineSetting: "drain.seconds or drain.finishSeconds (drainSeconds, stopSeconds)",
    });
  }

  async open(): Promise<void> {
    const { drain, name } = this.desired;
    if (drain === undefined) return;
    const command = { script: sh`rm -f -- ${drain.file}`.text, doing: `opening ${name}` };
    // One that does not answer is opened by the next `up`: its drain was left behind.
    await Promise.allSettled(this.#hosts.map((host) => this.context.run(host, command)));
  }

  async hasVersionEverywhere(): Promise<boolean> {
    const { version, name } = this.desired;
    const versions = await this.#everywhere({
      script: this.#current.text,
      doing: `reading ${name}`,
    });
    return versions.every((found) => found.trim() === version);
  }

  /** What has the version by now returns to the one that it had. Answers what could not. */
  async goBack(): Promise<readonly string[]> {
    const { name, root, version, host } = this.desired;
    const others = this.#hosts.filter((other) => other.name !== host.name);
    const who = userAndMachine();
    const faults: string[] = [];
    for (const other of others) {
      const script = sh`
[ "$(${this.#current})" = ${version ?? ""} ] || exit 0
echo goes back
former=$(basename -- "$(readlink -- ${`${root}/previous`})")
${renderRunOfWayBack(name, who)}`;
      const onProgress = (message: string) => this.context.progress(`${other.name}: ${message}`);
      const deadlineSeconds = transactionSeconds(this.desired);
      const command = {
        script: script.text,
        doing: `taking ${name} back`,
        deadlineSeconds,
        onProgress,
      };
      try {
        const said = await this.context.run(other, command);
        if (said.startsWith("goes back")) {
          this.context.tell(
            "info",
            `${other.name}: back at the version before, since ${host.name} failed`,
          );
        }
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
      }
    }
    return faults;
  }

  get #current(): Shell {
    return sh`basename -- "$(readlink -- ${`${this.desired.root}/current`})"`;
  }

  get #hosts(): readonly Host[] {
    return this.desired.together?.hosts ?? [];
  }

  async #everywhere(command: RemoteCommand): Promise<readonly string[]> {
    return Promise.all(this.#hosts.map((host) => this.context.run(host, command)));
  }
}
