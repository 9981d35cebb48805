/** Host names that are answered as the site's own is, as `www.foobar.org` beside `www.foobar.com`. */
import { type Fault, unexpected } from "./expectation";

/** `served`: the names that are answered without them. */
export function checkAliases(aliases: unknown, served: readonly string[]): readonly Fault[] {
  if (!Array.isArray(aliases)) return [];
  const names: readonly unknown[] = aliases;
  return names.flatMap((name, index) => {
    const isTaken =
      names.indexOf(name) !== index || (typeof name === "string" && served.includes(name));
    const message = unexpected("a name that is not served already", name);
    return isTaken ? [{ path: `aliases[${index}]`, message }] : [];
  });
}
