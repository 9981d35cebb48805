/** The variables of an application, as the files that systemd reads. */
import * as pulumi from "@pulumi/pulumi";
import { renderEnvironmentFile } from "./render/environment-file";

export type Environment = Readonly<Record<string, pulumi.Input<string | number | boolean>>>;

export interface EnvironmentFiles {
  /** Readable in a preview. */
  readonly open: pulumi.Output<string>;
  readonly secret: pulumi.Output<string>;
}

/** What is secret stands in a file of its own, so that changes of the rest can be read in a preview. */
export function renderEnvironment(variables: Environment): EnvironmentFiles {
  const sorted = sortBySecrecy(variables);
  return {
    open: pulumi.output(sorted.then(({ open }) => renderVariables(open))),
    secret: pulumi.secret(pulumi.output(sorted.then(({ secret }) => renderVariables(secret)))),
  };
}

async function sortBySecrecy(variables: Environment) {
  const entries = await Promise.all(
    Object.entries(variables).map(async ([name, value]) => ({
      name,
      value,
      isSecret: await pulumi.isSecret(pulumi.output(value)),
    })),
  );
  const having = (isSecret: boolean): Environment =>
    Object.fromEntries(
      entries
        .filter((one) => one.isSecret === isSecret)
        .map(({ name, value }) => [name, value] as const),
    );
  return { open: having(false), secret: having(true) };
}

function renderVariables(variables: Environment): pulumi.Output<string> {
  return pulumi.output(variables).apply((values) => {
    const texts = Object.entries(values).map(([name, value]) => [name, String(value)] as const);
    return renderEnvironmentFile(Object.fromEntries(texts));
  });
}
