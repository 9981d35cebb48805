/** Takes secrets out of texts that are to be shown. */

const masked = "[masked]";

/** Forms in which secrets stand in error texts, each with what to put in its place. */
const forms: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?![\s\S]))/g,
    masked,
  ],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|pul-|xox[abp]-)[A-Za-z0-9_-]{16,}/g, masked],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+(?=@)/gi, `$1${masked}`],
  [/(\bIDENTIFIED\s+(?:WITH\s+\S+\s+)?BY\s+)(?:'(?:''|\\.|[^'])*'|"[^"]*")/gi, `$1'${masked}'`],
  [/(\b(?:authorization|bearer)\b[:=]?\s+(?:basic |bearer )?)\S+/gi, `$1${masked}`],
  [
    /(\b\w*(?:secret|passw(?:or)?d|passphrase|private_?key|api_?key|access_?key|token)\w*["']?\s*=\s*)(?:"[^"\n]*"|'[^'\n]*'|[^\s"',;]+)/gi,
    `$1${masked}`,
  ],
  // After a colon there is as often a sentence as a value.
  [
    /(\b\w*(?:secret|passw(?:or)?d|passphrase|private_?key|api_?key|access_?key|token)\w*["']?\s*:\s*)(?:"[^"\n]*"|'[^'\n]*'|[^\s"',;]*[\d!#$%&*+/=?@^~][^\s"',;]*)/gi,
    `$1${masked}`,
  ],
];

/** For texts that are no file: what looks like a secret is taken out. */
export function maskSecrets(text: string): string {
  return forms.reduce(
    (result, [form, instead]) => result.replace(form, instead),
    withoutRefused(text),
  );
}

/** The engine repeats a refused property's value, a secret one as `{&{{value}}}`, and the reason may as well. */
function withoutRefused(text: string): string {
  const secrets = [...text.matchAll(/ value \{&\{\{([\s\S]*?)\}\}\} has a problem: /g)];
  const short = text.replace(/ value \{[\s\S]*?\} has a problem: /g, ": ");
  return secrets.reduce(
    (result, [, secret = ""]) =>
      maskKnown(result, [secret]).replaceAll(`"${secret}"`, `"${masked}"`),
    short,
  );
}

/** Takes out known secrets, the longest first, and their lines where they have several. */
export function maskKnown(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, secret.trim(), ...secret.split("\n")]);
  const known = [...new Set(parts)]
    .filter((part) => part.length >= 6)
    .sort((one, other) => other.length - one.length);
  return known.reduce((result, secret) => result.replaceAll(secret, masked), text);
}
