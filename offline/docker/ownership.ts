/** Tells what this stand-in made itself, so that what an interrupted `up` left can be completed, and nothing else is touched. */

import { createHash } from "node:crypto";

const label = "trilithon.stand-in";

type Labels = Readonly<Record<string, string>> | undefined;

export interface Label {
  readonly label: string;
  readonly value: string;
}

/** The labels asked for, and one that says by a digest what was to be made. */
export function labelled(args: {
  readonly name: string;
  readonly labels?: readonly Label[] | undefined;
}): Record<string, string> {
  const asked = (args.labels ?? []).map(({ label: name, value }) => [name, value] as const);
  return { ...Object.fromEntries(asked), [label]: digest(args) };
}

/** Made for exactly these arguments. */
export function isExactly(labels: Labels, args: object): boolean {
  return labels?.[label] === digest(args);
}

/** Made by a stand-in for the same owner: each label asked for is there. */
export function isOurs(labels: Labels, asked: readonly Label[] = []): boolean {
  return (
    labels?.[label] !== undefined && asked.every(({ label: name, value }) => labels[name] === value)
  );
}

function digest(args: object): string {
  const sorted = Object.entries(args).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 32);
}
