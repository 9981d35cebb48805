/** Reads the sentence in which the plugin says what will be done: `web-01: write /etc/x (2 lines), reload nginx [drift]`. */

const labels = ["new", "change", "drift", "drift and change"] as const;

export type Label = (typeof labels)[number];

export interface Sentence {
  readonly steps: readonly string[];
  readonly label: Label;
}

/** Where a resource lives on one host, the sentence begins with it; else each step does. */
export function parseSentence(message: string, hosts: readonly string[]): Sentence | undefined {
  const [, all = "", tag] = /^(.*) \[([a-z ]+)\]$/s.exec(message.trim()) ?? [];
  const label = labels.find((known) => known === tag);
  if (label === undefined) return undefined;
  const prefix = `${hosts[0]}: `;
  const isPrefixed = hosts.length === 1 && all.startsWith(prefix);
  return { steps: splitSteps(isPrefixed ? all.slice(prefix.length) : all), label };
}

/** Steps are parted by commas; those within brackets, and that of `mode 0644, owner root:root`, are part of a step. */
function splitSteps(text: string): string[] {
  const steps = [""];
  let depth = 0;
  for (const part of text.split(/(, (?!owner |since )|[()])/)) {
    if (part === "(") depth += 1;
    if (part === ")") depth = Math.max(0, depth - 1);
    if (part === ", " && depth === 0) steps.push("");
    else steps.push(`${steps.pop()}${part}`);
  }
  return steps.filter((step) => step !== "");
}
