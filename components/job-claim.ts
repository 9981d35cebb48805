/** How a job that is due on every host of an application runs on one. */
import * as pulumi from "@pulumi/pulumi";
import type { FileArgs } from "../provider/resources/service";
import type { Database } from "./database";
import { databaseVariables } from "./database-authority";
import type { Host } from "./host";
import type { JobArgs } from "./job";
import { jobClaimFiles, renderJobClaim, renderJobClaimOptions } from "./render/job-claim";

interface Claimed {
  readonly name: string;
  readonly hosts: readonly Host[];
  readonly jobs?: Readonly<Record<string, JobArgs>>;
  readonly database?: Database | undefined;
}

/** With a database, any host can take a job's next run. Without one, jobs are the first host's. */
export function hasClaims({ hosts, jobs = {}, database }: Claimed): boolean {
  const isOnce = Object.values(jobs).some(({ perHost = false }) => !perHost);
  return isOnce && hosts.length > 1 && database !== undefined;
}

/** What claims a run is MySQL's own client. */
export const claimPackages = { "mysql-client": "present" };

/** Read when a run begins: a change restarts nothing. */
export function describeClaims(args: Claimed, host: Host): Record<string, FileArgs> {
  const { name, database } = args;
  if (database === undefined || !hasClaims(args)) return {};
  const { script, options } = jobClaimFiles(name);
  const variables = databaseVariables(args, host);
  const content = pulumi
    .all([
      ...[variables.DATABASE_PRIMARY_HOST, variables.DATABASE_PORT, variables.DATABASE_NAME],
      ...[variables.DATABASE_USER, variables.DATABASE_PASSWORD, variables.DATABASE_SSL_CA],
    ])
    .apply(([address = "", port = "", schema = "", user = "", password = "", authority]) =>
      renderJobClaimOptions({ host: address, port, name: schema, user, password, authority }),
    );
  return {
    [script]: { content: renderJobClaim(options), mode: "0755", onChange: "nothing" },
    [options]: {
      ...{ content: pulumi.secret(content), mode: "0640", group: name },
      onChange: "nothing",
    },
  };
}
