/** Where the state of a stack is, and which stack a command line of Pulumi means. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CORE_SCHEMA, load } from "js-yaml";
import * as v from "valibot";
import {
  backendUrl,
  devStack,
  hasPublishedPassphrase,
  pulumiHome,
  root,
  type StackPlace,
} from "./environment";

/**
 * The dev stack's state is always in the checkout. Every other stack's is where the user's environment says
 * (PULUMI_BACKEND_URL, or PULUMI_ACCESS_TOKEN for Pulumi Cloud), else in the checkout as well.
 */
export function placeOf(stack: string, environment: NodeJS.ProcessEnv = process.env): StackPlace {
  if (isDev(stack)) return devStack;
  const { PULUMI_BACKEND_URL, PULUMI_ACCESS_TOKEN } = environment;
  const cloud = PULUMI_ACCESS_TOKEN ? "https://api.pulumi.com" : undefined;
  const backend = PULUMI_BACKEND_URL || cloud || devStack.backend;
  const place = { ...devStack, stack, backend };
  const isPublished =
    hasContainers(place) && hasPublishedPassphrase(join(root, settingsFile(place)));
  return { ...place, hasOwnPassphrase: !isPublished };
}

/** `Pulumi.prod.yaml`, for a message. */
export function settingsFile({ stack }: StackPlace): string {
  return `Pulumi.${stack.split("/").at(-1)}.yaml`;
}

/** Whether the stack's hosts are containers of this machine's engine. */
export function hasContainers(place: StackPlace): boolean {
  return /^\s+"?trilithon:containers"?:/m.test(readSettings(place) ?? "");
}

const listingHosts = v.object({
  config: v.object({
    "trilithon:hosts": v.array(v.object({ name: v.string(), away: v.optional(v.boolean()) })),
  }),
});

/** The names of the hosts that the settings say are away; none where they are not well formed. */
export function awayHosts(place: StackPlace): readonly string[] {
  const written = load(readSettings(place) ?? "", { schema: CORE_SCHEMA });
  const { success, output } = v.safeParse(listingHosts, written);
  if (!success) return [];
  return output.config["trilithon:hosts"].filter(({ away }) => away).map(({ name }) => name);
}

/** `undefined` where there is no such file. */
export function readSettings(place: StackPlace): string | undefined {
  const file = join(place.project, settingsFile(place));
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Of Pulumi's ways to name a stack. */
const naming =
  /(?:^|\0)(?:--stack[=\0]|-s[=\0]?|stack\0(?:init|select|rm)\0(?:(?:--secrets-provider|--copy-config-from|--teams)\0[^\0]*\0|-[^\0]*\0)*)([^\0-][^\0]*)/;

/** The stack that a command line names, else the one that is selected, else `dev`. */
export function addressedStack(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const [, named] = naming.exec(args.join("\0")) ?? [];
  return named ?? (environment.PULUMI_STACK || selectedStack(environment)) ?? devStack.stack;
}

/** What `pulumi stack select` or `stack init` chose last for the checkout. */
export function selectedStack(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const project = createHash("sha1").update(join(root, "Pulumi.yaml")).digest("hex");
  const file = join(pulumiHome, "workspaces", `trilithon-${project}-workspace.json`);
  if (!existsSync(file)) return undefined;
  const { stacks = {} }: { stacks?: Record<string, string> } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  const { backend } = placeOf("another", environment);
  const [, selected] =
    Object.entries(stacks).find(([url]) => url.startsWith(backendUrl(backend))) ?? [];
  return selected?.replace(/^organization\/trilithon\//, "");
}

function isDev(stack: string): boolean {
  return [devStack.stack, `organization/trilithon/${devStack.stack}`].includes(stack);
}
