/** One resource's life through the engine's calls: what all kinds have in common. */

import { NotReached } from "../errors";
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
import { announceCreation, announceUpdate } from "./announcement";
import { appliedOutput, digests } from "./applied";
import { contextOf, type Resource } from "./context";
import { readForCreation, readForUpdate, readNew } from "./live";
import { renderPath } from "./path";
import { maskFailures } from "./secrets";
import { foreseen, type State, stateOf, unknowns, unreachableOutput } from "./state";
import { mergeReceived, type Received } from "./values";

export class Life {
  readonly #resource: Resource;
  readonly #kind: AnyKind;

  constructor(resource: Resource) {
    this.#resource = resource;
    this.#kind = resource.kind;
  }

  check(news: Received): { inputs: Received; failures: readonly Failure[] } {
    const { args, failures } = this.#kind.check(news.properties);
    return {
      inputs: { properties: args, secrets: news.secrets },
      failures: maskFailures(failures, news),
    };
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
    const live = await readForCreation(this.#resource, news);
    const steps = this.#kind.plan(live, news.properties);
    announceCreation(this.#resource, steps, news);
    return stateOf(
      this.#kind,
      {
        ...news.properties,
        ...unknowns(this.#kind.computedOutputs),
        ...foreseen(this.#kind, live, news.properties),
      },
      news.secrets,
    );
  }

  async create(news: Received): Promise<State> {
    const context = contextOf(this.#resource, news);
    const live = await readNew(this.#kind, news, context);
    const steps = this.#kind.plan(live, news.properties);
    announceCreation(this.#resource, steps, news);
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
      const live = await this.#kind.read(expected, contextOf(this.#resource, known));
      if (live === undefined) return undefined;
      const state = stateOf(this.#kind, { ...expected, ...live }, secrets);
      return { ...state, inputs: pick(state.properties, inputs.properties) };
    } catch (error) {
      // Also with the wrong key: the state's may be the wrong one, and `up` with the right one must be possible.
      if (!(error instanceof NotReached)) throw error;
      this.#tell("warning", `drift was not checked: ${error.message}`);
      const state = stateOf(
        this.#kind,
        { ...expected, [unreachableOutput]: error.message },
        secrets,
      );
      return { ...state, id, inputs: inputs.properties };
    }
  }

  /** Takes over what is on a machine already; nothing is written. */
  async importAs(
    id: string,
    hosts: ReadonlyMap<string, Host>,
  ): Promise<(State & { inputs: Properties }) | undefined> {
    if (this.#kind.imported === undefined) throw new Error(`${this.#kind.type} cannot be imported`);
    const context = contextOf(this.#resource, { properties: {}, secrets: [] });
    const { args, failures } = this.#kind.check(await this.#kind.imported(id, hosts, context));
    const failure = failures[0];
    if (failure !== undefined) throw new Error(`${id}: ${failure.property}: ${failure.reason}`);
    const secrets = [["host", "privateKey"]];
    return this.read(id, { properties: args, secrets }, { properties: args, secrets });
  }

  async previewUpdate(olds: Received, news: Received): Promise<State> {
    const live = await readForUpdate(this.#resource, olds, news);
    announceUpdate(this.#resource, this.#kind.plan(live, news.properties), { olds, news });
    const { [unreachableOutput]: _, ...known } = olds.properties;
    return stateOf(
      this.#kind,
      { ...known, ...news.properties, ...foreseen(this.#kind, live ?? known, news.properties) },
      [...olds.secrets, ...news.secrets],
    );
  }

  async update(olds: Received, news: Received): Promise<State> {
    const both = mergeReceived(olds, news);
    const context = contextOf(this.#resource, both);
    // What lives on no host has nothing but its state to be compared with.
    const isOnHosts = this.#kind.hosts(news.properties).length > 0;
    const live = await this.#kind.read(
      isOnHosts ? both.properties : olds.properties,
      context,
      news.properties,
    );
    const steps = this.#kind.plan(live, news.properties);
    announceUpdate(this.#resource, steps, { olds, news });
    return this.#apply(
      steps,
      live,
      { properties: news.properties, secrets: both.secrets },
      context,
    );
  }

  async remove(olds: Received): Promise<void> {
    await this.#kind.remove(olds.properties, contextOf(this.#resource, olds));
    for (const left of this.#kind.leaves?.(olds.properties) ?? []) {
      this.#tell("info", `left behind: ${left}`);
    }
  }

  #tell(severity: "info" | "warning", message: string): void {
    this.#resource.engine?.tell(this.#resource.urn, severity, message);
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
      return stateOf(this.#kind, properties, news.secrets);
    } finally {
      context.progress("");
    }
  }

  /** What was done must have made it true: anything else is said, not hidden. */
  #insist(differences: readonly Difference[], wanted: Properties): void {
    if (differences.length === 0) return;
    const paths = differences.map(({ path }) => renderPath(path)).join(", ");
    throw new Error(`${this.#kind.id(wanted)}: not as wanted after it was applied: ${paths}`);
  }
}

/** The live values of the properties that the user had set. */
function pick(live: Properties, inputs: Properties): Properties {
  const picked: Record<string, Property | undefined> = {};
  for (const name of Object.keys(inputs)) picked[name] = live[name];
  return picked;
}
