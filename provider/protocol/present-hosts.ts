/** How the hosts of a resource are reached at present. */

import type { Properties, Property } from "../kind";
import { isProperties } from "./values";

/**
 * The program may have said since how to reach them, the host of a resource or those of a cluster's members; what was read last
 * does not know.
 */
export function withPresentHosts(recorded: Properties, inputs: Properties): Properties {
  const { host = recorded.host } = inputs;
  return { ...withHostsBelow(recorded, inputs), ...(host !== undefined && { host }) };
}

function withHostsBelow(recorded: Properties, inputs: Properties): Properties {
  const entries = Object.entries(recorded).map(([name, value]): [string, Property | undefined] => {
    const given = inputs[name];
    if (!isProperties(value) || !isProperties(given)) return [name, value];
    return [name, isHost(given) && isHost(value) ? given : withHostsBelow(value, given)];
  });
  return Object.fromEntries(entries);
}

function isHost({ hostKey, privateKey }: Properties): boolean {
  return hostKey !== undefined && privateKey !== undefined;
}
