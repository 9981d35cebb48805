/** A plan as data, for the resource's output `plan`, and as the lines that the engine shows under the resource. */

import type { Step } from "../kind";
import type { PlannedStep, Why } from "../resources/planned-step";
import type { Resource } from "./context";
import { differencesOf } from "./difference";
import { whyOf } from "./drift";
import { hiddenTexts, withoutSecrets } from "./secrets";
import type { OpenState } from "./state";
import { isUnknown, type Received, unknown } from "./values";

/** The steps of a creation, announced. */
export function announceCreation(
  resource: Resource,
  steps: readonly Step[],
  news: Received,
): PlannedStep[] {
  const secrets = hiddenTexts(resource.kind, news);
  return announce(resource, { steps, news, secrets, why: "new" });
}

/** The steps of an update, announced. */
export function announceUpdate(
  resource: Resource,
  steps: readonly Step[],
  { olds, news }: { readonly olds: OpenState; readonly news: Received },
): PlannedStep[] {
  const differences = differencesOf(resource.kind, olds.properties, news.properties);
  const why = whyOf(differences, {
    applied: olds.kept.applied,
    live: olds.properties,
    wanted: news.properties,
  });
  // A sentence may say what stands there now, too.
  const secrets = [olds, news].flatMap((known) => hiddenTexts(resource.kind, known));
  return announce(resource, { steps, news, secrets, why });
}

interface Announcement {
  readonly steps: readonly Step[];
  readonly news: Received;
  readonly secrets: readonly string[];
  readonly why: Why;
}

function announce(resource: Resource, announcement: Announcement): PlannedStep[] {
  const { kind, urn, engine } = resource;
  const { steps, news, secrets, why } = announcement;
  const shown = (text: string) =>
    withoutSecrets(text, secrets).replaceAll(unknown, "(not known yet)");
  const plan = steps.map((step) => plannedStep(step, why, shown));
  if (plan.length === 0) return plan;
  const hosts = kind.hosts(news.properties);
  // A sentence about several members names each of them itself.
  const prefix = hosts.length === 1 ? `${shown(hosts[0]?.name ?? unknown)}: ` : "";
  const log = (severity: "info" | "warning", message: string) =>
    engine?.log(urn, severity, message.startsWith(prefix) ? message : `${prefix}${message}`);
  // What is made once and lives in the state alone is told when it is made anew: that it ends soon, say.
  const isTold = hosts.length > 0 || (why !== "new" && kind.keeps !== "properties only");
  if (isTold) {
    log("info", `${plan.map(({ sentence }) => sentence).join(", ")} [${why}]`);
  }
  for (const { warning } of plan) if (warning !== undefined) log("warning", warning);
  return plan;
}

function plannedStep(step: Step, why: Why, shown: (text: string) => string): PlannedStep {
  const { host, unit, action, sentence, warning } = step;
  return {
    ...(host !== undefined && !isUnknown(host) && { host: shown(host) }),
    ...(unit !== undefined && !isUnknown(unit) && { unit: shown(unit) }),
    action,
    why,
    sentence: shown(sentence),
    ...(warning !== undefined && { warning: shown(warning) }),
  };
}
