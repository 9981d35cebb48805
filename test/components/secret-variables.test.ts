/** As Pulumi starts the program: with the decrypted settings, the names of those with a secret in them, and the folder of the stack's file. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";

const folder = mkdtempSync(join(tmpdir(), "trilithon-settings-"));
// The SDK reads them as it is loaded.
process.env.PULUMI_NODEJS_ROOT_DIRECTORY = folder;
process.env.PULUMI_NODEJS_STACK = "prod";
test.after.always(() => rmSync(folder, { recursive: true }));

const environment = { LOG: "debug", Site__Name: "shop", WORKERS: 4, TOKEN: "planted" };

async function secretOnes(secretKeys: readonly string[] | undefined): Promise<readonly string[]> {
  const pulumi = await import("@pulumi/pulumi");
  const { readSettings } = await import("../../components/settings");
  if (secretKeys === undefined) delete process.env.PULUMI_CONFIG_SECRET_KEYS;
  else process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(secretKeys);
  pulumi.runtime.setAllConfig({
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": JSON.stringify([
      { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
      { name: "web-01", address: "172.31.64.21", roles: ["web"] },
    ]),
    "trilithon:containers": JSON.stringify({ subnet: "172.31.64.0/24" }),
    "trilithon:application": JSON.stringify({ source: "./app", environment }),
  });
  const read = readSettings().application.environment;
  const names = Object.keys(read);
  const secrecy = await Promise.all(
    names.map((name) => pulumi.isSecret(pulumi.output(read[name]))),
  );
  return names.filter((_, index) => secrecy[index]);
}

const all = Object.keys(environment);

test.serial("of the variables beside a secret none is hidden", async (t) => {
  const secure = { secure: "v1:abc:def" };
  const written = { "trilithon:application": { environment: { ...environment, TOKEN: secure } } };
  writeFileSync(join(folder, "Pulumi.prod.yaml"), JSON.stringify({ config: written }));
  t.deepEqual(await secretOnes(["trilithon:application"]), ["TOKEN"]);
});

test.serial("the file is found in the program's folder too", async (t) => {
  const elsewhere = mkdtempSync(join(tmpdir(), "trilithon-program-"));
  const before = process.cwd();
  renameSync(join(folder, "Pulumi.prod.yaml"), join(elsewhere, "Pulumi.prod.yaml"));
  process.chdir(elsewhere);
  t.deepEqual(await secretOnes(["trilithon:application"]), ["TOKEN"]);
  process.chdir(before);
  renameSync(join(elsewhere, "Pulumi.prod.yaml"), join(folder, "Pulumi.prod.yaml"));
  rmSync(elsewhere, { recursive: true });
});

test.serial("without a secret none is hidden", async (t) => {
  t.deepEqual(await secretOnes(["trilithon:privateKey"]), []);
});

test.serial("where it cannot be known which is a secret, all are hidden", async (t) => {
  rmSync(join(folder, "Pulumi.prod.yaml"));
  t.deepEqual(await secretOnes(["trilithon:application"]), all);
  t.deepEqual(await secretOnes(undefined), all);
});
