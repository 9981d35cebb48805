/** The program of machines-gone.test.ts: a few resources on each machine of the settings, and one that can move. */
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "../../../provider/resources/host";
import { Service } from "../../../provider/resources/service";

interface Listed extends Omit<HostArgs, "privateKey"> {
  readonly folder: string;
  /** What stands on it. */
  readonly services: readonly string[];
}

const config = new pulumi.Config("trilithon");
const machines = config.requireObject<readonly Listed[]>("hosts");
const privateKey = config.requireSecret("privateKey");
const movesTo = config.get("movesTo");

for (const { folder, services, ...listed } of machines) {
  const host = { ...listed, privateKey };
  for (const name of services) {
    const files = { [`${folder}/etc/${name}`]: { content: `${name}\n` } };
    new Service(`${listed.name}-${name}`, { host, name, files });
  }
  if (movesTo !== listed.name) continue;
  const files = { [`${folder}/etc/moving`]: { content: "moving\n" } };
  new Service("moving", { host, name: "moving", files });
}
