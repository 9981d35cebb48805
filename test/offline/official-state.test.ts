/** States that the official plugins wrote (docker 5.2, command 1.2.1, recorded from a run of them) open here as unchanged. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { localCommand } from "../../offline/command/local-command";
import type { ContainerArgs } from "../../offline/docker/container-args";
import { differencesOf } from "../../offline/docker/container-plan";
import { network } from "../../offline/docker/network";
import { containerDefaults, networkDefaults } from "../../offline/docker/official-outputs";
import { anyKind, type Properties } from "../../provider/kind";
import { openState, stateOf, withId } from "../../provider/protocol/state";

const recorded: Readonly<Record<string, { id: string; outputs: Properties }>> = JSON.parse(
  readFileSync(join(__dirname, "..", "golden", "official-plugins.json"), "utf8"),
);
const outputsOf = (type: string) => recorded[type]?.outputs ?? {};
const container = "docker:index/container:Container";
const bridge = "docker:index/network:Network";

const wanted: ContainerArgs = {
  command: ["/sbin/init"],
  capabilities: { adds: ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"] },
  securityOpts: ["seccomp=unconfined", "apparmor=unconfined"],
  tmpfs: { "/run": "", "/run/lock": "" },
  envs: ["container=docker"],
  cgroupnsMode: "host",
  stopSignal: "SIGRTMIN+3",
  destroyGraceSeconds: 30,
  name: "f1-cross-c",
  hostname: "c",
  image: "trilithon-host:latest",
  memory: 300,
  memorySwap: 600,
  restart: "unless-stopped",
  volumes: [{ hostPath: "/sys/fs/cgroup/unified", containerPath: "/sys/fs/cgroup" }],
  networksAdvanced: [{ name: "f1-cross", ipv4Address: "172.31.163.11" }],
  uploads: [{ file: "/etc/x.conf", content: "abc", permissions: "0600" }],
  ports: [{ internal: 2222, external: 16302, ip: "127.0.0.1" }],
  labels: [
    { label: "trilithon.host", value: "c" },
    { label: "trilithon.stack", value: "cross" },
  ],
};

test("a container of the official plugin's is unchanged", (t) => {
  // Of the other plugin's outputs only the names that are served here are compared.
  const outputs = outputsOf(container) as unknown as ContainerArgs;
  t.deepEqual(differencesOf(outputs, wanted), []);
  const limit = differencesOf(outputs, { ...wanted, memory: 400, memorySwap: 800 });
  t.deepEqual(
    limit.map(({ path, replace }) => [...path, replace]),
    [
      ["memory", undefined],
      ["memorySwap", undefined],
    ],
  );
  const file = { file: "/etc/x.conf", content: "other", permissions: "0600" };
  t.is(differencesOf(outputs, { ...wanted, uploads: [file] }).length, 1);
});

test("a container of before memorySwap was served is unchanged with the engine's own choice", (t) => {
  const { memorySwap: _, ...before } = wanted;
  t.deepEqual(differencesOf(before, wanted), []);
  t.is(differencesOf(before, { ...wanted, memorySwap: 700 }).length, 1);
});

test("a network of the official plugin's is unchanged", (t) => {
  const args = {
    name: "f1-cross",
    ipamConfigs: [{ subnet: "172.31.163.0/24" }],
    labels: [{ label: "trilithon.stack", value: "cross" }],
    options: { "com.docker.network.driver.mtu": "1400" },
  };
  const kind = anyKind(network);
  t.deepEqual(kind.diff(outputsOf(bridge), args), []);
  const moved = { ...args, ipamConfigs: [{ subnet: "172.31.164.0/24" }] };
  t.is(kind.diff(outputsOf(bridge), moved).length, 1);
  // It says of itself that it has no IPv6.
  const six = kind.diff(outputsOf(bridge), { ...args, ipv6: true });
  t.deepEqual(
    six.map(({ path, replace }) => [...path, replace]),
    [["ipv6", true]],
  );
});

test("what the stand-in keeps beside is what the official plugin keeps", (t) => {
  for (const [type, defaults] of [
    [container, containerDefaults],
    [bridge, networkDefaults],
  ] as const) {
    const official = outputsOf(type);
    for (const [name, value] of Object.entries(defaults)) t.deepEqual(official[name], value, name);
  }
});

test("a command keeps nothing but the official outputs, and its id beside them", (t) => {
  const { id = "", outputs = {} } = recorded["command:local:Command"] ?? {};
  const kind = anyKind(localCommand);
  const opened = openState(kind, withId(kind, id, { properties: outputs, secrets: [] }));
  t.is(opened.properties.id, id);
  const state = stateOf(kind, opened.properties, [], opened.kept);
  t.is(state.id, id);
  t.deepEqual(state.properties, outputs);
});

test("the notes that the official plugin keeps about its outputs are not handed on", (t) => {
  const kind = anyKind(network);
  const outputs = { ...outputsOf(bridge), __meta: "{}", __pulumi_raw_state_delta: { obj: {} } };
  const opened = openState(kind, { properties: outputs, secrets: [] });
  const { properties } = stateOf(kind, opened.properties, [], opened.kept);
  t.deepEqual(properties, outputsOf(bridge));
});
