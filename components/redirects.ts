/** Host names that lead to another one, as `foobar.com` to `www.foobar.com`. */
import { type Fault, unexpected } from "./expectation";
import { isRecord } from "./rule";

/** `served`: the names that are answered, which a redirect leads to and does not take away. */
export function checkRedirects(redirects: unknown, served: readonly string[]): readonly Fault[] {
  if (!isRecord(redirects) || served.length === 0) return [];
  return Object.entries(redirects).flatMap(([alias, name]) => {
    const path = `redirects.${alias}`;
    if (served.includes(alias)) {
      return [{ path, message: `expected a name that is not served itself, got "${alias}"` }];
    }
    if (typeof name !== "string" || served.includes(name)) return [];
    return [{ path, message: unexpected(`one of ${served.join(", ")}`, name) }];
  });
}
