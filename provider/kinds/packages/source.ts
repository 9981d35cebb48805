/** A package source as a deb822 file (sources.list(5)). */

export interface Source {
  /** `https://deb.nodesource.com/node_24.x` */
  readonly uris: readonly string[];
  /** `trixie`, or a path that ends with a slash for a repository without suites. */
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Default: those of the host. */
  readonly architectures?: readonly string[];
  /** The key that signs it: the armoured text, or a file's path on the host. Default: any key that the host trusts. */
  readonly key?: string;
  /** Fields that somebody has added by hand, as they stand. Only ever read. */
  readonly other?: Readonly<Record<string, string>>;
}

export function sourcePath(name: string): string {
  return `/etc/apt/sources.list.d/trilithon-${name}.sources`;
}

export function renderSource(source: Source): string {
  const { uris, suites, components, architectures = [], key } = source;
  const fields: readonly (readonly [string, string])[] = [
    ["Types", "deb"],
    ["URIs", uris.join(" ")],
    ["Suites", suites.join(" ")],
    ["Components", components.join(" ")],
    ["Architectures", architectures.join(" ")],
    ["Signed-By", key === undefined ? "" : renderKey(key)],
  ];
  return fields
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}:${value.startsWith("\n") ? "" : " "}${value}\n`)
    .join("");
}

/** What `renderSource` has made is parsed back as it was; what a person added stands in `other`. */
export function parseSource(text: string): Source {
  const fields = parseFields(text);
  const words = (name: string) =>
    (fields.get(name) ?? "").split(/\s+/).filter((word) => word !== "");
  const types = words("Types").join(" ");
  const key = fields.get("Signed-By");
  const architectures = words("Architectures");
  const other = [...fields].filter(([name]) => !known.has(name));
  return {
    uris: words("URIs"),
    suites: words("Suites"),
    components: words("Components"),
    ...(architectures.length > 0 && { architectures }),
    ...(key !== undefined && { key: parseKey(key) }),
    ...((other.length > 0 || types !== "deb") && {
      other: { ...Object.fromEntries(other), ...(types !== "deb" && { Types: types }) },
    }),
  };
}

/** Line ends and blank lines of a key are not told apart: an editor adds and takes them. */
export function normalizeKey(key: string): string {
  return key
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();
}

const known = new Set(["Types", "URIs", "Suites", "Components", "Architectures", "Signed-By"]);

/** An armoured key stands below its field, one space before each line, and a full stop for an empty line. */
function renderKey(key: string): string {
  const lines = normalizeKey(key).split("\n");
  if (lines.length === 1) return key;
  return lines.map((line) => `\n ${line === "" ? "." : line}`).join("");
}

function parseKey(value: string): string {
  return normalizeKey(value.replace(/^\.$/gm, ""));
}

function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const [, name, value = ""] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      last = name;
      fields.set(name, value.trim());
    } else if (/^\s/.test(line) && last !== "") {
      fields.set(last, `${fields.get(last)}\n${line.trim()}`.replace(/^\n/, ""));
    }
  }
  return fields;
}
