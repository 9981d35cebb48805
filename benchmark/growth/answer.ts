/** What a host of the growth measurements says: all is as the program wants it. */

/** The one file of a resource. */
export function contentOf(path: string): string {
  return `# ${path}\n${"setting = value\n".repeat(20)}`;
}

/** Answers the questions of a script of the plugin, however many it carries. */
export function answerScript(script: string): string {
  return script.split("\n").map(answerLine).join("");
}

/** No originals, no owners, nothing foreign, and alive. */
const shortAnswers = [
  ["originals ", "end"],
  ["if cd /var/lib/trilithon/owners ", "end"],
  ["if [ ! -e /var/lib/trilithon/foreign/", "none"],
  ["echo end", "end"],
  ["echo alive", "alive"],
] as const;

function answerLine(line: string): string {
  const path = /^files '?([^']+)'?$/.exec(line)?.[1];
  if (path !== undefined) {
    const content = Buffer.from(contentOf(path));
    return `file\n644 root root 1700000000 ${content.length}\n${content.toString("base64")}\n`;
  }
  if (line.startsWith("unit ")) {
    return [
      ...["LoadState=loaded", "ActiveState=active", "UnitFileState=enabled"],
      ...["InvocationID=1", "Uptime=1700000000", "Now=1700000000"],
      ...["ActiveEnterTimestampMonotonic=1700000100000000", ""],
    ].join("\n");
  }
  for (const [start, answer] of shortAnswers) if (line.startsWith(start)) return `${answer}\n`;
  // How the plugin tells one answer from the next.
  const mark = /^printf '\\n(--[0-9a-f]+)\\n%d/.exec(line)?.[1];
  return mark === undefined ? "" : `\n${mark}\n0\n\n${mark}\n`;
}
