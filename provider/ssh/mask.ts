/** Too short to be a secret, and too likely to stand in a text by chance. */
const textAtLeast = 4;
/** What a tool may quote out of a secret file: a password or a token, seldom a keyword. */
const wordAtLeast = 8;

/**
 * A text without the secrets, nor any line or longer word of them: a tool that refuses a file quotes the bad line, not
 * the whole file. What stands in `open` too is no secret, nor are names in a secret file that have a value.
 */
export function mask(
  text: string,
  secrets: readonly string[] = [],
  open: readonly string[] = [],
): string {
  const isOpen = new Set(open.flatMap((one) => [...linesOf(one), ...wordsOf(one)]));
  return maskWhole(
    text,
    secrets.flatMap((secret) => [
      secret,
      ...piecesOf(secret).filter((piece) => !isOpen.has(piece)),
    ]),
  );
}

/** A text of our own without the secrets as they are: its words are not taken for parts of them. */
export function maskWhole(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets
    .filter((secret) => secret.length >= textAtLeast)
    .sort((one, other) => other.length - one.length);
  if (longestFirst.length === 0) return text;
  const pattern = longestFirst.map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return text.replace(new RegExp([...new Set(pattern)].join("|"), "g"), "[secret]");
}

function piecesOf(secret: string): string[] {
  const rest = isFile(secret) ? secret.replace(section, " ") : secret;
  return [...linesOf(rest), ...wordsOf(isFile(secret) ? rest.replace(namesOfValues, " ") : rest)];
}

/** One value has no names in it, whatever it looks like. */
function isFile(secret: string): boolean {
  return secret.includes("\n");
}

/** `[name]` of an option file, and in YAML `name:` before lines that stand further in. */
const section =
  /^[^\S\n]*\[[A-Za-z][\w.-]*\][^\S\n]*$|^[^\S\n]*(?:- )?[A-Za-z_][\w.-]*:(?=\n[^\S\n]+\S)/gm;

/**
 * `NAME=`, `name: ` at the beginning of a line, `;name=` in it, and `"name":` as in JSON. A name is followed by its value: the last
 * line of a text in base64 may end with `=`.
 */
const namesOfValues =
  /^[^\S\n]*(?:export )?[A-Za-z_][\w.-]*[^\S\n]*=(?=[^\s=])|[;&?][a-z][a-z_-]*=(?=[^\s=])|^[^\S\n]*(?:- )?[A-Za-z_][\w.-]*:(?=\s)|\\?"[A-Za-z_][\w.-]*\\?"\s*:/gm;

/** `mysql://USER:PASSWORD@HOST/NAME`: nothing else of it is anybody's secret. */
const urlWithPassword = /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:([^\s/@]+)@[^\s'"]*/gi;

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim());
}

function wordsOf(text: string): string[] {
  return text
    .replace(urlWithPassword, " $1 ")
    .split(/[\s=:'",;@/\\]+/)
    .filter((word) => word.length >= wordAtLeast);
}
