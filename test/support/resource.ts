/** One resource as the engine handles it: what `preview`, `up`, `refresh` and `destroy` call, and the state between. */

import type { Diffed, Found, Named, State, TestPlugin } from "./plugin";
import type { WireMap } from "./wire";

export interface Outcome {
  readonly diff: Diffed | undefined;
  /** What stays under the resource: sentences and warnings. */
  readonly told: readonly string[];
}

export class TestResource {
  state: Found | undefined;

  constructor(
    readonly plugin: TestPlugin,
    readonly named: Named,
  ) {}

  async preview(inputs: WireMap): Promise<Outcome> {
    return this.#phase(inputs, "preview");
  }

  async up(inputs: WireMap): Promise<Outcome> {
    return this.#phase(inputs, "up");
  }

  async refresh(): Promise<void> {
    if (this.state === undefined) return;
    const found = await this.plugin.read(this.named, this.state);
    this.state = found.id === "" ? undefined : found;
  }

  async destroy(): Promise<void> {
    if (this.state !== undefined) await this.plugin.delete(this.named, this.state);
    this.state = undefined;
  }

  /** A phase starts with a read where the state asks for it; a preview leaves the state as it is. */
  async #phase(inputs: WireMap, phase: "preview" | "up"): Promise<Outcome> {
    const { plugin, named } = this;
    const before = this.state;
    plugin.engine.clear();
    if (before?.isReadBeforeUpdate) await this.refresh();
    const { inputs: news, failures } = await plugin.check(named, inputs);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    const olds = this.state;
    const diff = olds && (await plugin.diff(named, olds.properties, news));
    let state: State | undefined = olds;
    if (olds === undefined) state = await plugin.create(named, news, phase);
    else if (diff?.hasChanges) state = await plugin.update(named, olds, news, phase);
    if (phase === "preview") this.state = before;
    else if (state !== undefined) this.state = { ...state, inputs: news };
    return { diff, told: plugin.engine.told() };
  }
}
