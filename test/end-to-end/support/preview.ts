/** A preview as a test looks at it. */
import type { TestStack } from "./test-stack";

export interface Preview {
  readonly updates: readonly { readonly resource: string; readonly paths: readonly string[] }[];
  /** Sentences by resource. */
  readonly sentences: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

interface Digest {
  readonly steps: readonly {
    readonly op: string;
    readonly urn: string;
    readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
  }[];
  readonly diagnostics?: readonly {
    readonly urn?: string;
    readonly message: string;
    readonly severity: string;
  }[];
}

/** A plain preview, without `--refresh`. */
export async function readPreview(stack: TestStack): Promise<Preview> {
  const { status, stdout, stderr } = await stack.pulumi("preview", "--json");
  if (status !== 0) throw new Error(`preview: exit ${status}\n${stdout}\n${stderr}`);
  const { steps, diagnostics = [] } = JSON.parse(stdout) as Digest;
  const of = (severity: string) => diagnostics.filter((one) => one.severity === severity);
  return {
    updates: steps
      .filter(({ op }) => op !== "same" && op !== "refresh")
      .map(({ urn, detailedDiff }) => ({
        resource: nameOf(urn),
        paths: Object.keys(detailedDiff ?? {}),
      })),
    sentences: sentencesOf(of("info")),
    warnings: of("warning").map(({ message }) => message),
  };
}

/** A resource may have several. */
function sentencesOf(
  told: readonly { readonly urn?: string; readonly message: string }[],
): Record<string, string> {
  const sentences: Record<string, string> = {};
  for (const { urn = "", message } of told) {
    const before = sentences[nameOf(urn)];
    sentences[nameOf(urn)] = before === undefined ? message.trim() : `${before}\n${message.trim()}`;
  }
  return sentences;
}

export function summary({ sentences }: Preview, resource: string): string {
  return sentences[resource] ?? "(no sentence)";
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
