/** Makes text fit to be shown: no terminal colours, nothing invisible. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const colours = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

/** Control characters and those that reorder or hide text, save line feed and tab. */
const invisible = /[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?![\n\t])\p{Cc}/gu;

export function stripColours(text: string): string {
  return text.replace(colours, "");
}

/** Writes invisible characters as `\u{202e}`, a carriage return as `\r`. */
export function makeVisible(text: string): string {
  return text.replace(invisible, (character) =>
    character === "\r" ? "\\r" : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
