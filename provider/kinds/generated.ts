import { compare } from "../difference";
import type { Difference, Kind } from "../kind";

type Generated<Args extends object> = Pick<
  Kind<Args>,
  "id" | "hosts" | "read" | "diff" | "plan" | "remove"
>;

/** What values that are made once have in common: the state is all there is of them; `keys` changing makes
 * a new one, and `made` is there once it is made. */
export function generated<Args extends object>(
  sentence: string,
  keys: readonly string[],
  made: keyof Args,
): Generated<Args> {
  const diff = (live: Args, wanted: Args): Difference[] => compare(live, wanted, keys);
  return {
    id: () => "generated",
    hosts: () => [],
    read: async (expected) => (expected[made] === undefined ? undefined : expected),
    diff,
    plan: (live, wanted) => {
      if (live === undefined) return [{ action: "generate", sentence }];
      const again = sentence.replace(/^make (an?|the) /, "make another ");
      return diff(live, wanted).length === 0 ? [] : [{ action: "generate", sentence: again }];
    },
    remove: async () => undefined,
  };
}
