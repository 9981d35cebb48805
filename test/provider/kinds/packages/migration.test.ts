/** Until 0.1.0 packages were Services without a unit: their states are opened as sets of packages. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { anyKind, type Properties } from "../../../../provider/kind";
import { packages } from "../../../../provider/kinds/packages/kind";
import { service } from "../../../../provider/kinds/service/kind";
import { openState } from "../../../../provider/protocol/state";
import { type Exported, plainOf } from "../../../golden/states/exported";

const file = join(__dirname, "../../../golden/states/0.1.0/containers.json");
const { deployment } = JSON.parse(readFileSync(file, "utf8")) as Exported;
const kind = anyKind(packages);

const former = deployment.resources.filter(({ urn, type }) => {
  return type === "trilithon:index:Service" && urn.endsWith("-packages");
});

test("each set of packages of 0.1.0 is the same as today's, also after today's Service has read it", (t) => {
  t.is(former.length, 7);
  for (const { outputs = {}, urn } of former) {
    for (const stateVersion of [undefined, 0, 1, 7]) {
      const recorded = { properties: plainOf(outputs), secrets: [] };
      // A refresh comes before the program's own wishes: then it is still a Service.
      const { properties: read } = stateVersion ? openState(anyKind(service), recorded) : recorded;
      const properties: Properties = { ...read, ...(stateVersion && { stateVersion }) };
      const opened = openState(kind, { properties, secrets: [] });
      const { host, name, packages: wanted } = properties;
      const { args } = kind.check({ host, name, packages: wanted });
      t.deepEqual(kind.diff(opened.properties, args), [], urn);
      t.deepEqual(Object.keys(opened.properties).sort(), [
        ...["allowRemoval", "hold", "host", "hostSources", "mayStop", "name", "packages"],
        ...["sources", "versions"],
      ]);
    }
  }
});

test("a state of today's stays as it is, and one of tomorrow's is refused", (t) => {
  const { args } = kind.check({ host: {}, name: "tools", packages: { web: "present" } });
  const opened = openState(kind, { properties: { ...args, stateVersion: 1 }, secrets: [] });
  t.deepEqual(opened.properties, args);
  t.throws(() => openState(kind, { properties: { ...args, stateVersion: 2 }, secrets: [] }), {
    message: /written by a later version/,
  });
});
