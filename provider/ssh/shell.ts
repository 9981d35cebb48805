/** Shell text made by quoting: what stands in `${}` is data unless it is itself a `Shell`. For POSIX sh. */

export class Shell {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Word = string | number | Shell | readonly (string | number | Shell)[];

/** Each `${}` becomes one quoted word, an array several words, another `Shell` stands as it is. */
export function sh(parts: TemplateStringsArray, ...words: readonly Word[]): Shell {
  const text = parts.raw.map(withoutTemplateEscapes).reduce((sum, part, index) => {
    const word = words[index - 1];
    return sum + (word === undefined ? "" : render(word)) + part;
  });
  return new Shell(text);
}

/** Puts commands one below the other. */
export function lines(...commands: readonly (Shell | false | undefined)[]): Shell {
  return new Shell(
    commands.filter((command) => command !== false && command !== undefined).join("\n"),
  );
}

/** A word that the shell takes as it is. */
export function quote(word: string): string {
  if (word.includes("\0")) throw new Error("a shell word cannot hold a NUL character");
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Backslashes are the shell's own, save where TypeScript needs one: before a backtick and before `${`. */
function withoutTemplateEscapes(part: string): string {
  return part.replace(/\\(`|\$\{)/g, "$1");
}

function render(word: Word): string {
  if (word instanceof Shell) return word.text;
  if (typeof word === "string" || typeof word === "number") return quote(String(word));
  return word.map(render).join(" ");
}
