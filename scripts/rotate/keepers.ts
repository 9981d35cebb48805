/** Which setting of a stack makes a secret anew. Pure. */
import { CORE_SCHEMA, load } from "js-yaml";
import * as v from "valibot";
import { UsageError } from "../command-line";

/** What can be rotated, in the words of the command line. */
export const rotations = {
  database: "the password of each application's account",
  replication: "the password by which members of the database reach each other",
  ssh: "the key by which the hosts are reached",
  "host-keys": "the keys by which machines show who they are",
  certificates: "the authorities inside of the stack, with their certificates",
  services: "the password of each private service",
  https: "the stack's own authority for the page, with its certificate",
} as const;

export type Rotation = keyof typeof rotations;

/** As far as it has to be known here; all of it is checked by the program. */
const settingsFile = v.object({
  config: v.looseObject({
    "trilithon:hosts": v.optional(
      v.array(
        v.looseObject({
          name: v.optional(v.string()),
          roles: v.optional(v.array(v.string())),
          away: v.optional(v.boolean()),
        }),
      ),
      [],
    ),
    "trilithon:containers": v.optional(v.looseObject({})),
    "trilithon:services": v.optional(
      v.record(v.string(), v.looseObject({ kind: v.optional(v.string()) })),
      {},
    ),
    "trilithon:https": v.optional(v.union([v.string(), v.looseObject({})])),
  }),
});

export type Settings = v.InferOutput<typeof settingsFile>["config"];

export function parseSettings(text: string): Settings {
  return v.parse(settingsFile, load(text, { schema: CORE_SCHEMA })).config;
}

/** The paths of settings that each get another text, or the keys that are set anew. */
export type Change =
  | { readonly keepers: readonly string[] }
  | { readonly keys: "privateKey" | "hostKeys" };

export function changeOf(rotation: Rotation, settings: Settings): Change {
  switch (rotation) {
    case "database":
      insist(hasDatabase(settings), rotation, "no host has a database role");
      return { keepers: ["trilithon:database.passwordKeeper"] };
    case "replication":
      insist(hasDatabase(settings), rotation, "no host has a database role");
      return { keepers: ["trilithon:database.replicationKeeper"] };
    case "certificates": {
      const database = hasDatabase(settings) ? ["trilithon:database.authorityKeeper"] : [];
      const monitoring = isMonitored(settings) ? ["trilithon:monitoring.authorityKeeper"] : [];
      const services = Object.keys(settings["trilithon:services"]).map(keeperOf("authorityKeeper"));
      return {
        keepers: [...database, "trilithon:web.authorityKeeper", ...monitoring, ...services],
      };
    }
    case "services": {
      const services = Object.entries(settings["trilithon:services"]);
      const named = services.filter(([, { kind }]) => kind !== "memcached").map(([name]) => name);
      insist(named.length > 0, rotation, "no private service has a password");
      return { keepers: named.map(keeperOf("passwordKeeper")) };
    }
    case "https":
      insist(hasOwnAuthority(settings), rotation, "trilithon:https has no authority of its own");
      return { keepers: ["trilithon:https.authorityKeeper"] };
    case "ssh":
      insistThatAllAreThere(rotation, settings);
      if (settings["trilithon:containers"] === undefined) return { keys: "privateKey" };
      return { keepers: ["trilithon:containers.keyKeeper"] };
    case "host-keys": {
      const isContainer = settings["trilithon:containers"] !== undefined;
      insist(!isContainer, rotation, "a container's is made with it");
      insistThatAllAreThere(rotation, settings);
      return { keys: "hostKeys" };
    }
    default:
      return rotation satisfies never;
  }
}

function keeperOf(key: string) {
  return (service: string) => `trilithon:services.${service}.${key}`;
}

/** `own-ca` in one word has no place for a keeper. */
export function withRoomForKeeper(text: string): string {
  return text.replace(/("?trilithon:https"?:\s*)(["']?)own-ca\2/, "$1{ownCa: true}");
}

export function isRotation(word: string): word is Rotation {
  return Object.hasOwn(rotations, word);
}

function insist(isThere: boolean, rotation: Rotation, reason: string): void {
  if (!isThere) throw new UsageError(`${rotation}: there is nothing to rotate: ${reason}`);
}

function insistThatAllAreThere(rotation: Rotation, { "trilithon:hosts": hosts }: Settings): void {
  const away = hosts.filter((host) => host.away).map(({ name }) => name);
  if (away.length === 0) return;
  throw new UsageError(
    `${rotation}: ${away.join(", ")} would have the former key alone, as it is away: rotate when it is back`,
  );
}

function hasDatabase({ "trilithon:hosts": hosts }: Settings): boolean {
  return hosts.some(({ roles = [] }) => roles.some((role) => role.startsWith("database")));
}

function isMonitored({ "trilithon:hosts": hosts }: Settings): boolean {
  return hosts.some(({ roles = [] }) => roles.includes("monitoring"));
}

function hasOwnAuthority({ "trilithon:https": https }: Settings): boolean {
  return https === "own-ca" || (typeof https === "object" && https.ownCa === true);
}
