/** On machines in folders, with the real scripts: what is announced is what is done, and then it is true. */

import assert from "node:assert/strict";
import { lstat, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import fc from "fast-check";
import type { Service } from "../../../../provider/kinds/service/args";
import { announcedSteps, executedSteps, type NumberedEntry } from "../../../support/executed";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { Sandbox } from "../../../support/sandbox";
import { changes } from "../../../support/services";
import { type WireMap, wire } from "../../../support/wire";

/** A Service of the generators, on this machine. */
function inputsOn({ sandbox, server }: Machine, service: Service): WireMap {
  const { host: _, name, enabled, configuration, files, absent, root, drain, ...rest } = service;
  const kept = Object.entries(rest.persistent ?? {});
  const { dependencies } = rest;
  const here = (path: string) => sandbox.path(path);
  const moved = Object.entries(files).map(([path, file]) => [
    here(path),
    // Not everybody who runs the tests may read a file that nobody may.
    { ...file, mode: file.mode === "0000" ? "0640" : file.mode },
  ]);
  return {
    host: wireHost(server.host()),
    ...wire({
      ...rest,
      ...(rest.unit === undefined && { name }),
      files: Object.fromEntries(moved),
      absent: absent.map(here),
      check: ["does", "check"],
      ...(rest.unit && { ready: { command: ["does", "ready"] } }),
      ...(root &&
        dependencies && {
          dependencies: {
            ...dependencies,
            unit: `${dependencies.unit}WorkingDirectory=${here(root)}/dependencies/${dependencies.key}\n`,
          },
        }),
      ...(root && { root: here(root), source: here(`/source/${rest.version}`) }),
      ...(rest.persistent && {
        persistent: Object.fromEntries(
          kept.map(([path, { folder, owner }]) => [path, { folder: here(folder), owner }]),
        ),
      }),
      ...(drain && { drain: { ...drain, file: here(drain.file) } }),
    }),
  };
}

const longAgo = new Date("2020-01-01");

/** What people and accidents do to a machine. */
const accidents: Readonly<Record<string, (sandbox: Sandbox) => Promise<unknown>>> = {
  "a file is edited": (sandbox) => sandbox.write("/etc/a", "by hand\n", longAgo),
  "a file is removed": (sandbox) => sandbox.delete("/etc/b.conf"),
  "a file appears that should not": (sandbox) => sandbox.write("/etc/x", "", longAgo),
  "a mode is changed": (sandbox) => sandbox.chmod("/srv/c d", 0o666),
  "the unit is stopped": (sandbox) => sandbox.unit("it.service", { active: "inactive" }),
  "the unit failed": (sandbox) => sandbox.unit("it.service", { active: "failed" }),
  "the unit is disabled": (sandbox) => sandbox.unit("it.service", { enabled: "disabled" }),
  "the unit was started with a file that was put back since": async (sandbox) => {
    if (!(await sandbox.exists("/etc/a"))) return;
    await sandbox.unit("it.service", { entered: 1000, changed: 1000 });
    await sandbox.write("/etc/a", await sandbox.read("/etc/a"), longAgo);
  },
  "a further unit is stopped": (sandbox) => sandbox.unit("it-mail.service", { active: "inactive" }),
  "a further unit failed": (sandbox) => sandbox.unit("it-sms@1.service", { active: "failed" }),
  "a further unit is disabled": (sandbox) =>
    sandbox.unit("it-mail.service", { enabled: "disabled" }),
  "a user is removed": (sandbox) => sandbox.delete("state/users/app"),
  "the link to the version is removed": (sandbox) => sandbox.delete("/srv/it/current"),
  "the link leads elsewhere": async (sandbox) => {
    await sandbox.write("/srv/old/one/server.js", "an older one\n", longAgo);
    await sandbox.delete("/srv/it/current");
    await sandbox.link("/srv/it/current", sandbox.path("/srv/old/one"));
  },
  "a folder that outlives versions is removed": (sandbox) => sandbox.delete("/srv/state"),
  "a link to such a folder is replaced": async (sandbox) => {
    if (!(await sandbox.exists("/srv/it/current/lib"))) return;
    await sandbox.delete("/srv/it/current/lib");
    await sandbox.write("/srv/it/current/lib/a", "by hand\n", longAgo);
  },
  "such a folder is somebody else's": async (sandbox) => {
    const folder = sandbox.path("/srv/state/a");
    if (await sandbox.exists("/srv/state/a")) {
      await sandbox.run(`chown -hR root:root -- '${folder}'`);
    }
  },
  "a version is removed": (sandbox) => sandbox.delete("/srv/it/releases/one"),
};

async function prepare({ sandbox }: Machine): Promise<void> {
  for (const name of ["it.service", "it-mail.service", "it-sms@1.service"]) {
    await sandbox.unit(name, { active: "inactive", enabled: "disabled" });
  }
  for (const version of ["one", "two", "three"]) {
    const file = sandbox.path(`/source/${version}/server.js`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `version ${version}\n`);
  }
}

async function snapshot(sandbox: Sandbox): Promise<Record<string, NumberedEntry>> {
  const [etc, srv] = [await sandbox.entries("/etc"), await sandbox.entries("/srv")];
  const all = Object.entries({ ...etc, ...srv }).map(async ([name, entry]) => {
    const path = sandbox.path(name);
    const { ino: inode } = await lstat(path, { bigint: true });
    return [path, { ...entry, inode }] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

onLinux(
  "what is announced is what is done, then it is true, and a second time nothing is done",
  async (t) => {
    t.timeout(300_000);
    const property = fc.asyncProperty(
      changes,
      fc.uniqueArray(fc.constantFrom(...Object.keys(accidents)), { maxLength: 4 }),
      async ({ former, wanted }, happens) => {
        const machine = await startMachine(t);
        const { sandbox, server } = machine;
        await prepare(machine);
        const resource = machine.resource(
          `trilithon:index:${wanted.root === undefined ? "Service" : "Release"}`,
        );
        const step = async (service: Service) => {
          const inputs = inputsOn(machine, service);
          const previewed = await resource.preview(inputs);
          const before = await snapshot(sandbox);
          await sandbox.clearLog();
          const { told } = await resource.up(inputs);
          const executed = executedSteps(await sandbox.log(), before, await snapshot(sandbox));
          assert.deepEqual(told, previewed.told);
          assert.deepEqual(executed.sort(), told.flatMap(announcedSteps).sort());
        };
        const settled = async (service: Service) => {
          const before = await snapshot(sandbox);
          await sandbox.clearLog();
          const { roundTrips } = server;
          const { diff, told } = await resource.up(inputsOn(machine, service));
          assert.deepEqual(diff?.detailed, {});
          assert.deepEqual(told, []);
          assert.deepEqual(await sandbox.log(), []);
          assert.deepEqual(await snapshot(sandbox), before);
          assert.equal(server.roundTrips - roundTrips, 1);
        };
        await step(former);
        if (resource.state !== undefined) await settled(former);
        for (const name of happens) await accidents[name]?.(sandbox);
        await step(wanted);
        await settled(wanted);
        await machine.stop();
      },
    );
    const { failed, counterexample, errorInstance, seed } = await fc.check(property, {
      numRuns: 5,
      endOnFailure: true,
    });
    if (failed) t.fail(`seed ${seed}: ${JSON.stringify(counterexample)}\n${errorInstance}`);
    else t.pass();
  },
);
