import test from "ava";
import { container } from "../../../offline/docker/container";
import type { Container } from "../../../offline/docker/container-args";
import { network } from "../../../offline/docker/network";
import { labelled } from "../../../offline/docker/ownership";
import { unknown } from "../../../provider/protocol/values";
import { fakeContext, owner } from "../context";
import { engine, tinyImage } from "./tiny-image";

const prefix = `trilithon-test-${process.pid}`;
const context = fakeContext();
const subnet = "172.31.253.0/24";
let image = "";
let lan = "";

test.before(async () => {
  image = await tinyImage();
  const wanted = { name: `${prefix}-lan`, ipamConfigs: [{ subnet }] };
  await network.apply(network.plan(undefined, wanted, owner), undefined, wanted, context);
  lan = wanted.name;
});

test.after.always(async () => {
  const all = await engine.listContainers({ all: true, filters: { name: [`${prefix}-`] } });
  await Promise.all(all.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })));
  await engine.getNetwork(lan).remove();
  await engine.getImage(image).remove();
});

test("makes a container of which a following read finds nothing different", async (t) => {
  const wanted: Container = {
    ...args("whole"),
    hostname: "lb-01",
    capabilities: { adds: ["SYS_ADMIN", "CAP_NET_ADMIN"] },
    securityOpts: ["seccomp=unconfined", "apparmor=unconfined"],
    tmpfs: { "/run": "", "/run/lock": "" },
    envs: ["container=docker"],
    cgroupnsMode: "host",
    volumes: [{ hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" }],
    networksAdvanced: [{ name: lan, ipv4Address: "172.31.253.11", aliases: ["balancer"] }],
    ports: [{ internal: 22, ip: "127.0.0.1" }],
    labels: [{ label: "trilithon.host", value: "lb-01" }],
    memory: 64,
    sysctls: { "net.ipv4.ip_nonlocal_bind": "1" },
    dns: ["172.31.253.1"],
    restart: "unless-stopped",
    stopSignal: "SIGRTMIN+3",
    stopTimeout: 7,
    destroyGraceSeconds: 1,
  };
  const state = await make(wanted);
  t.like(state, { hostname: "lb-01", mustRun: true });
  t.like(state.networkDatas?.[0], {
    networkName: lan,
    ipAddress: "172.31.253.11",
    ipPrefixLength: 24,
    gateway: "172.31.253.1",
  });
  t.true((state.ports?.[0]?.external ?? 0) > 1024);
  const live = await container.read(state, context);
  t.deepEqual(live, state);
  t.deepEqual(container.diff(state, wanted), []);
  t.deepEqual(container.plan(live, wanted, owner), []);
  await container.remove(state, context);
  t.is(await container.read(state, context), undefined);
  await t.notThrowsAsync(container.remove(state, context));
});

test("puts the files in before the start, with their modes", async (t) => {
  const state = await make({
    ...args("files"),
    uploads: [
      { file: "/etc/key", content: "grüße\n", permissions: "0600" },
      { file: "/etc/raw", contentBase64: "AAEC/w==", executable: true },
    ],
  });
  t.deepEqual(await file(state, "/etc/key"), { mode: 0o600, text: "grüße\n" });
  t.is((await file(state, "/etc/raw")).mode, 0o744);
});

test("starts a stopped container again, and keeps it", async (t) => {
  const wanted = args("stopped");
  const state = await make(wanted);
  await engine.getContainer(wanted.name).kill();
  const live = await container.read(state, context);
  t.deepEqual(container.diff(live ?? state, wanted), [{ path: ["mustRun"], kind: "update" }]);
  const after = await container.apply(container.plan(live, wanted, owner), live, wanted, context);
  t.is(after.id, state.id);
  t.true(after.mustRun);
});

test("changes the memory and the restart policy of a running container", async (t) => {
  const state = await make({ ...args("limits"), memory: 32, restart: "no" });
  const wanted: Container = { ...args("limits"), memory: 128, restart: "always" };
  t.deepEqual(
    container
      .diff(state, wanted)
      .map(({ path }) => path[0])
      .sort(),
    ["memory", "restart"],
  );
  const after = await container.apply(container.plan(state, wanted, owner), state, wanted, context);
  t.is(after.id, state.id);
  t.deepEqual(container.diff(after, wanted), []);
});

test("tells which image is missing and how to get it", async (t) => {
  const wanted = { ...args("imageless"), image: "trilithon-nowhere:latest" };
  const message = `container ${wanted.name}: the engine has no image trilithon-nowhere:latest: run "npm start", which builds it`;
  await t.throwsAsync(make(wanted), { message });
});

test("names the container that has the port, and leaves nothing behind", async (t) => {
  const holder = await make({ ...args("port-holder"), ports: [{ internal: 80, ip: "127.0.0.1" }] });
  const external = holder.ports?.[0]?.external ?? 0;
  const wanted = { ...args("port-late"), ports: [{ internal: 80, external, ip: "127.0.0.1" }] };
  await t.throwsAsync(make(wanted), {
    message: new RegExp(
      `^starting container ${wanted.name}: .*${external}.*: port ${external} is container ${holder.name}'s$`,
      "s",
    ),
  });
  await t.throwsAsync(engine.getContainer(wanted.name).inspect());
});

test("names the container that has the address", async (t) => {
  const networksAdvanced = [{ name: lan, ipv4Address: "172.31.253.40" }];
  const holder = await make({ ...args("address-holder"), networksAdvanced });
  await t.throwsAsync(make({ ...args("address-late"), networksAdvanced }), {
    message: new RegExp(`: 172\\.31\\.253\\.40 is container ${holder.name}'s$`),
  });
});

test("makes anew what an interrupted run left half-made", async (t) => {
  const wanted = { ...args("half"), labels: [{ label: "trilithon.stack", value: "mine" }] };
  const former = await engine.createContainer({ ...half(wanted), Labels: labelled(wanted) });
  const state = await make(wanted);
  t.not(state.id, former.id);
  t.true(state.mustRun);
});

test("takes over what an interrupted run had finished, and does not remove it as its own predecessor", async (t) => {
  const wanted = args("finished");
  const former = await make(wanted);
  const state = await make(wanted);
  t.is(state.id, former.id);
  await t.throwsAsync(container.remove(former, context), { message: /set deleteBeforeReplace$/ });
});

test("refuses a container of the same name that is another's", async (t) => {
  const labels = [{ label: "trilithon.stack", value: "mine" }];
  for (const [name, others] of Object.entries({
    foreign: {},
    neighbour: labelled({
      name: "theirs",
      labels: [{ label: "trilithon.stack", value: "theirs" }],
    }),
  })) {
    const wanted = { ...args(name), labels };
    const former = await engine.createContainer({ ...half(wanted), Labels: others });
    await t.throwsAsync(make(wanted), {
      message: new RegExp(
        `there is one of this name that is not of this stack \\(${former.id.slice(0, 12)}`,
      ),
    });
    await t.notThrowsAsync(former.inspect());
  }
});

test("foresees the port that the engine has chosen, and only that one", (t) => {
  const ports = [{ internal: 22, ip: "127.0.0.1" }];
  const live = { ...args("foreseen"), ports: [{ ...ports[0], internal: 22, external: 32768 }] };
  const foreseen = (was: Container | undefined) =>
    container.foresee?.(was, { ...args("foreseen"), memory: 64, ports });
  t.like(foreseen(undefined), { hostname: unknown, ports: [{ internal: 22, external: unknown }] });
  t.like(foreseen(live), { ports: live.ports });
  t.like(foreseen({ ...live, mustRun: false }), { ports: [{ external: unknown }] });
});

test("refuses to leave a property unserved in silence", (t) => {
  const { failures } = container.check({
    name: "lb-01",
    image: "x",
    gpus: "all",
    ports: [{ internal: 0 }],
    networksAdvanced: [{ name: "lan", macAddress: "02:42:ac:1f:40:0b" }],
  });
  const unserved =
    "not served by the offline stand-in for the docker plugin: install the official plugin: pulumi plugin install resource docker 5.2.0";
  t.deepEqual(
    [...failures].sort((a, b) => (a.property < b.property ? -1 : 1)),
    [
      { property: "gpus", reason: unserved },
      { property: "networksAdvanced[0].macAddress", reason: unserved },
      { property: "ports[0].internal", reason: "expected an integer from 1 to 65535, got 0" },
    ],
  );
});

function args(name: string): Container {
  return { name: `${prefix}-${name}`, image, command: ["/wait"] };
}

function half({ name }: Container) {
  return { name, Image: image, Cmd: ["/wait"] };
}

function make(wanted: Container): Promise<Container> {
  return container.apply(container.plan(undefined, wanted, owner), undefined, wanted, context);
}

async function file({ name }: Container, path: string): Promise<{ mode: number; text: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of await engine.getContainer(name).getArchive({ path })) {
    chunks.push(Buffer.from(chunk));
  }
  const tar = Buffer.concat(chunks);
  const size = Number.parseInt(tar.toString("latin1", 124, 135), 8);
  return {
    mode: Number.parseInt(tar.toString("latin1", 100, 107), 8) & 0o7777,
    text: tar.toString("utf8", 512, 512 + size),
  };
}
