/** Text of a host for a terminal: what it would obey is shown as an escape, `\x1b`. Tabs and line ends stay. */
export function printable(text: string): string {
  return text.replace(controls, escaped);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
