/** Tells what is about to be done to a resource, and why. */

import type { Step } from "../kind";
import { maskWhole } from "../ssh/mask";
import { appliedOutput, type Label, label } from "./applied";
import type { Resource } from "./context";
import { hiddenTexts } from "./secrets";
import { isProperties, type Received, unknown } from "./values";

export function announceCreation(resource: Resource, steps: readonly Step[], news: Received): void {
  announce(resource, { steps, news, why: "new" });
}

export function announceUpdate(
  resource: Resource,
  steps: readonly Step[],
  { olds, news }: { readonly olds: Received; readonly news: Received },
): void {
  const applied = olds.properties[appliedOutput];
  const differences = resource.kind.diff(olds.properties, news.properties);
  const why = label(differences, {
    applied: isProperties(applied) ? applied : undefined,
    live: olds.properties,
    wanted: news.properties,
  });
  announce(resource, { steps, news, why });
}

interface Announcement {
  readonly steps: readonly Step[];
  readonly news: Received;
  readonly why: Label;
}

function announce({ kind, urn, engine }: Resource, { steps, news, why }: Announcement): void {
  if (steps.length === 0) return;
  const hosts = kind.hosts(news.properties);
  const prefix = hosts.length === 1 ? `${hosts[0]?.name ?? unknown}: ` : "";
  const secrets = hiddenTexts(kind, news);
  const tell = (severity: "info" | "warning", message: string) => {
    // A sentence about several members names each of them itself.
    const line = maskWhole(message.startsWith(prefix) ? message : `${prefix}${message}`, secrets);
    engine?.tell(urn, severity, line.replaceAll(unknown, "(not known yet)"));
  };
  if (hosts.length > 0) {
    tell("info", `${steps.map(({ sentence }) => sentence).join(", ")} [${why}]`);
  }
  for (const { warning } of steps) if (warning !== undefined) tell("warning", warning);
}
