/**
 * A change that could lock everybody out, as one of a firewall or of sshd: it stays only if a new connection gets in. The host
 * waits for that at the end of the transaction and otherwise takes all back by itself, whatever became of us or of the network.
 */

import { HostUnreachable } from "../../errors";
import type { Context } from "../../kind";
import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import type { ServiceStep } from "./plan";

const folder = "/run/trilithon/confirm";
const asking = "confirm ";
const pauseMilliseconds = 500;

/** What a unit of the service does is on probation. */
export function isOnProbation({ confirmSeconds }: Service, steps: readonly ServiceStep[]): boolean {
  return confirmSeconds !== undefined && steps.some(({ do: what }) => what === "unit");
}

export function noteOfProbation({ confirmSeconds }: Service): string | undefined {
  if (confirmSeconds === undefined) return undefined;
  return `taken back unless a new connection gets in within ${confirmSeconds} seconds`;
}

/** Uses `fail` and `progress` of the transaction. */
export function renderProbation(service: Service, steps: readonly ServiceStep[]): Shell | false {
  const { confirmSeconds = 0 } = service;
  return (
    isOnProbation(service, steps) &&
    sh`
mkdir -p ${folder}
confirmed=${folder}/$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
progress ${asking}"$confirmed"
left=${5 * confirmSeconds}
until [ -e "$confirmed" ]; do
  [ "$left" -gt 0 ] || fail ${`no new connection got in within ${confirmSeconds} seconds; all is put back as it was`}
  left=$((left - 1))
  sleep 0.2
done
rm -f -- "$confirmed"`
  );
}

/** Tries new connections, once the host asks for that, until one gets in or all is over. */
export class Probation {
  readonly #service: Service;
  readonly #context: Context;
  #isOver = false;
  #refused: string | undefined;

  constructor(service: Service, context: Context) {
    this.#service = service;
    this.#context = context;
  }

  /** Whether a line of progress was the host's question. */
  hears(message: string): boolean {
    if (this.#service.confirmSeconds === undefined || !message.startsWith(asking)) return false;
    void this.#confirm(message.slice(asking.length));
    return true;
  }

  /** Says why none got in, where none did, and what the host does where its own connection was lost. */
  end(failure?: unknown): void {
    this.#isOver = true;
    const { host, name, confirmSeconds } = this.#service;
    if (failure === undefined || confirmSeconds === undefined) return;
    if (this.#refused !== undefined) {
      this.#context.tell("warning", `while ${name} was as wanted: ${this.#refused}`);
    }
    if (failure instanceof HostUnreachable) {
      this.#context.tell(
        "warning",
        `${host.name}: ${name} is on probation, and the host goes on by itself: unless a new connection got in, it puts all back within ${confirmSeconds} seconds`,
      );
    }
  }

  async #confirm(file: string): Promise<void> {
    const { host, name } = this.#service;
    const command = {
      script: sh`: >${file}`.text,
      doing: `confirming ${name}`,
      deadlineSeconds: 5,
    };
    this.#context.progress(`${host.name}: asking whether it still lets a new connection in`);
    while (!this.#isOver) {
      try {
        await this.#context.runAnew(host, command);
        this.#refused = undefined;
        return;
      } catch (error) {
        this.#refused = error instanceof Error ? error.message : String(error);
        await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
      }
    }
  }
}
