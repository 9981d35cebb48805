/** What is on the hosts before something is changed there, as far as that can be known. */

import { isSame } from "../difference";
import { HostUnreachable, NotReached, ReadTimedOut } from "../errors";
import type { AnyKind, Context, Host, Owner, Properties } from "../kind";
import { contextOf, type Resource } from "./context";
import { differencesOf } from "./difference";
import type { OpenState } from "./state";
import { hasUnknown, mergeReceived, type Received } from "./values";

/** How long a new machine may take until its sshd answers. */
const startSeconds = 60;

/** A machine that was made a moment ago may still be starting. One that was there before is asked once. */
export async function observeNew(
  kind: AnyKind,
  news: Received,
  context: Context,
): Promise<Properties | undefined> {
  return observeStarting(kind, { expected: news.properties, wanted: news.properties }, context);
}

/** As `observeNew`, for a machine that did not answer the refresh: the same `up` may have started it since. */
export async function observeStarting(
  kind: AnyKind,
  { expected, wanted }: { readonly expected: Properties; readonly wanted: Properties },
  context: Context,
): Promise<Properties | undefined> {
  const isMadeHere = kind.hosts(wanted).some(({ instance }) => instance);
  const deadline = Date.now() + (isMadeHere ? startSeconds * 1000 : 0);
  for (;;) {
    try {
      return await kind.read(expected, context, wanted);
    } catch (error) {
      if (!(error instanceof HostUnreachable) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** What a creation will find: a host that is yet to be made has nothing. */
export async function observeForCreation(
  resource: Resource,
  news: Received,
  context: Context,
): Promise<Properties | undefined> {
  const { kind, urn, engine } = resource;
  const hosts = kind.hosts(news.properties);
  if (hosts.length === 0 || hasUnknown(hosts)) return undefined;
  try {
    return await kind.read(news.properties, context, news.properties);
  } catch (error) {
    if (!(error instanceof HostUnreachable || error instanceof ReadTimedOut)) throw error;
    engine?.log(urn, "warning", `planned as for an empty machine: ${error.message}`);
    return undefined;
  }
}

/** What an update will find: the state's part was read a moment ago, but the program may name more than that. */
export async function observeForUpdate(
  resource: Resource,
  olds: OpenState,
  news: Received,
  owner: Owner,
): Promise<Properties | undefined> {
  const { kind } = resource;
  const hosts = kind.hosts(news.properties);
  const isUnreachable = olds.kept.unreachable !== undefined;
  const isAsWanted =
    !isUnreachable && differencesOf(kind, olds.properties, news.properties).length === 0;
  if (isAsWanted || hosts.length === 0 || hasUnknown(hosts)) return olds.properties;
  // Another machine may have taken the place of one that is gone: it is not the one that did not answer.
  if (isUnreachable && !areReachedOtherwise(kind.hosts(olds.properties), hosts)) {
    return olds.properties;
  }
  const both = mergeReceived(olds, news);
  try {
    const formerHosts = kind.hosts(olds.properties);
    const context = contextOf(resource, { known: both, claim: owner.claim, formerHosts });
    const live = await kind.read(both.properties, context, news.properties);
    return withRecorded(kind, live, olds);
  } catch (error) {
    // It was read a moment ago: what was seen then is what the plan is made of.
    if (!(error instanceof NotReached)) throw error;
    const { engine, urn } = resource;
    engine?.log(urn, "warning", `planned from what was read before: ${error.message}`);
    return olds.properties;
  }
}

function areReachedOtherwise(then: readonly Host[], now: readonly Host[]): boolean {
  const ways = (hosts: readonly Host[]) => hosts.map(({ instance: _, ...way }) => way);
  return !isSame(ways(then), ways(now));
}

/** What was read says of these only what is wanted. */
export function withRecorded(
  { recorded = [] }: AnyKind,
  live: Properties | undefined,
  olds: OpenState,
): Properties | undefined {
  const known = recorded.filter((name) => olds.properties[name] !== undefined);
  if (live === undefined || known.length === 0) return live;
  return { ...live, ...Object.fromEntries(known.map((name) => [name, olds.properties[name]])) };
}
