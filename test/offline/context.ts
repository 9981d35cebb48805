import type { Context } from "../../provider/kind";

/** What a kind that lives on no host may use, and what it told. */
export function fakeContext(
  secrets: readonly string[] = [],
): Context & { readonly told: string[] } {
  const told: string[] = [];
  const refuse = async () => {
    throw new Error("this kind has no host");
  };
  return {
    ask: refuse,
    run: refuse,
    progress: () => {},
    tell: (_severity, message) => void told.push(message),
    signal: new AbortController().signal,
    secrets,
    told,
  };
}
