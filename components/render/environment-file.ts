/** The file that systemd's `EnvironmentFile=` reads. */

export function renderEnvironmentFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${quoteValue(value)}\n`);
  return `# Written by trilithon.\n${lines.join("")}`;
}

/** Within double quotes systemd takes all but these four as they are, line ends too (`env-file.c`). */
function quoteValue(value: string): string {
  if (value.includes("\0")) throw new Error("a variable cannot hold a NUL character");
  return `"${value.replaceAll(/["\\`$]/g, "\\$&")}"`;
}
