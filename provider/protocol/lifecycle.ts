/** What all kinds have in common of the engine's calls about one resource, from its check to its removal. */

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
import type { PlannedStep } from "../resources/planned-step";
import { contextOf, type Knowledge, type Resource } from "./context";
import { differencesOf } from "./difference";
import { digests } from "./drift";
import {
  observeForCreation,
  observeForUpdate,
  observeNew,
  observeStarting,
  withRecorded,
} from "./observe";
import { mintClaim, ownerOf } from "./owner";
import { renderPath } from "./path";
import { announceCreation, announceUpdate } from "./plan";
import { withPresentHosts } from "./present-hosts";
import { isAbsent, isOfWholeHost, namesOf } from "./run";
import { maskFailures, secretsIn } from "./secrets";
import {
  currentVersion,
  foreseen,
  type Kept,
  type OpenState,
  openRecorded,
  openState,
  previewed,
  type State,
  stateOf,
  unknowns,
  unreachableOutput,
  withId,
} from "./state";
import { mergeReceived, type Received, unknown } from "./values";

/** A state with the inputs that the engine keeps beside it. */
export interface Recorded extends State {
  readonly inputs: Properties;
}

export class Lifecycle {
  readonly #resource: Resource;
  readonly #kind: AnyKind;

  constructor(resource: Resource) {
    this.#resource = resource;
    this.#kind = resource.kind;
  }

  check(olds: Received, news: Received): { inputs: Received; failures: readonly Failure[] } {
    const { run, urn } = this.#resource;
    const { args, failures: own } = this.#kind.check(news.properties, olds.properties);
    if (own.length === 0) run.noteWanted(urn, this.#kind.hosts(args));
    const failures = own.length === 0 ? this.#taken(args) : own;
    return {
      inputs: {
        properties: args,
        secrets: own.length === 0 ? secretsIn(this.#kind, args, news) : news.secrets,
      },
      failures: maskFailures(failures, news),
    };
  }

  /** Two resources that wrote one file would undo each other's work with each change. */
  #taken(args: Properties): readonly Failure[] {
    const { run, urn } = this.#resource;
    const things = this.#kind.takes?.(args) ?? [];
    return namesOf(this.#kind.hosts(args)).flatMap((host) =>
      run.take(urn, host, things).map(({ thing, taker }) => ({
        property: thing.replace(/ .*/s, ""),
        reason: `expected one that no other resource has on ${host}, got ${thing.replace(/^\S+ /, "")}: ${taker} has it`,
      })),
    );
  }

  /** Tells how it is replaced, if it is, and answers whether it is removed first. */
  isRemovedBeforeReplaced(
    recorded: Received,
    news: Received,
    differences: readonly Difference[],
  ): boolean {
    if (!differences.some(({ replace }) => replace)) return true;
    const { properties } = openState(this.#kind, recorded);
    const { first = "removal", told = [] } =
      this.#kind.replacement?.(properties, news.properties) ?? {};
    for (const sentence of told) this.#log("info", sentence);
    return first === "removal";
  }

  diff(recorded: Received, news: Received): readonly Difference[] {
    if (this.#away(news.properties) !== undefined) return [];
    const olds = openState(this.#kind, recorded);
    const differences = differencesOf(this.#kind, olds.properties, news.properties);
    if (olds.kept.unreachable === undefined) return differences;
    return [...differences, { path: [unreachableOutput], kind: "delete" }];
  }

  async previewCreate(news: Received): Promise<State> {
    if (this.#away(news.properties) !== undefined) return this.#deferred(news);
    const context = this.#context({ known: news });
    const live = await observeForCreation(this.#resource, news, context);
    const steps = this.#kind.plan(live, news.properties, context.owner);
    const properties = {
      ...news.properties,
      ...unknowns(this.#kind.computedOutputs),
      ...foreseen(this.#kind, live, news.properties),
    };
    const plan = announceCreation(this.#resource, steps, news);
    return previewed(
      stateOf(this.#kind, properties, news.secrets, {
        claim: unknown,
        version: currentVersion(this.#kind),
      }),
      plan,
    );
  }

  async create(news: Received): Promise<State> {
    if (this.#away(news.properties) !== undefined) return this.#deferred(news);
    const context = this.#context({ known: news });
    const live = await observeNew(this.#kind, news, context);
    const steps = this.#kind.plan(live, news.properties, context.owner);
    const plan = announceCreation(this.#resource, steps, news);
    return this.#apply({ steps, live, news, plan, context });
  }

  /** Undefined where nothing of it is there any more. */
  async read(id: string, olds: Received, recorded: Received): Promise<Recorded | undefined> {
    const { state, inputs } = openRecorded(this.#kind, withId(this.#kind, id, olds), recorded);
    const isKnown = Object.keys(olds.properties).length > 0;
    return this.#observe(id, isKnown ? state : { ...inputs, kept: state.kept }, inputs);
  }

  /** Takes over what is on a machine already; nothing is written. */
  async importAs(id: string, hosts: ReadonlyMap<string, Host>): Promise<Recorded | undefined> {
    if (this.#kind.imported === undefined) throw new Error(`${this.#kind.type} cannot be imported`);
    const claim = mintClaim();
    const context = this.#context({ known: { properties: {}, secrets: [] }, claim });
    const { args, failures } = this.#kind.check(await this.#kind.imported(id, hosts, context));
    const failure = failures[0];
    if (failure !== undefined) throw new Error(`${id}: ${failure.property}: ${failure.reason}`);
    const inputs = { properties: args, secrets: [["host", "privateKey"]] };
    return this.#observe(
      id,
      { ...inputs, kept: { claim, version: currentVersion(this.#kind) } },
      inputs,
    );
  }

  async previewUpdate(id: string, recorded: Received, news: Received): Promise<State> {
    const olds = openState(this.#kind, withId(this.#kind, id, recorded));
    const { owner } = this.#context({ known: news, claim: olds.kept.claim });
    const live = await observeForUpdate(this.#resource, olds, news, owner);
    const steps = this.#kind.plan(live, news.properties, owner);
    const plan = announceUpdate(this.#resource, steps, { olds, news });
    const properties = {
      ...olds.properties,
      ...news.properties,
      ...foreseen(this.#kind, live ?? olds.properties, news.properties),
    };
    const secrets = [...olds.secrets, ...news.secrets];
    return previewed(stateOf(this.#kind, properties, secrets, reached(olds.kept)), plan);
  }

  async update(id: string, recorded: Received, news: Received): Promise<State> {
    const olds = openState(this.#kind, withId(this.#kind, id, recorded));
    const both = mergeReceived(olds, news);
    const formerHosts = this.#kind.hosts(olds.properties);
    const context = this.#context({ known: both, claim: olds.kept.claim, formerHosts });
    // What lives on no host has nothing but its state to be compared with.
    const isOnHosts = this.#kind.hosts(news.properties).length > 0;
    const expected = isOnHosts ? both.properties : olds.properties;
    const wanted = news.properties;
    const found =
      olds.kept.unreachable === undefined
        ? await this.#kind.read(expected, context, wanted)
        : await observeStarting(this.#kind, { expected, wanted }, context);
    const live = withRecorded(this.#kind, found, olds);
    const steps = this.#kind.plan(live, news.properties, context.owner);
    const plan = announceUpdate(this.#resource, steps, { olds, news });
    const known = { properties: news.properties, secrets: both.secrets };
    return this.#apply({ steps, live, news: known, plan, context });
  }

  async remove(id: string, recorded: Received): Promise<void> {
    const olds = openState(this.#kind, withId(this.#kind, id, recorded));
    const away = this.#away(olds.properties);
    if (away !== undefined) {
      this.#log(
        "info",
        `left as it is on ${away}, which is away: ${this.#kind.id(olds.properties)}`,
      );
      return;
    }
    const leaves = this.#kind.leaves?.(olds.properties) ?? [];
    const gone = this.#resource.run.goneBefore(this.#kind.hosts(olds.properties));
    try {
      if (gone !== undefined) throw gone;
      const context = this.#context({ known: olds, claim: olds.kept.claim });
      await this.#kind.remove(olds.properties, context);
      for (const left of leaves) this.#log("info", `left behind: ${left}`);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.#forget(error, this.#kind.id(olds.properties));
    }
  }

  /** The hosts of the resource, if all of them are away: nothing is asked of them, and nothing on them changes. */
  #away(properties: Properties): string | undefined {
    return this.#resource.run.areAway(this.#kind.hosts(properties));
  }

  /** What is new on a host that is away stands in the state as if it had been made, and is found missing once the host is back. */
  #deferred(news: Received): State {
    const away = this.#away(news.properties);
    this.#log("info", `${away}: made once it is no longer away`);
    const kept = { claim: mintClaim(), version: currentVersion(this.#kind) };
    return stateOf(this.#kind, news.properties, news.secrets, kept);
  }

  /** A host that is gone for good keeps nothing from being removed; one that is only down does. */
  #forget(error: NotReached, id: string): void {
    const { run, urn } = this.#resource;
    if (!run.isGone(error.host, urn)) {
      throw new Error(
        `${error.message}; if it is gone for good, take it out of the program first (its line out of trilithon:hosts)`,
      );
    }
    run.noteGone(error);
    if (run.isFirstReport(error)) this.#log("warning", `not taken away: ${error.message}`);
    this.#log("info", `left behind on ${error.host}, which does not answer: ${id}`);
  }

  /** What keeps a whole host from being read is one warning for all that is on it. */
  #reportNotRead(error: NotReached): void {
    const { run } = this.#resource;
    if (!isOfWholeHost(error)) {
      this.#log("warning", `drift was not checked: ${error.message}`);
    } else if (run.isFirstReport(error)) {
      const names = run.resourcesOn(error.host).join(", ");
      this.#log(
        "warning",
        `drift was not checked: ${error.message}; this concerns ${names}: \`up\` fails on those that the program ` +
          `still wants there, and forgets the others without taking them away`,
      );
    }
  }

  #context(knowledge: Knowledge): Context {
    return contextOf(this.#resource, knowledge);
  }

  #log(severity: "info" | "warning", message: string): void {
    this.#resource.engine?.log(this.#resource.urn, severity, message);
  }

  async #observe(id: string, known: OpenState, inputs: Received): Promise<Recorded | undefined> {
    const kept = reached(known.kept);
    const secrets = [...known.secrets, ...inputs.secrets];
    const expected = withPresentHosts(known.properties, inputs.properties);
    if (this.#away(expected) !== undefined) {
      const state = stateOf(this.#kind, expected, secrets, kept);
      return { ...state, id, inputs: inputs.properties };
    }
    const { run, urn } = this.#resource;
    run.noteRead(ownerOf(urn, "").resource, this.#kind.hosts(expected));
    try {
      const live = await this.#kind.read(expected, this.#context({ known, claim: kept.claim }));
      if (live === undefined) return undefined;
      const state = stateOf(this.#kind, { ...expected, ...live }, secrets, kept);
      return { ...state, inputs: pick(state.properties, inputs.properties) };
    } catch (error) {
      // Also with the wrong key: the state's may be the wrong one, and `up` with the right one must be possible.
      if (!(error instanceof NotReached)) throw error;
      this.#reportNotRead(error);
      const unreachable = { ...kept, unreachable: error.message };
      const state = stateOf(this.#kind, expected, secrets, unreachable);
      return { ...state, id, inputs: inputs.properties };
    }
  }

  async #apply({ steps, live, news, plan, context }: Change): Promise<State> {
    try {
      const result = await this.#kind.apply(steps, live, news.properties, context);
      this.#insist(this.#kind.diff(result, news.properties), news.properties);
      const applied = digests(news.properties);
      return stateOf(this.#kind, { ...news.properties, ...result }, news.secrets, {
        version: currentVersion(this.#kind),
        claim: context.owner.claim,
        applied,
        plan,
      });
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

interface Change {
  readonly steps: readonly Step[];
  readonly live: Properties | undefined;
  readonly news: Received;
  readonly plan: readonly PlannedStep[];
  readonly context: Context;
}

function reached({ unreachable: _, ...kept }: Kept): Kept {
  return kept;
}

/** The live values of the properties that the user had set. */
function pick(live: Properties, inputs: Properties): Properties {
  const picked: Record<string, Property | undefined> = {};
  for (const name of Object.keys(inputs)) picked[name] = live[name];
  return picked;
}
