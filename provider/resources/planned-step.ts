/** Why a step is done: the resource is made, the program changed, the host was changed by hand. */
export type Why = "new" | "change" | "drift" | "drift and change";

/**
 * One step of the plan of a resource. In a preview the output `plan` lists what `up` will do; in the state it lists what
 * the last change did. A step holds no secret.
 */
export interface PlannedStep {
  /** The name of the host. Left out where there is none, or several. */
  readonly host?: string;
  /** The systemd unit that the resource runs: `haproxy.service`. */
  readonly unit?: string;
  /** A verb from the fixed list of the resource's type: `write`, `restart`, `fill`, `refuse`. */
  readonly action: string;
  readonly why: Why;
  /** For people, without the host: `reload haproxy (no connection dropped)`. */
  readonly sentence: string;
  /** What to read before anything else: data at risk, the restart of a database. */
  readonly warning?: string;
}
