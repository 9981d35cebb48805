/** The machines of the stack's own settings: what an import finds a host's connection in, since it is given an id only. */

import type { Host, Properties, Property } from "../kind";
import { isProperties } from "./values";

/** Reads `trilithon:hosts` and `trilithon:privateKey` as the engine hands them over: values or JSON text. */
export function configuredHosts(config: Properties): ReadonlyMap<string, Host> {
  const listed = parsed(config.hosts);
  const hosts = Array.isArray(listed) ? listed.filter(isProperties) : [];
  return new Map(
    hosts.flatMap((host) => {
      const { name, address, sshAddress = address, port = 22, user = "root", hostKey } = host;
      const privateKey = host.privateKey ?? config.privateKey;
      const isWhole = [name, sshAddress, user, hostKey, privateKey].every(isText);
      if (!isWhole || typeof port !== "number") return [];
      const known = { name, address: sshAddress, port, user, hostKey, privateKey } as Host;
      return [[known.name, known] as const];
    }),
  );
}

export interface ListedHost {
  readonly name: string;
  /** Nothing is asked of it, and nothing on it is changed. */
  readonly isAway: boolean;
}

/**
 * All hosts that the settings list at present, out of the environment variable by which the engine tells a plugin the
 * settings of its package. What `Configure` gets may be that of the last `up`, as the state has it.
 */
export function listedHosts(environment = process.env.PULUMI_CONFIG ?? "{}"): ListedHost[] {
  const listed = parsed(properties(environment).hosts);
  const hosts = Array.isArray(listed) ? listed.filter(isProperties) : [];
  return hosts.flatMap(({ name, away }) => (isText(name) ? [{ name, isAway: away === true }] : []));
}

function properties(text: string): Properties {
  try {
    const value: unknown = JSON.parse(text);
    return isProperties(value) ? value : {};
  } catch {
    return {};
  }
}

function parsed(value: Property | undefined): Property | undefined {
  return typeof value === "string" ? (JSON.parse(value) as Property) : value;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
