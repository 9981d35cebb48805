/** What must not be shown of a resource: the texts, for masking, and faults without them. */

import type { AnyKind, Failure } from "../kind";
import { mask } from "../ssh/mask";
import { renderPath } from "./path";
import { type Path, type Received, secretTexts } from "./values";

/** Every secret text of a resource. A host may be given as one secret: its name, address and user are shown all the same. */
export function hiddenTexts(kind: AnyKind, known: Received): string[] {
  if (known.secrets.length === 0) return [];
  const hosts = kind.hosts(known.properties);
  const open = new Set(hosts.flatMap(({ name, address, user }) => [name, address, user]));
  return secretTexts(known).filter((text) => !open.has(text) && text !== "");
}

/** Faults of inputs, each without the secret that it may quote. */
export function maskFailures(failures: readonly Failure[], news: Received): Failure[] {
  const secrets = secretTexts(news).flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
  return failures.map(({ property, reason }) => ({
    property,
    reason: mask(quotesSecret(property, news.secrets) ? unquoted(reason) : reason, secrets),
  }));
}

/** Whether a fault at a property may quote a secret: at it, in it, or around it. */
function quotesSecret(property: string, secrets: readonly Path[]): boolean {
  return secrets
    .map(renderPath)
    .some((secret) => property.startsWith(secret) || secret.startsWith(property));
}

function unquoted(reason: string): string {
  return reason.replace(/, got (?!nothing$).*/s, ", got a secret");
}
