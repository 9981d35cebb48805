import test from "ava";
import { renderEnvironmentFile } from "../../../../components/render/environment-file";
import type { Service } from "../../../../provider/kinds/service/args";
import { checkService } from "../../../../provider/kinds/service/check";
import { plan } from "../../../../provider/kinds/service/plan";
import { host, owner } from "../../../support/services";

const path = "/etc/shop/secrets";

function service(variables: Readonly<Record<string, string>>): Service {
  const file = { content: renderEnvironmentFile(variables), format: "environment" };
  const { args, failures } = checkService({
    ...{ host: { ...host }, name: "shop" },
    files: { [path]: file },
  });
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // What passed the check is a Service.
  return args as unknown as Service;
}

const told = (before: Service | undefined, after: Service) =>
  plan(before, after, owner).map(({ sentence }) => sentence);

test("a preview names the variables that change, and shows no value", (t) => {
  const before = { A: "1", OLD: "planted", TEXT: 'two\nlines "\\', SAME: "FAKE=\n\"B='x'" };
  const after = { ...before, A: "2", NEW: "planted", TEXT: 'two\nlines "\\\nNONE="' };
  const { OLD: _, ...rest } = after;
  t.deepEqual(told(service(before), service(rest)), [
    `write ${path} (A changed, NEW new, TEXT changed, OLD gone)`,
  ]);
  t.deepEqual(told(undefined, service(before)), [`write ${path} (new: A, OLD, SAME, TEXT)`]);
  t.deepEqual(told(service(before), service(before)), []);
});
