/** With the real apt and dpkg, in a folder: what is announced is what apt does, and what it must not do it does not. */

import type { ExecutionContext } from "ava";
import { anyKind } from "../../../../provider/kind";
import { packages as kind } from "../../../../provider/kinds/packages/kind";
import { AptRoot, onApt } from "../../../support/apt-root";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Host extends Machine {
  readonly apt: AptRoot;
  readonly packages: TestResource;
  readonly wants: (packages: Record<string, string>, more?: object) => WireMap;
}

async function startHost(t: ExecutionContext): Promise<Host> {
  const machine = await startMachine(t, { plugin: { kinds: [anyKind(kind)] } });
  const apt = await AptRoot.make(machine.sandbox);
  const packages = machine.resource("trilithon:index:Packages");
  const wants = (wanted: Record<string, string>, more: object = {}) => ({
    host: wireHost(machine.server.host()),
    ...wire({ name: "tools", packages: wanted, ...more }),
  });
  return { ...machine, apt, packages, wants };
}

onApt("installs what is wanted, with what it needs, as announced", async (t) => {
  const { apt, packages, wants, sandbox } = await startHost(t);
  await apt.publish([
    { name: "web", version: "1:2.0-1", fields: { Depends: "web-common (>= 1)" } },
    { name: "web-common", version: "1.5" },
  ]);
  const wanted = wants({ web: "present" });
  const sentences = [
    "web-01: install web 1:2.0-1, install with it 1 package (web-common 1.5) [new]",
  ];
  t.deepEqual((await packages.preview(wanted)).told, sentences);
  t.deepEqual(await apt.installed(), {});
  t.deepEqual((await packages.up(wanted)).told, sentences);
  t.deepEqual(await apt.installed(), { web: "1:2.0-1", "web-common": "1.5" });
  t.like(packages.state?.properties, {
    versions: { web: "1:2.0-1" },
    packages: { web: "present" },
  });
  t.false(await sandbox.exists("/usr/sbin/policy-rc.d"));
  const { told, diff } = await packages.up(wanted);
  t.deepEqual([told, diff?.detailed], [[], {}]);
});
