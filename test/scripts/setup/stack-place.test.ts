import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { devStack, pulumiEnvironment } from "../../../scripts/setup/environment";
import {
  addressedStack,
  awayHosts,
  placeOf,
  settingsFile,
} from "../../../scripts/setup/stack-place";

const named = (...args: string[]) => addressedStack(args, { PULUMI_STACK: "selected" });

test("a command line names its stack in each of Pulumi's ways", (t) => {
  t.is(named("up", "--stack", "prod"), "prod");
  t.is(named("--stack=prod", "up"), "prod");
  t.is(named("up", "-s", "prod"), "prod");
  t.is(named("up", "-sprod"), "prod");
  t.is(named("stack", "init", "prod"), "prod");
  t.is(named("stack", "init", "--no-select", "prod"), "prod");
  t.is(named("stack", "init", "--secrets-provider", "passphrase", "prod"), "prod");
  t.is(named("stack", "select", "--create", "org/trilithon/prod"), "org/trilithon/prod");
  t.is(named("stack", "rm", "--yes", "prod"), "prod");
});

test("a command line that names none means the stack that is selected", (t) => {
  t.is(named("up"), "selected");
  t.is(named("config", "set", "trilithon:domain", "stack init x"), "selected");
  t.is(named("stack", "ls"), "selected");
});

test("only dev is opened with the published passphrase, and only dev's state never leaves the checkout", (t) => {
  const outer = { PULUMI_BACKEND_URL: "s3://state" };
  t.is(placeOf("dev", outer), devStack);
  t.is(placeOf("organization/trilithon/dev", outer), devStack);
  t.is(placeOf("prod", outer).backend, "s3://state");
  t.is(placeOf("prod", { PULUMI_ACCESS_TOKEN: "x" }).backend, "https://api.pulumi.com");
  t.is(placeOf("prod", {}).backend, devStack.backend);
  const passphrase = (stack: string, environment: NodeJS.ProcessEnv) =>
    pulumiEnvironment(placeOf(stack, {}), environment).PULUMI_CONFIG_PASSPHRASE;
  t.is(passphrase("dev", {}), "trilithon-dev");
  t.is(passphrase("prod", {}), undefined);
  t.is(passphrase("prod", { PULUMI_CONFIG_PASSPHRASE: "own" }), "own");
});

test("the settings of a stack stand in a file of its own name", (t) => {
  t.is(settingsFile({ ...devStack, stack: "org/trilithon/prod" }), "Pulumi.prod.yaml");
});

test("the hosts that are away stand in that file", (t) => {
  const project = mkdtempSync(join(tmpdir(), "trilithon-"));
  t.teardown(() => rmSync(project, { recursive: true }));
  const place = { ...devStack, project };
  t.deepEqual(awayHosts(place), []);
  writeFileSync(
    join(project, "Pulumi.dev.yaml"),
    `config:
  trilithon:hosts:
    - {name: web-01, address: 10.0.0.1, roles: [web], away: false}
    - {name: web-02, address: 10.0.0.2, roles: [web], away: true}
    - {name: web-03, address: 10.0.0.3, roles: [web]}
`,
  );
  t.deepEqual(awayHosts(place), ["web-02"]);
  writeFileSync(join(project, "Pulumi.dev.yaml"), "config:\n  trilithon:hosts: none\n");
  t.deepEqual(awayHosts(place), []);
});
