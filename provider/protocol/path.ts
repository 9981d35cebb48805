/** Property paths as Pulumi writes them: `files["/etc/haproxy/haproxy.cfg"].content`. */

import type { Path } from "./values";

export function renderPath(path: Path): string {
  return path
    .map((name, index) => {
      if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return index === 0 ? name : `.${name}`;
      return /^[0-9]+$/.test(name) ? `[${name}]` : `["${name.replaceAll('"', '\\"')}"]`;
    })
    .join("");
}
