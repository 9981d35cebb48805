/** How long browsers may keep a file that Nginx sends. */

import type { NginxApplication } from "./nginx";

/** Gives the variable what `Cache-Control` is to say. */
export function renderCacheMap(variable: string, application: NginxApplication): string {
  return `# An answer of the application says itself how long it may be kept. A file with its content's hash in its name never changes.
# By its address: once a file is found, $uri is its whole path.
map $upstream_addr$file $${variable} {
    default                                      "";
${renderStaticCache(application)}}
`;
}

/** For files of any version that may be kept. */
const shortCache = "public, max-age=300";

/** A year, which is what browsers take at most. */
const longCache = "public, max-age=31536000, immutable";

/** Eight capitals and digits, and not digits alone, which may be a date: what esbuild has for a hash. */
const hashedName = "^/.*-(?=[0-9]*[A-Z])[A-Z0-9]{8}[.][a-z0-9]+$";

/** The first that matches counts. */
function renderStaticCache(application: NginxApplication): string {
  const rules = [
    ...application.writtenPaths.map((path) => [`^${path.replaceAll(".", "[.]")}/`, shortCache]),
    ...immutablePatterns(application).map((pattern) => [pattern, longCache]),
    ["^/", shortCache],
  ] as const;
  return rules
    .map(([pattern, cache]) => `    ${`"~${pattern}"`.padEnd(44)} "${cache}";\n`)
    .join("");
}

/** As regular expressions. */
function immutablePatterns({ immutablePaths }: NginxApplication): readonly string[] {
  if (immutablePaths === undefined) return [hashedName];
  return immutablePaths.map((path) => {
    const text = path.replaceAll(/[.+]/g, "[$&]").replaceAll("*", ".*").replaceAll("?", "[^/]");
    return `^${text}$`;
  });
}
