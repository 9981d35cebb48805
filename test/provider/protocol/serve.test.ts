/** The plugin as a process of its own, as the engine starts it. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { RecordedEngine } from "../../support/engine";
import { PluginClient } from "../../support/plugin";

const run = promisify(execFile);
const root = join(__dirname, "../../..");
const command = [process.execPath, "--import=tsx", "provider/plugin.ts"];

interface Started {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly client: PluginClient;
}

async function start(
  t: ExecutionContext,
  [program = "", ...args]: readonly string[],
): Promise<Started> {
  const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => {
    child.kill("SIGKILL");
  });
  const lines: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      if (/^[0-9]+$/.test(line)) resolve(Number(line));
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}`)));
  });
  const client = new PluginClient(port);
  t.teardown(() => client.raw.close());
  return { child, lines, client };
}

test("it prints its port and nothing else, answers, and ends when told to", async (t) => {
  const engine = await RecordedEngine.start();
  t.teardown(() => engine.stop());
  const { child, lines, client } = await start(t, [...command, engine.address]);
  const type = "trilithon:index:Service";
  const { failures } = await client.check({ type }, { unit: "nginx.service" });
  t.is(failures.length, 1);
  await t.throwsAsync(client.create({ type }, { host: { name: "nowhere" } }));
  await client.cancel();
  t.is(lines.length, 1);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGINT");
  t.is(await ended, 0);
});

test("without an engine it answers too", async (t) => {
  const { client } = await start(t, command);
  const { failures } = await client.check({ type: "trilithon:index:Password" }, { length: 1 });
  t.is(failures.length, 1);
});

test("it ends when its parent was killed", async (t) => {
  const script = `${command.map((word) => `'${word}'`).join(" ")} & echo "plugin $!"; wait`;
  const { child, lines } = await start(t, ["/bin/sh", "-c", script]);
  const pid = Number(lines.find((line) => line.startsWith("plugin "))?.slice("plugin ".length));
  t.true(await isAlive(pid));
  child.kill("SIGKILL");
  while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  t.pass();
});

/** A process that ended, and was not asked for its status yet, is not alive. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await run("ps", ["-o", "stat=", "-p", String(pid)]).catch(() => ({
    stdout: "Z",
  }));
  return !stdout.trim().startsWith("Z");
}
