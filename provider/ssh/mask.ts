/** Too short to be a secret, and too likely to stand in a text by chance. */
const textAtLeast = 4;
/** What a tool may quote out of a secret file: a password or a token, seldom a keyword. */
const wordAtLeast = 8;

/**
 * A text without the secrets, nor any line or longer word of them: a tool that refuses a file quotes the bad line, not
 * the whole file.
 */
export function mask(text: string, secrets: readonly string[] = []): string {
  const longestFirst = [...new Set(secrets.flatMap(pieces))].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((masked, piece) => masked.replaceAll(piece, "[secret]"), text);
}

function pieces(secret: string): string[] {
  const lines = secret.split("\n").map((line) => line.trim());
  const words = secret.split(/[\s=:'",;@/]+/).filter((word) => word.length >= wordAtLeast);
  return [secret, ...lines, ...words].filter((piece) => piece.length >= textAtLeast);
}
