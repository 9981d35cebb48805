/** The variables of an application, as the files that systemd reads. */
import * as pulumi from "@pulumi/pulumi";
import { type DatabaseText, fillDatabaseText } from "./database-text";
import type { Fault } from "./expectation";
import { renderEnvironmentFile } from "./render/environment-file";
import { isLater, isRecord } from "./rule";

export type Environment = Readonly<
  Record<string, pulumi.Input<string | number | boolean> | DatabaseText>
>;

type Variables = Readonly<Record<string, pulumi.Input<string | number | boolean>>>;

export interface EnvironmentFiles {
  /** Readable in a preview. */
  readonly open: pulumi.Output<string>;
  readonly secret: pulumi.Output<string>;
}

/** With every text that is made of what is known of the database; `database` has the variables of that. */
export function fillEnvironment(
  environment: Environment,
  database: Readonly<Record<string, pulumi.Input<string>>>,
): Variables {
  const filled = Object.entries(environment).map(([name, value]) => [
    name,
    isDatabaseEntry(value)
      ? pulumi.output(value.database).apply((text) => fillDatabaseText(text, database))
      : value,
  ]);
  return Object.fromEntries(filled);
}

export function isDatabaseEntry(value: unknown): value is DatabaseText {
  return isRecord(value) && !isLater(value) && Object.keys(value).join() === "database";
}

/** Without a database there is nothing that they could be made of. */
export function checkDatabaseTexts(args: {
  readonly environment?: Environment;
  readonly database?: object | undefined;
}): readonly Fault[] {
  if (args.database !== undefined) return [];
  return Object.entries(args.environment ?? {})
    .filter(([, value]) => isDatabaseEntry(value))
    .map(([name]) => ({
      path: `environment.${name}`,
      message: "expected a text, a number or a boolean, as the application has no database",
    }));
}

/** What is secret stands in a file of its own, so that changes of the rest can be read in a preview. */
export function renderEnvironment(variables: Variables): EnvironmentFiles {
  const sorted = sortBySecrecy(variables);
  return {
    open: pulumi.output(sorted.then(({ open }) => renderVariables(open))),
    secret: pulumi.secret(pulumi.output(sorted.then(({ secret }) => renderVariables(secret)))),
  };
}

async function sortBySecrecy(variables: Variables) {
  const entries = await Promise.all(
    Object.entries(variables).map(async ([name, value]) => ({
      name,
      value,
      isSecret: await pulumi.isSecret(pulumi.output(value)),
    })),
  );
  const having = (isSecret: boolean): Variables =>
    Object.fromEntries(
      entries
        .filter((one) => one.isSecret === isSecret)
        .map(({ name, value }) => [name, value] as const),
    );
  return { open: having(false), secret: having(true) };
}

function renderVariables(variables: Variables): pulumi.Output<string> {
  return pulumi.output(variables).apply((values) => {
    const texts = Object.entries(values).map(([name, value]) => [name, String(value)] as const);
    return renderEnvironmentFile(Object.fromEntries(texts));
  });
}
