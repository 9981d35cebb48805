import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import test from "ava";
import { cliFolder, devStack, pulumiEnvironment, root } from "../../../scripts/setup/environment";
import { opens } from "../../../scripts/setup/passphrase";

test("a stack of its own has its own name and backend", (t) => {
  const environment = pulumiEnvironment({ stack: "two", project: "/p", backend: "/b" }, {});
  t.is(environment.PULUMI_STACK, "two");
  t.is(environment.PULUMI_BACKEND_URL, "file:///b?metadata=skip");
});

test("our CLI comes before the user's", (t) => {
  const environment = pulumiEnvironment(devStack, { PATH: "/usr/bin" });
  t.is(environment.PATH, `${cliFolder}${delimiter}/usr/bin`);
});

test("a passphrase of the user's is kept, an empty one too", (t) => {
  const passphrase = (outer: NodeJS.ProcessEnv) =>
    pulumiEnvironment({ stack: "two", project: "/p", backend: "/b" }, outer)
      .PULUMI_CONFIG_PASSPHRASE;
  t.is(passphrase({}), "trilithon-dev");
  t.is(passphrase({ PULUMI_CONFIG_PASSPHRASE: "" }), "");
  t.is(passphrase({ PULUMI_CONFIG_PASSPHRASE_FILE: "/secret" }), undefined);
});

test("the dev stack's passphrase is the published one, also where the environment has another stack's", (t) => {
  const environment = pulumiEnvironment(devStack, { PULUMI_CONFIG_PASSPHRASE: "another" });
  t.is(environment.PULUMI_CONFIG_PASSPHRASE, "trilithon-dev");
  const settings = readFileSync(join(root, "Pulumi.dev.yaml"), "utf8");
  t.true(opens(settings, "trilithon-dev"));
  t.false(opens(settings, "another"));
  t.false(opens("config: {}\n", "trilithon-dev"));
});

test("the user's own options for Node are kept beside ours", (t) => {
  const options = (outer: NodeJS.ProcessEnv) => pulumiEnvironment(devStack, outer).NODE_OPTIONS;
  t.regex(options({}) ?? "", /^--require ".*preload\.cjs"$/);
  t.regex(options({ NODE_OPTIONS: "--no-warnings" }) ?? "", /^--no-warnings --require /);
});

test("only a stack that may have containers is refreshed as a whole", async (t) => {
  const project = await mkdtemp(join(tmpdir(), "trilithon-"));
  t.teardown(() => rm(project, { recursive: true }));
  const refresh = (stack: string, outer = {}) =>
    pulumiEnvironment({ stack, project, backend: "/b" }, outer).PULUMI_OPTION_REFRESH;
  await writeFile(
    join(project, "Pulumi.machines.yaml"),
    "config:\n  trilithon:domain: a.example\n",
  );
  await writeFile(join(project, "Pulumi.laptop.yaml"), "config:\n  trilithon:containers: {}\n");
  t.is(refresh("machines"), "false");
  t.is(refresh("machines", { PULUMI_OPTION_REFRESH: "true" }), "true");
  t.is(refresh("laptop"), undefined);
  t.is(refresh("none"), undefined);
});
