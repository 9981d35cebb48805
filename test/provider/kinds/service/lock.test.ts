/** One change at a time on a host: the lock is waited for, held to the end, and let go however that comes. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Site extends Machine {
  readonly it: TestResource;
  readonly lock: string;
  inputs(content: string, more?: WireMap): WireMap;
  content(): Promise<string | undefined>;
}

async function site(t: ExecutionContext): Promise<Site> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const path = sandbox.path("/etc/motd");
  return {
    ...machine,
    it: machine.resource(),
    lock: sandbox.path("/run/lock/trilithon"),
    inputs: (content, more = {}) => ({
      host: wireHost(server.host()),
      ...wire({ name: "motd", files: { [path]: { content } } }),
      ...more,
    }),
    content: () => sandbox.read("/etc/motd").catch(() => undefined),
  };
}

/** Another process that changes something on the host. */
async function holder(t: ExecutionContext, lock: string): Promise<ChildProcess> {
  const child = spawn("flock", [lock, "sh", "-c", "echo held; exec cat"]);
  t.teardown(() => child.kill());
  await once(child.stdout, "data");
  return child;
}

async function release(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  await once(child, "close");
}

function isHeld(lock: string): boolean {
  return spawnSync("flock", ["-n", lock, "true"]).status !== 0;
}

function slowCheck({ sandbox }: Machine, then = "exit 0"): WireMap {
  const flag = sandbox.path("/tmp/flag");
  return {
    check: wire(["sh", "-c", `: >${flag}; while [ -e ${flag} ]; do sleep 0.05; done; ${then}`]),
  };
}

async function underWay({ sandbox }: Machine): Promise<void> {
  while (!(await sandbox.exists("/tmp/flag")))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

onLinux(
  "a change that another one keeps waiting changes nothing, and says why it gave up",
  async (t) => {
    const { sandbox, it, lock, inputs, content } = await site(t);
    await it.up(inputs("one\n"));
    const other = await holder(t, lock);
    await sandbox.write("state/impatient", "");
    await t.throwsAsync(it.up(inputs("two\n")), {
      message:
        "web-01: applying motd: exit 1\nanother change on this host is not done after 900 seconds",
    });
    t.is(await sandbox.read("state/waited"), "flock -w 900 9\n");
    t.is(await content(), "one\n");
    await release(other);
    await it.up(inputs("two\n"));
    t.is(await content(), "two\n");
  },
);

onLinux("a change waits until another one is done", async (t) => {
  const { it, lock, inputs, content, server } = await site(t);
  await it.up(inputs("one\n"));
  const other = await holder(t, lock);
  const { roundTrips } = server;
  const up = it.up(inputs("two\n"));
  while (server.roundTrips < roundTrips + 2) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is(await content(), "one\n");
  await release(other);
  await up;
  t.is(await content(), "two\n");
});

onLinux("the lock is held while a change is under way, and free after it", async (t) => {
  const machine = await site(t);
  const { sandbox, it, lock, inputs } = machine;
  const up = it.up(inputs("one\n", slowCheck(machine)));
  await underWay(machine);
  t.true(isHeld(lock));
  await sandbox.delete("/tmp/flag");
  await up;
  t.false(isHeld(lock));
});

onLinux("a change whose connection is lost holds the lock to its end", async (t) => {
  const machine = await site(t);
  const { sandbox, server, it, lock, inputs, content } = machine;
  const up = t.throwsAsync(it.up(inputs("one\n", slowCheck(machine))));
  await underWay(machine);
  server.dropConnections();
  await up;
  t.true(isHeld(lock));
  await sandbox.delete("/tmp/flag");
  while (isHeld(lock)) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is(await content(), "one\n");
});

onLinux("a change that fails, or is killed, lets go of the lock", async (t) => {
  const machine = await site(t);
  const { sandbox, it, lock, inputs, content } = machine;
  await t.throwsAsync(it.up(inputs("bad\n", { check: wire(["false"]) })));
  t.false(isHeld(lock));
  const killed = t.throwsAsync(it.up(inputs("bad\n", slowCheck(machine))));
  await underWay(machine);
  sandbox.kill();
  await killed;
  await sandbox.delete("/tmp/flag");
  await it.up(inputs("good\n"));
  t.is(await content(), "good\n");
});

onLinux("a removal waits as any other change does, and takes nothing before", async (t) => {
  const { sandbox, it, lock, inputs, content } = await site(t);
  await it.up(inputs("one\n"));
  const other = await holder(t, lock);
  await sandbox.write("state/impatient", "");
  await t.throwsAsync(it.destroy(), {
    message:
      "web-01: removing motd: exit 1\nanother change on this host is not done after 900 seconds",
  });
  t.is(await sandbox.read("state/waited"), "flock -w 900 9\n");
  t.is(await content(), "one\n");
  await release(other);
  await it.destroy();
  t.is(await content(), undefined);
  t.false(isHeld(lock));
});
