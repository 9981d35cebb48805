/** Property paths as Pulumi writes them: `files["/etc/haproxy/haproxy.cfg"].content`. */

export type PropertyPath = readonly string[];

const segment = /\["((?:\\"|[^"])*)"\]|\[(\d+)\]|\.?([^.[\]]+)/gy;

export function parsePropertyPath(text: string): PropertyPath {
  return [...text.matchAll(segment)].map(
    ([, quoted, index, name]) => quoted?.replaceAll('\\"', '"') ?? index ?? name ?? "",
  );
}

export function renderPropertyPath(path: PropertyPath): string {
  return path
    .map((name, index) => {
      if (/^[A-Za-z_][\w-]*$/.test(name)) return index === 0 ? name : `.${name}`;
      return /^\d+$/.test(name) ? `[${name}]` : `["${name}"]`;
    })
    .join("");
}

/** What stands at the path, or undefined. */
export function valueAt(value: unknown, path: PropertyPath): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = new Map<string, unknown>(Object.entries(found)).get(name);
  }
  return found;
}
