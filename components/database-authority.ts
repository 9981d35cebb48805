/** How an application verifies the servers of its database: it has the certificates of their authority on each of its hosts. */
import type * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import type { Database } from "./database";
import { type Host, onHost } from "./host";
import { verifyingVariables } from "./verifying-variables";

export interface Verifying {
  readonly name: string;
  readonly database?: Database | undefined;
}

/** Read by the application and by its jobs. It holds nothing secret. */
export function databaseAuthorityPath(name: string): string {
  return `/etc/${name}/database-authority.pem`;
}

/** The variables of the database, as this application on that host has them. Empty without one. */
export function databaseVariables(
  { name, database }: Verifying,
  host: Pick<Host, "name">,
): Record<string, pulumi.Input<string>> {
  if (database === undefined) return {};
  const variables = database.environmentFor(host);
  if (database.authority === undefined) return variables;
  return {
    ...variables,
    ...verifyingVariables("DATABASE", databaseAuthorityPath(name), database.authority),
  };
}

/** A resource of its own: a release command may ask the database before any file of the release is in place. */
export function createDatabaseAuthority(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { name: application, database }: Verifying,
): readonly Service[] {
  if (database?.authority === undefined) return [];
  const files = { [databaseAuthorityPath(application)]: { content: database.authority } };
  const args = { host: host.host, name: `${application}-database`, files };
  return [new Service(`${name}-database`, args, onHost(host, parent, [database.ready]))];
}
