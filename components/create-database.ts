/** The database of a stack: what its hosts form goes by how many of them have a database role. */
import type * as pulumi from "@pulumi/pulumi";
import { MysqlPair } from "./database";
import type { StackHosts } from "./hosts";
import { MysqlGroup } from "./mysql-group";
import type { MysqlArgs } from "./mysql-members";
import type { Settings } from "./settings";

export function createDatabase(
  name: string,
  hosts: StackHosts["database"],
  // Who is to be the primary is told by the hosts.
  {
    primary: _,
    durability,
    ...options
  }: Settings["database"] & Pick<MysqlArgs, "sharedBy" | "clients">,
  opts: pulumi.ComponentResourceOptions,
): MysqlPair | MysqlGroup | undefined {
  if (hosts === undefined) return undefined;
  if (hosts.topology === "group") {
    const { topology: __, ...members } = hosts;
    return new MysqlGroup(name, { ...options, ...members }, opts);
  }
  const { primary, replicas } = hosts;
  const waits = durability === undefined ? {} : { durability };
  return new MysqlPair(name, { ...options, ...waits, primary, replicas }, opts);
}
