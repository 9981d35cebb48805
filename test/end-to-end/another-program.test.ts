/** Another program with the installed package: a load balancer alone, before two servers that were there. */
import { join } from "node:path";
import test from "ava";
import type { StackPlace } from "../../scripts/setup/environment";
import type { Finished } from "../../scripts/setup/run";
import { capturePulumi, selectStack } from "../../scripts/setup/stack";
import { Consumer } from "../support/consumer";
import { newKeyPair } from "../support/ssh-keys";

const consumer = Consumer.install();
/** Nothing listens there. */
const closedPort = 1;

test.after.always(async () => (await consumer).remove());

const projectFile = `name: elsewhere
runtime: nodejs
main: index.ts
plugins:
  providers:
    - name: trilithon
      path: node_modules/trilithon/dist/plugin
`;

const program = `import * as pulumi from "@pulumi/pulumi";
import { ExistingHost } from "trilithon/existing-host";
import { LoadBalancer } from "trilithon/load-balancer";

const config = new pulumi.Config();
const late = (port: number) => (config.getBoolean("late") ? pulumi.output(port) : port);
const front = new ExistingHost("front", {
  address: "127.0.0.1",
  port: ${closedPort},
  hostKey: config.require("hostKey"),
  privateKey: config.requireSecret("privateKey"),
});
const balancer = new LoadBalancer("front", {
  hosts: [front],
  servers: [
    { host: { name: "one", address: "10.0.0.21" }, port: late(config.requireNumber("port")) },
    { host: { name: "two", address: "10.0.0.22" }, port: 8080 },
  ],
  domain: config.require("domain"),
  healthPath: "/healthz",
});
export const statsUrls = balancer.statsUrls;
`;

async function preview(settings: Readonly<Record<string, string | number>>): Promise<Finished> {
  const project = await consumer;
  const key = newKeyPair();
  const place: StackPlace = {
    stack: "elsewhere",
    project: project.folder,
    backend: join(project.folder, "state"),
  };
  await project.write("Pulumi.yaml", projectFile);
  await project.write("index.ts", program);
  await selectStack(place);
  for (const [name, value] of Object.entries({ hostKey: key.public.trim(), ...settings })) {
    await configure(place, ["--plaintext", name, "--", String(value)]);
  }
  await configure(place, ["--secret", "privateKey", "--", key.private]);
  return capturePulumi(place, ["preview", "--non-interactive", "--color=never"]);
}

async function configure(place: StackPlace, args: readonly string[]): Promise<void> {
  const { status, stderr } = await capturePulumi(place, ["config", "set", ...args]);
  if (status !== 0) throw new Error(stderr);
}

test.serial(
  "a preview of a host that does not answer warns, and plans as for an empty machine",
  async (t) => {
    const { status, stdout, stderr } = await preview({ domain: "www.example.com", port: 8080 });
    t.is(status, 0, stdout + stderr);
    t.regex(stdout, /warning: planned as for an empty machine: front \(root@127\.0\.0\.1/);
    t.regex(stdout, /front: install haproxy, .*\[new\]/);
    t.regex(stdout, /front: write .*\/haproxy\.cfg \(new, .*start haproxy.*\[new\]/);
    t.regex(stdout, /front *: "http:\/\/127\.0\.0\.1:8404\/"/);
  },
);

test.serial("bad arguments are told all at once, with their paths", async (t) => {
  const { status, stdout, stderr } = await preview({ domain: "example", port: 0 });
  t.not(status, 0);
  const told = (stdout + stderr).split("\n").map((line) => line.trim());
  for (const line of [
    "LoadBalancer front: servers[0].port: expected an integer from 1 to 65535, got 0",
    'LoadBalancer front: domain: expected a domain name such as www.example.com, got "example"',
  ]) {
    t.true(
      told.some((one) => one.endsWith(line)),
      `${line}\n${told.join("\n")}`,
    );
  }
});

test.serial("an output that turns out to be wrong is refused with its path", async (t) => {
  const settings = { domain: "www.example.com", port: 0, late: "true" };
  const { status, stdout, stderr } = await preview(settings);
  t.not(status, 0);
  const line = "LoadBalancer front: servers[0].port: expected an integer from 1 to 65535, got 0";
  t.true((stdout + stderr).includes(line), stdout + stderr);
});
