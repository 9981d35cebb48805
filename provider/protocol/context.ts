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

export interface Knowledge {
  /** No secret among it is shown by what runs in the context. */
  readonly known: Received;
  readonly claim?: string | undefined;
  /** As they were reached before: a host may know the key of then alone. */
  readonly formerHosts?: readonly Host[];
}

export function contextOf(
  { kind, urn, engine, pool, run, signal }: Resource,
  { known, claim, formerHosts = [] }: Knowledge,
): Context {
  const secrets = hiddenTexts(kind, known);
  const open = openTexts(known);
  const hiding = (command: RemoteCommand) => ({
    ...command,
    secrets: [...secrets, ...(command.secrets ?? [])],
    open,
  });
  const reach = (host: Host): Host => {
    if (run.isAway(host.name)) throw new HostAway(host.name);
    return withFormerKeys(host, formerHosts);
  };
  return {
    ask: async (host, script, doing) => pool.ask(reach(host), { script, doing, secrets, open }),
    run: async (host, command) => pool.run(reach(host), hiding(command)),
    runAnew: async (host, command) => {
      const { formerPrivateKeys: _, formerHostKeys: __, ...byItsKeys } = reach(host);
      return pool.runAnew(byItsKeys, hiding(command));
    },
    progress: (message) => engine?.progress(urn, withoutSecrets(message, secrets)),
    tell: (severity, message) => engine?.log(urn, severity, withoutSecrets(message, secrets)),
    signal,
    secrets,
    owner: ownerOf(urn, claim),
  };
}

function withFormerKeys(host: Host, formerHosts: readonly Host[]): Host {
  const former = formerHosts.filter(({ name }) => name === host.name);
  const others = (key: "privateKey" | "hostKey") =>
    former.map((one) => one[key]).filter((text) => text !== host[key]);
  const formerPrivateKeys = [...others("privateKey"), ...(host.formerPrivateKeys ?? [])];
  const formerHostKeys = others("hostKey");
  return {
    ...host,
    ...(formerPrivateKeys.length > 0 && { formerPrivateKeys }),
    ...(formerHostKeys.length > 0 && { formerHostKeys }),
  };
}
