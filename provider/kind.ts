/** What a kind of resource is: a record of functions, in which all but `read`, `apply` and `remove` are pure. */

export type Property = string | number | boolean | null | readonly Property[] | Properties;
export interface Properties {
  readonly [name: string]: Property | undefined;
}

/** One fault of the inputs: the path of the property, and what was expected and given. */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** One place where the machine and the program disagree; `path` starts with the name of a property. */
export interface Difference {
  readonly path: readonly string[];
  readonly kind: "add" | "delete" | "update";
  /** Set where only a new resource can make it true: another host, unit or path. */
  readonly replace?: boolean;
}

export interface Replacement {
  readonly first: "removal" | "creation";
  /** What people are told of it, a sentence each. */
  readonly told: readonly string[];
}

/** How a step is announced to people. */
export interface StepText {
  /** Lower case, no final period, without the host: `reload haproxy (no connection dropped)`. */
  readonly sentence: string;
  /** A warning to show above all else: data at risk, the restart of a database. */
  readonly warning?: string;
}

/**
 * One thing that `apply` does. What is named here is also data for programs: the resource's output `plan` lists it,
 * together with why it is done (provider/protocol/plan.ts). A kind's steps may hold more, which is never shown.
 */
export interface Step extends StepText {
  /** The name of the host on which it is done. Left out where there is none, or several. */
  readonly host?: string;
  /** The systemd unit that the resource runs: `haproxy.service`. */
  readonly unit?: string | undefined;
  /** A verb for machines, from a fixed list of the kind's own: `write`, `restart`, `fill`, `refuse`. */
  readonly action: string;
}

/** Steps of a kind's own, each on one host and for one unit at most, as steps that say so. */
export function onHost<OwnStep extends StepText & { readonly do: string }>(
  steps: readonly OwnStep[],
  { host, unit }: { readonly host: Host; readonly unit?: string },
): (OwnStep & Step)[] {
  return steps.map((step) => ({
    host: host.name,
    ...(unit !== undefined && { unit }),
    action: step.do,
    ...step,
  }));
}

/** Who owns what a resource has on its hosts. */
export interface Owner {
  readonly project: string;
  readonly stack: string;
  /** Its name in the program: `lb-01-service`. */
  readonly resource: string;
  readonly urn: string;
  /**
   * A random text that is made once for each resource and kept in its state: the same after the stack, the project or
   * the resource is renamed, another one after the resource is replaced. In the preview of a creation, and for a state
   * of version 0.1.0 that was not changed since, it is one that no machine has seen, and another one in each call.
   */
  readonly claim: string;
  /** Whether the resource is being created: nothing on a machine was written for it before. */
  readonly isNew: boolean;
}

/** What a kind may use of the outside. */
export interface Context {
  /**
   * Runs a script that only reads, as root under `sh`, together with whatever else is being asked of
   * that host at the moment: one round trip for all. Answers its standard output, of which nothing is trimmed.
   * A status other than 0 is an error (`RemoteError`).
   */
  ask(host: Host, script: string, doing: string): Promise<string>;
  /** Runs a script as root under `sh`; the script travels on standard input, so it may hold secrets. */
  run(host: Host, command: RemoteCommand): Promise<string>;
  /** As `run`, over a new connection that ends with it: whether the host still lets us in. Gives up after 5 seconds without an answer. */
  runAnew(host: Host, command: RemoteCommand): Promise<string>;
  /** Says what is being done on the resource's row, and forgets it: `web-01: unpacking mysql-server (3 of 5)`. */
  progress(message: string): void;
  /** Leaves a line under the resource in the command's summary. */
  tell(severity: "info" | "warning", message: string): void;
  /** Aborted when the engine cancels. */
  readonly signal: AbortSignal;
  /** Every secret text among the properties, for a kind that shows what it ran. */
  readonly secrets?: readonly string[];
  /** The resource for which all this is done. */
  readonly owner: Owner;
}

export interface RemoteCommand {
  readonly script: string;
  /** For messages: `applying haproxy.service`. */
  readonly doing: string;
  /** What the script reads on its standard input. In pieces, no more of it is read than the host takes. */
  readonly input?: Buffer | AsyncIterable<Buffer>;
  /** Default 600. Of an input in pieces, it begins anew with each that the host has taken. */
  readonly deadlineSeconds?: number;
  /** The setting by which the deadline grows, for the error of a command that needs longer: `ready.deadlineSeconds`. */
  readonly deadlineSetting?: string;
  /** Called with each line of standard output that starts with `@progress `. Such lines are left out of the answer. */
  readonly onProgress?: (message: string) => void;
  /** Texts never to be shown in an error. */
  readonly secrets?: readonly string[];
  /** Texts that anybody may see: what stands in them is shown though a secret file has it too. */
  readonly open?: readonly string[];
}

/** How to reach a machine. Never a reason for a difference, except `instance`. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** `ssh-ed25519 AAAA...`, as in known_hosts, without the host's name. */
  readonly hostKey: string;
  /** It may show one of these until it shows that one. */
  readonly formerHostKeys?: readonly string[];
  /** OpenSSH or PEM text. Secret. */
  readonly privateKey: string;
  /** Tried in this order where the host does not let us in by `privateKey` yet. Secrets. */
  readonly formerPrivateKeys?: readonly string[];
  /** Names one life of a machine that can be made anew, such as a container's id: everything on it is new when this is. */
  readonly instance?: string;
}

export interface Kind<Args extends object = object, PlannedStep extends Step = Step> {
  /** `trilithon:index:Service` */
  readonly type: string;
  /**
   * All faults at once; with none, the inputs with every default filled in. Values unknown in a preview stand as
   * `unknown` (provider/protocol/values.ts) and are no fault.
   */
  check(
    inputs: Properties,
    olds?: Properties,
  ): { readonly args: Properties; readonly failures: readonly Failure[] };
  /** Whether two inputs name the same thing, and what it is called: `web-01/nginx.service`. */
  id(args: Args): string;
  /** The hosts that it lives on. Empty for what lives in the state only. */
  hosts(args: Args): readonly Host[];
  /**
   * What is true on the machine, in the same properties as the inputs. `expected` is the last known state, or the wanted
   * inputs where nothing is known yet. `undefined` when there is nothing of it on the machine. `desired` is given where a
   * plan is to be made of the answer: what `plan` needs to know of the machine for these inputs is read as well.
   */
  read(expected: Args, context: Context, desired?: Args): Promise<Args | undefined>;
  /** What of `wanted` is not true in `live`. Must not look at `host`, save at `instance`. */
  diff(live: Args, wanted: Args): readonly Difference[];
  /** The steps that make it true. Empty exactly when `diff` is. `live` is undefined when there is nothing yet. */
  plan(live: Args | undefined, wanted: Args, owner: Owner): readonly PlannedStep[];
  /** Carries the steps out, all or none, and answers what is then true. */
  apply(
    steps: readonly PlannedStep[],
    live: Args | undefined,
    wanted: Args,
    context: Context,
  ): Promise<Args>;
  remove(live: Args, context: Context): Promise<void>;
  /**
   * The inputs that an import's id stands for. `hosts` are the machines in the stack's settings. Without it, a kind
   * cannot be imported.
   */
  imported?(id: string, hosts: ReadonlyMap<string, Host>, context: Context): Promise<Properties>;
  /** What only one resource of a program may want on a host: `unit nginx.service`, `file /etc/nginx/nginx.conf`. Known names only. */
  takes?(desired: Args): readonly string[];
  /** What `remove` leaves behind, a sentence each; shown in `destroy`. */
  leaves?(live: Args): readonly string[];
  /** Outputs that only `apply` can know; unknown in the preview of a creation. */
  readonly computedOutputs?: readonly string[];
  /** Outputs that `apply` makes out of the inputs: unknown in the preview of any change, secret as soon as any input is. */
  readonly derivedOutputs?: readonly string[];
  /**
   * What a preview knows of outputs that the machine makes out of part of a property: a port that it chooses, say.
   * `live` is what was read for the plan.
   */
  foresee?(live: Args | undefined, wanted: Args): Properties;
  /** Inputs that no machine tells: what they were before a change is known from the state alone. */
  readonly recorded?: readonly string[];
  /** How a new resource replaces a former one. Default: the former one goes first, as names and addresses are taken until then. */
  replacement?(live: Args, desired: Args): Replacement;
  /** Properties that hold a secret whoever set them, as `passwords.value` paths. */
  readonly secretOutputs?: readonly string[];
  /**
   * What brings an older state forward, oldest first: the first of them turns a state of version 0 (which 0.1.0 wrote)
   * into one of version 1. They are applied to outputs and to inputs, which may already have the new form: what is in
   * the new form must stay as it is. A list only grows; each entry comes with a recorded state that it opens.
   */
  readonly migrations?: readonly Migration[];
  /**
   * Whether a state was written by another kind, whose resources this one takes over by aliases: it is opened as one of
   * version 0, whatever version the other kind gave it.
   */
  isOfAnotherKind?(properties: Properties): boolean;
  /**
   * `properties only`: nothing is kept in the state but the kind's own properties, so that another plugin that serves
   * the same type can open it. Default `all`.
   */
  readonly keeps?: "all" | "properties only";
  /**
   * For a kind whose id is made by `apply`, as its property `id`. `id only`: it is the resource's id in the state, and no
   * output beside it. Default `id and output`.
   */
  readonly keepsIdAs?: "id and output" | "id only";
}

/** From one version of a kind's properties to the next. Pure. */
export type Migration = (properties: Properties) => Properties;

/** A kind as the protocol sees it. */
export type AnyKind = Kind<Properties, Step>;

/** Lets kinds of different arguments stand in one list. */
export function anyKind<Args extends object, PlannedStep extends Step>(
  kind: Kind<Args, PlannedStep>,
): AnyKind {
  // The engine hands each kind only what that kind's own `check`, `read` and `plan` have made.
  return kind as unknown as AnyKind;
}
