/**
 * What the calls so far tell of the engine's run as a whole: which hosts the program wants, and what stands on those
 * that do not answer. In one run the engine reads all resources, then checks those that the program wants, then removes.
 */

import { isMap } from "../difference";
import { AccessDenied, HostKeyMismatch, HostUnreachable, type NotReached } from "../errors";
import type { Host } from "../kind";
import type { ListedHost } from "./configured-hosts";

export class Run {
  readonly #wantedResources = new Set<string>();
  readonly #wantedHosts = new Set<string>();
  readonly #listedHosts: ReadonlySet<string>;
  readonly #awayHosts: ReadonlySet<string>;
  /** The names of the resources that were read, by host. */
  readonly #read = new Map<string, Set<string>>();
  readonly #reported = new Set<string>();
  /** Host and thing to the resource that wants it. */
  readonly #takers = new Map<string, string>();
  readonly #gone = new Map<string, NotReached>();

  /** `listedHosts` are those of the stack's settings. */
  constructor(listedHosts: readonly ListedHost[] = []) {
    this.#listedHosts = new Set(listedHosts.map(({ name }) => name));
    const away = listedHosts.filter(({ isAway }) => isAway);
    this.#awayHosts = new Set(away.map(({ name }) => name));
  }

  /** Whether the settings say that a host is away. */
  isAway(host: string): boolean {
    return this.#awayHosts.has(host);
  }

  /** The names of the hosts, if all of them are away. */
  areAway(hosts: readonly Host[]): string | undefined {
    const names = namesOf(hosts);
    const isOnHosts = names.length > 0 && names.length === hosts.length;
    return isOnHosts && names.every((name) => this.isAway(name)) ? names.join(", ") : undefined;
  }

  /** The engine checks the inputs of what the program wants, and of nothing else. */
  noteWanted(resource: string, hosts: readonly Host[]): void {
    this.#wantedResources.add(resource);
    for (const name of namesOf(hosts)) this.#wantedHosts.add(name);
  }

  /** What only one resource of the program may want on a host, and another one wants already: with the name of that one. */
  take(
    resource: string,
    host: string,
    things: readonly string[],
  ): readonly { readonly thing: string; readonly taker: string }[] {
    for (const [key, taker] of this.#takers) if (taker === resource) this.#takers.delete(key);
    return things.flatMap((thing) => {
      const key = `${stackOf(resource)} ${host} ${thing}`;
      const taker = this.#takers.get(key);
      if (taker === undefined) this.#takers.set(key, resource);
      return taker === undefined ? [] : [{ thing, taker: nameOf(taker) }];
    });
  }

  /** Read again, it is a new phase of a plugin that serves several. */
  noteRead(resource: string, hosts: readonly Host[]): void {
    // All is read before anything is checked.
    this.#takers.clear();
    for (const name of namesOf(hosts)) {
      const names = this.#read.get(name) ?? new Set();
      if (names.has(resource)) this.#reported.clear();
      this.#read.set(name, names.add(resource));
    }
  }

  /** Whether a failure is the first of its sort that is reported of its host: one warning names all that is there. */
  isFirstReport(error: NotReached): boolean {
    const key = `${error.constructor.name} ${error.host}`;
    const isFirst = !this.#reported.has(key);
    this.#reported.add(key);
    return isFirst;
  }

  /** The names of the resources on a host, as far as they were read in this run. */
  resourcesOn(host: string): readonly string[] {
    return [...(this.#read.get(host) ?? [])].sort();
  }

  /**
   * Whether a host that does not answer is gone for good: no program runs, as in a `destroy`, which wants nothing; or the
   * program no longer wants anything on it and the settings do not list it. A resource is replaced before the program
   * has said all that it wants, so then only the settings can tell.
   */
  isGone(host: string, resource: string): boolean {
    if (this.#wantedResources.size === 0) return true;
    if (this.#wantedHosts.has(host) || this.#listedHosts.has(host)) return false;
    return !this.#wantedResources.has(resource) || this.#listedHosts.size > 0;
  }

  /** Why an earlier removal did not reach one of the hosts: they are not waited for again. */
  goneBefore(hosts: readonly Host[]): NotReached | undefined {
    return namesOf(hosts)
      .map((name) => this.#gone.get(name))
      .find((error) => error !== undefined);
  }

  noteGone(error: NotReached): void {
    this.#gone.set(error.host, error);
  }
}

/** Whether a failure keeps all that is on a host from being read, and not one resource alone. */
export function isOfWholeHost(error: NotReached): boolean {
  return [HostUnreachable, HostKeyMismatch, AccessDenied].some((type) => error instanceof type);
}

/** Whether the machine with the pinned key answers no more. One that refuses the client's key is still there. */
export function isAbsent(error: unknown): error is NotReached {
  return error instanceof HostUnreachable || error instanceof HostKeyMismatch;
}

/** `urn:pulumi:prod::shop` */
function stackOf(urn: string): string {
  return urn.split("::").slice(0, 2).join("::");
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** In a preview a host may not be known yet. */
export function namesOf(hosts: readonly Host[]): string[] {
  return hosts.flatMap((host) => (isMap(host) && typeof host.name === "string" ? [host.name] : []));
}
