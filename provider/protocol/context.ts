/** One resource with what it is served by, and what of that its kind may use. */

import { HostAway } from "../errors";
import type { AnyKind, Context, Host, RemoteCommand } from "../kind";
import type { Pool } from "../ssh/pool";
import type { Engine } from "./engine";
import { ownerOf } from "./owner";
import type { Run } from "./run";
import { hiddenTexts, withoutSecrets } from "./secrets";
import { openTexts, type Received } from "./values";

export interface Resource {
  readonly kind: AnyKind;
  readonly urn: string;
  readonly engine: Engine | undefined;
  readonly pool: Pool;
  readonly run: Run;
  /** Aborted when the engine cancels. */
  readonly signal: AbortSignal;
}

/** No secret among `known` is shown by what runs in this context. */
export function contextOf(
  { kind, urn, engine, pool, run, signal }: Resource,
  known: Received,
  claim?: string,
): Context {
  const secrets = hiddenTexts(kind, known);
  const open = openTexts(known);
  const hiding = (command: RemoteCommand) => ({
    ...command,
    secrets: [...secrets, ...(command.secrets ?? [])],
    open,
  });
  const reach = ({ name }: Host) => {
    if (run.isAway(name)) throw new HostAway(name);
  };
  return {
    ask: async (host, script, doing) => {
      reach(host);
      return pool.ask(host, { script, doing, secrets, open });
    },
    run: async (host, command) => {
      reach(host);
      return pool.run(host, hiding(command));
    },
    runAnew: async (host, command) => {
      reach(host);
      return pool.runAnew(host, hiding(command));
    },
    progress: (message) => engine?.progress(urn, withoutSecrets(message, secrets)),
    tell: (severity, message) => engine?.log(urn, severity, withoutSecrets(message, secrets)),
    signal,
    secrets,
    owner: ownerOf(urn, claim),
  };
}
