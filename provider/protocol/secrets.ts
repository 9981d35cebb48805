/** What must not be shown of a resource: the texts, for masking, and faults without them. */

import type { AnyKind, Failure, Properties } from "../kind";
import { mask, maskWhole } from "../ssh/mask";
import { renderPath } from "./path";
import { at, openTexts, type Path, pathsOf, type Received, secretTexts } from "./values";

/** Every secret text of a resource. A host may be given as one secret: its name, address, port and user are shown all the same. */
export function hiddenTexts(kind: AnyKind, known: Received): string[] {
  if (known.secrets.length === 0) return [];
  const hosts = kind.hosts(known.properties);
  const open = new Set(
    hosts.flatMap(({ name, address, user, port }) => [name, address, user, String(port)]),
  );
  return secretTexts(known).filter((text) => !open.has(text) && text !== "");
}

/** The secrets of inputs in what a kind's check made of them, also of those that it put elsewhere. */
export function secretsIn(kind: AnyKind, args: Properties, { properties, secrets }: Received) {
  const moved = secrets.filter((path) => at(args, path) === undefined);
  const texts = new Set(hiddenTexts(kind, { properties, secrets: moved }));
  return [...secrets, ...(texts.size > 0 ? pathsOf(texts, args) : [])];
}

/** A text of the plugin's own without the secrets, be they as they are or as JSON writes them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return maskWhole(text, secrets.flatMap(asWritten));
}

function asWritten(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1)];
}

/** Faults of inputs, each without the secret that it may quote. */
export function maskFailures(failures: readonly Failure[], news: Received): Failure[] {
  const secrets = secretTexts(news).flatMap(asWritten);
  const open = openTexts(news);
  return failures.map(({ property, reason }) => ({
    property,
    reason: mask(quotesSecret(property, news.secrets) ? unquoted(reason) : reason, secrets, open),
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
