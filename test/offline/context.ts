import type { Context, Owner } from "../../provider/kind";

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
    runAnew: refuse,
    progress: () => {},
    tell: (_severity, message) => void told.push(message),
    signal: new AbortController().signal,
    secrets,
    told,
    owner,
  };
}

/** Of the resource that a test of a stand-in is about. */
export const owner: Owner = {
  project: "test",
  stack: "dev",
  resource: "it",
  urn: "urn:pulumi:dev::test::type::it",
  claim: "claim",
  isNew: false,
};
