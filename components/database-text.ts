/** How an application has the database's address and credentials in variables of its own names. */
import * as pulumi from "@pulumi/pulumi";

/** Stands in `environment` for a text that is made of what is known of the database. */
export interface DatabaseText {
  /**
   * One of `host`, `readHost`, `port`, `name`, `user`, `password`, `authority` (the path of the certificates by which its servers are
   * verified), `url` (`mysql://USER:PASSWORD@HOST:PORT/NAME`) and `readUrl`, or a
   * text with such words in braces: `mysql2://{user}:{password}@{host}:{port}/{name}`. With the password it is a secret.
   */
  readonly database: pulumi.Input<string>;
}

/** Word to a text of others, or to the variable that has it. */
const words: Readonly<Record<string, string>> = {
  host: "DATABASE_PRIMARY_HOST",
  readHost: "DATABASE_READ_HOST",
  port: "DATABASE_PORT",
  name: "DATABASE_NAME",
  user: "DATABASE_USER",
  password: "DATABASE_PASSWORD",
  authority: "DATABASE_SSL_CA",
  url: "mysql://{user}:{password}@{host}:{port}/{name}",
  readUrl: "mysql://{user}:{password}@{readHost}:{port}/{name}",
};

export const databaseTextWords = `one of ${Object.keys(words).join(", ")}, or a text with these in braces`;

const inBraces = /\{([A-Za-z]+)\}/g;

/** At least one word, and none that is unknown. */
export function isDatabaseText(text: string): boolean {
  if (Object.hasOwn(words, text)) return true;
  const found = [...text.matchAll(inBraces)].map(([, word = ""]) => word);
  return found.length > 0 && found.every((word) => Object.hasOwn(words, word));
}

/** `variables` are those of the database: `DATABASE_PRIMARY_HOST` and so on. */
export function fillDatabaseText(
  text: string,
  variables: Readonly<Record<string, pulumi.Input<string>>>,
): pulumi.Output<string> {
  const wordOf = (word: string) => {
    const value = words[word] ?? "";
    return value.includes("{") ? fillDatabaseText(value, variables) : (variables[value] ?? "");
  };
  // Texts and words by turns.
  const parts = (Object.hasOwn(words, text) ? `{${text}}` : text).split(inBraces);
  return pulumi.concat(...parts.map((part, at) => (at % 2 === 0 ? part : wordOf(part))));
}

/** What every application with a database gets. */
export const databaseUrls = {
  DATABASE_URL: { database: "url" },
  DATABASE_READ_URL: { database: "readUrl" },
};
