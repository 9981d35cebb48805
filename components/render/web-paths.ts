/** An application that has some paths of a site, beside the one that has all others. */

/** Ends names that no visitor has to ask for. */
export const insideDomain = ".trilithon.internal";

/** By which load balancers ask web servers for it: who asks for the site's name gets the other one. */
export function nameInside(application: string): string {
  return `${application}${insideDomain}`;
}

/** The path and what is below: `/up` of `/shop/up`. A path that is not below any is as it is. */
export function splitPath(path: string, paths: readonly string[]): readonly [string, string] {
  const base = paths.find((one) => path === one || path.startsWith(`${one}/`)) ?? "";
  return [base, path.slice(base.length)];
}

/** A regular expression of what begins with one of the paths. */
export function basePattern(paths: readonly string[]): string {
  return `(?:${paths.map((path) => path.replaceAll(".", "[.]")).join("|")})`;
}
