/** Takes secret texts out of what is shown; a secret of several lines goes line by line, as it may be printed. */
export function masked(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, ...secret.split("\n")])
    .filter((secret) => secret.trim().length >= shortestSecret)
    .sort((one, other) => other.length - one.length)
    .reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
}

/** Shorter texts stand in too many words by chance. */
const shortestSecret = 3;
