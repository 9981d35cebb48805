/** One resource's life through the engine's calls: what all kinds have in common. */

import { HostUnreachable, NotReached } from "../errors";
import type {
  AnyKind,
  Context,
  Difference,
  Failure,
  Host,
  Properties,
  Property,
  Step,
} from "../kind";
import { mask, maskWhole } from "../ssh/mask";
import type { Pool } from "../ssh/pool";
import { appliedOutput, digests, label } from "./applied";
import type { Engine } from "./engine";
import { renderPath } from "./path";
import {
  hasUnknown,
  isProperties,
  merge,
  type Path,
  pathsOf,
  type Received,
  secretTexts,
  unknown,
} from "./values";

/** Output that says why a host could not be asked; what it holds makes the resource differ until it answers. */
const unreachableOutput = "unreachable";

/** How long a new machine may take until its sshd answers. */
const startSeconds = 60;

interface State extends Received {
  readonly id: string;
  readonly isReadBeforeUpdate: boolean;
}

export class Life {
  readonly #kind: AnyKind;
  readonly #urn: string;
  readonly #engine: Engine | undefined;
  readonly #pool: Pool;
  readonly #signal: AbortSignal;

  constructor(
    kind: AnyKind,
    urn: string,
    engine: Engine | undefined,
    pool: Pool,
    signal: AbortSignal,
  ) {
    this.#kind = kind;
    this.#urn = urn;
    this.#engine = engine;
    this.#pool = pool;
    this.#signal = signal;
  }

  check(news: Received): { inputs: Received; failures: readonly Failure[] } {
    const { args, failures } = this.#kind.check(news.properties);
    const secrets = secretTexts(news).flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
    const told = failures.map(({ property, reason }) => ({
      property,
      reason: mask(quotesSecret(property, news.secrets) ? unquoted(reason) : reason, secrets),
    }));
    return { inputs: { properties: args, secrets: news.secrets }, failures: told };
  }

  get isRemovedBeforeReplaced(): boolean {
    return this.#kind.replacement !== "before removal";
  }

  diff(olds: Received, news: Received): readonly Difference[] {
    const differences = this.#kind.diff(olds.properties, news.properties);
    if (olds.properties[unreachableOutput] === undefined) return differences;
    return [...differences, { path: [unreachableOutput], kind: "delete" }];
  }

  async previewCreate(news: Received): Promise<State> {
    const live = await this.#readForPreview(news);
    const steps = this.#kind.plan(live, news.properties);
    this.#announce(steps, news, "new");
    return this.#state(
      {
        ...news.properties,
        ...unknowns(this.#kind.computedOutputs),
        ...this.#foreseen(undefined, news.properties),
      },
      news.secrets,
    );
  }

  async create(news: Received): Promise<State> {
    const context = this.#context(news);
    const live = await this.#readNew(news, context);
    const steps = this.#kind.plan(live, news.properties);
    this.#announce(steps, news, "new");
    return this.#apply(steps, live, news, context);
  }

  async read(
    id: string,
    olds: Received,
    inputs: Received,
  ): Promise<(State & { inputs: Properties }) | undefined> {
    const known = Object.keys(olds.properties).length > 0 ? olds : inputs;
    const secrets = [...olds.secrets, ...inputs.secrets];
    const { [unreachableOutput]: _, ...before } = known.properties;
    // The program may have said since how to reach the host now; what was read last does not know.
    const { host = before.host } = inputs.properties;
    const expected = host === undefined ? before : { ...before, host };
    try {
      const live = await this.#kind.read(expected, this.#context(known));
      if (live === undefined) return undefined;
      const state = this.#state({ ...expected, ...live }, secrets);
      return { ...state, inputs: pick(state.properties, inputs.properties) };
    } catch (error) {
      // Also with the wrong key: the state's may be the wrong one, and `up` with the right one must be possible.
      if (!(error instanceof NotReached)) throw error;
      this.#engine?.tell(this.#urn, "warning", `drift was not checked: ${error.message}`);
      const state = this.#state({ ...expected, [unreachableOutput]: error.message }, secrets);
      return { ...state, id, inputs: inputs.properties };
    }
  }

  /** Takes over what is on a machine already; nothing is written. */
  async importAs(
    id: string,
    hosts: ReadonlyMap<string, Host>,
  ): Promise<(State & { inputs: Properties }) | undefined> {
    if (this.#kind.imported === undefined) throw new Error(`${this.#kind.type} cannot be imported`);
    const context = this.#context({ properties: {}, secrets: [] });
    const { args, failures } = this.#kind.check(await this.#kind.imported(id, hosts, context));
    const failure = failures[0];
    if (failure !== undefined) throw new Error(`${id}: ${failure.property}: ${failure.reason}`);
    const secrets = [["host", "privateKey"]];
    return this.read(id, { properties: args, secrets }, { properties: args, secrets });
  }

  async previewUpdate(olds: Received, news: Received): Promise<State> {
    const live = await this.#foundByUpdate(olds, news);
    this.#announceUpdate(this.#kind.plan(live, news.properties), olds, news);
    const { [unreachableOutput]: _, ...known } = olds.properties;
    return this.#state(
      { ...known, ...news.properties, ...this.#foreseen(known, news.properties) },
      [...olds.secrets, ...news.secrets],
    );
  }

  async update(olds: Received, news: Received): Promise<State> {
    const both = {
      properties: merge(olds.properties, news.properties),
      secrets: [...olds.secrets, ...news.secrets],
    };
    const context = this.#context(both);
    // What lives on no host has nothing but its state to be compared with.
    const isOnHosts = this.#kind.hosts(news.properties).length > 0;
    const live = await this.#kind.read(isOnHosts ? both.properties : olds.properties, context);
    const steps = this.#kind.plan(live, news.properties);
    this.#announceUpdate(steps, olds, news);
    return this.#apply(
      steps,
      live,
      { properties: news.properties, secrets: both.secrets },
      context,
    );
  }

  async remove(olds: Received): Promise<void> {
    await this.#kind.remove(olds.properties, this.#context(olds));
    for (const left of this.#kind.leaves?.(olds.properties) ?? []) {
      this.#engine?.tell(this.#urn, "info", `left behind: ${left}`);
    }
  }

  async #apply(
    steps: readonly Step[],
    live: Properties | undefined,
    news: Received,
    context: Context,
  ): Promise<State> {
    try {
      const result = await this.#kind.apply(steps, live, news.properties, context);
      this.#insist(this.#kind.diff(result, news.properties), news.properties);
      const properties = {
        ...news.properties,
        ...result,
        [appliedOutput]: digests(news.properties),
      };
      return this.#state(properties, news.secrets);
    } finally {
      context.progress("");
    }
  }

  /** A machine that was made a moment ago may still be starting. One that was there before has no such excuse. */
  async #readNew(news: Received, context: Context): Promise<Properties | undefined> {
    const isJustMade = this.#kind.hosts(news.properties).some(({ instance }) => instance);
    const deadline = Date.now() + (isJustMade ? startSeconds * 1000 : 0);
    for (;;) {
      try {
        return await this.#kind.read(news.properties, context);
      } catch (error) {
        if (!(error instanceof HostUnreachable) || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** What was done must have made it true: anything else is said, not hidden. */
  #insist(differences: readonly Difference[], wanted: Properties): void {
    if (differences.length === 0) return;
    const paths = differences.map(({ path }) => renderPath(path)).join(", ");
    throw new Error(`${this.#kind.id(wanted)}: not as wanted after it was applied: ${paths}`);
  }

  /** What is there already, where that can be known: a host that is yet to be made has nothing. */
  async #readForPreview(news: Received): Promise<Properties | undefined> {
    const hosts = this.#kind.hosts(news.properties);
    if (hosts.length === 0 || hasUnknown(hosts)) return undefined;
    try {
      return await this.#kind.read(news.properties, this.#context(news));
    } catch (error) {
      if (!(error instanceof HostUnreachable)) throw error;
      this.#engine?.tell(this.#urn, "warning", `planned as for an empty machine: ${error.message}`);
      return undefined;
    }
  }

  /** What an update will find: the state's part was read a moment ago, but the program may speak of more. */
  async #foundByUpdate(olds: Received, news: Received): Promise<Properties | undefined> {
    const hosts = this.#kind.hosts(news.properties);
    const isSame = this.#kind.diff(olds.properties, news.properties).length === 0;
    const isUnreachable = olds.properties[unreachableOutput] !== undefined;
    if (isSame || isUnreachable || hosts.length === 0 || hasUnknown(hosts)) return olds.properties;
    const both = {
      properties: merge(olds.properties, news.properties),
      secrets: [...olds.secrets, ...news.secrets],
    };
    return this.#kind.read(both.properties, this.#context(both));
  }

  #announceUpdate(steps: readonly Step[], olds: Received, news: Received): void {
    const applied = olds.properties[appliedOutput];
    const differences = this.#kind.diff(olds.properties, news.properties);
    const why = label(differences, {
      applied: isProperties(applied) ? applied : undefined,
      live: olds.properties,
      wanted: news.properties,
    });
    this.#announce(steps, news, why);
  }

  #announce(steps: readonly Step[], news: Received, why: string): void {
    if (steps.length === 0) return;
    const hosts = this.#kind.hosts(news.properties);
    const prefix = hosts.length === 1 ? `${hosts[0]?.name ?? unknown}: ` : "";
    const secrets = this.#secretTexts(news);
    const tell = (severity: "info" | "warning", message: string) => {
      const line = maskWhole(`${prefix}${message}`, secrets);
      this.#engine?.tell(this.#urn, severity, line.replaceAll(unknown, "(not known yet)"));
    };
    if (hosts.length > 0) {
      tell("info", `${steps.map(({ sentence }) => sentence).join(", ")} [${why}]`);
    }
    for (const { warning } of steps) if (warning !== undefined) tell("warning", warning);
  }

  #state(properties: Properties, secrets: readonly Path[]): State {
    const hasSecret = secrets.some(([name]) => name !== appliedOutput);
    const derived = hasSecret ? (this.#kind.derivedOutputs ?? []) : [];
    const outputs = [...(this.#kind.secretOutputs ?? []), ...derived].map((name) =>
      name.split("."),
    );
    const told = new Set(this.#secretTexts({ properties, secrets }));
    return {
      id: typeof properties.id === "string" ? properties.id : this.#kind.id(properties),
      properties,
      secrets: [...secrets, ...outputs, ...pathsOf(told, properties), [appliedOutput]],
      isReadBeforeUpdate: this.#kind.hosts(properties).length > 0,
    };
  }

  #foreseen(live: Properties | undefined, wanted: Properties): Properties {
    return { ...unknowns(this.#kind.derivedOutputs), ...this.#kind.foresee?.(live, wanted) };
  }

  /** What must not be shown. A host may come as one secret; what it is called is none. */
  #secretTexts(known: Received): string[] {
    const secrets = known.secrets.filter(([name]) => name !== appliedOutput);
    if (secrets.length === 0) return [];
    const hosts = this.#kind.hosts(known.properties);
    const open = new Set(hosts.flatMap(({ name, address, user }) => [name, address, user]));
    return secretTexts({ ...known, secrets }).filter((text) => !open.has(text) && text !== "");
  }

  #context(known: Received): Context {
    const secrets = this.#secretTexts(known);
    return {
      ask: (host, script, doing) => this.#pool.ask(host, { script, doing, secrets }),
      run: (host, command) =>
        this.#pool.run(host, { ...command, secrets: [...secrets, ...(command.secrets ?? [])] }),
      progress: (message) => this.#engine?.progress(this.#urn, message),
      tell: (severity, message) => this.#engine?.tell(this.#urn, severity, message),
      signal: this.#signal,
      secrets,
    };
  }
}

function unknowns(names: readonly string[] = []): Properties {
  return Object.fromEntries(names.map((name) => [name, unknown]));
}

/** The live values of the properties that the user had set. */
function pick(live: Properties, inputs: Properties): Properties {
  const picked: Record<string, Property | undefined> = {};
  for (const name of Object.keys(inputs)) picked[name] = live[name];
  return picked;
}

/** Whether a fault at a property may quote a secret: at it, in it, or around it. */
function quotesSecret(property: string, secrets: readonly Path[]): boolean {
  return secrets
    .map(renderPath)
    .some((secret) => property.startsWith(secret) || secret.startsWith(property));
}

function unquoted(reason: string): string {
  return reason.replace(/, got (?!nothing$).*/s, ", got a secret");
}
