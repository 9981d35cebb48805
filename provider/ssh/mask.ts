/** Too short to be a secret, and too likely to stand in a text by chance. */
const textAtLeast = 4;
/** What a tool may quote out of a secret file: a password or a token, seldom a keyword. */
const wordAtLeast = 8;

/**
 * A text without the secrets, nor any line or longer word of them: a tool that refuses a file quotes the bad line, not
 * the whole file.
 */
export function mask(text: string, secrets: readonly string[] = []): string {
  return maskWhole(text, secrets.flatMap(pieces));
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

/** `mysql://USER:PASSWORD@HOST/NAME`: nothing else of it is anybody's secret. */
const urlWithPassword = /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:([^\s/@]+)@[^\s'"]*/gi;

function pieces(secret: string): string[] {
  const lines = secret.split("\n").map((line) => line.trim());
  const words = secret
    .replace(urlWithPassword, " $1 ")
    .split(/[\s=:'",;@/]+/)
    .filter((word) => word.length >= wordAtLeast);
  return [secret, ...lines, ...words];
}
