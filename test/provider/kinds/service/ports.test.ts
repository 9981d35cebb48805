/** A port that changes hands between two applications of a stack, against real ports of this computer. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

/** A process that listens, and is no child of this one. */
async function startListener(t: ExecutionContext) {
  const listen =
    "require('node:http').createServer((_, r) => r.end()).listen(0, '127.0.0.1', function () { console.log(process.pid, this.address().port); })";
  const shell = spawn("sh", ["-c", '"$0" -e "$1" &', process.execPath, listen], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(shell.stdout, "data");
  const [pid = 0, port = 0] = String(said).trim().split(" ").map(Number);
  const isOver = once(shell.stdout, "close");
  const end = async () => {
    process.kill(pid);
    await isOver;
  };
  t.teardown(() => end().catch(() => undefined));
  return { pid, port, end };
}

/** `blog` listens at a port that `shop` wants, and both are of one stack. */
async function twoAtOnePort(t: ExecutionContext, { deadlineSeconds = 1, blogOf = "dev" } = {}) {
  const blog = await startListener(t);
  const { port } = blog;
  const machine = await startMachine(t);
  const { sandbox, server, resource } = machine;
  const host = wireHost(server.host());
  await sandbox.unit("blog.service", { properties: `MainPID=${blog.pid}\n` });
  await sandbox.unit("shop.service", { properties: `MainPID=${process.pid}\n` });
  await resource(undefined, { name: "blog", stack: blogOf }).up({
    host,
    ...wire({ unit: "blog.service" }),
  });
  await sandbox.clearLog();
  await sandbox.write("/source/server.js", "one\n");
  const shop = resource("trilithon:index:Release", { name: "shop", stack: "dev" });
  const wanted = {
    host,
    ...wire({
      ...{ unit: "shop.service", root: sandbox.path("/srv/shop"), version: "one" },
      source: sandbox.path("/source"),
      ready: { http: `http://127.0.0.1:${port}/health`, deadlineSeconds },
    }),
  };
  return { ...machine, blog, port, up: () => shop.up(wanted), preview: () => shop.preview(wanted) };
}

onLinux("one that takes another's port waits until that one has left it", async (t) => {
  const { blog, port, up, plugin } = await twoAtOnePort(t, { deadlineSeconds: 60 });
  const isUp = up();
  const isWaiting = () =>
    plugin.engine.messages.some(({ text }) => text.includes("until blog.service leaves port"));
  while (!isWaiting()) await new Promise((resolve) => setTimeout(resolve, 5));
  await blog.end();
  const own = createServer((_, response) => response.end());
  t.teardown(() => own.close());
  await new Promise<void>((resolve) => own.listen(port, "127.0.0.1", resolve));
  await t.notThrowsAsync(isUp);
});

onLinux("a port that another one keeps is told before anything is changed", async (t) => {
  const { port, up, preview, sandbox } = await twoAtOnePort(t);
  const { told } = await preview();
  t.true(told[0]?.includes(`wait until blog.service leaves port ${port}, start shop`), told[0]);
  t.regex(told[1] ?? "", /: give shop another port$/);
  const error = await t.throwsAsync(up());
  t.regex(
    error?.message ?? "",
    new RegExp(
      `\nport ${port} is taken by blog\\.service, of this stack as well, .* To go on, give one of them another port: `,
    ),
  );
  t.deepEqual(await sandbox.log(), []);
});

onLinux("what is of another stack is not waited for", async (t) => {
  const { port, up, preview } = await twoAtOnePort(t, { blogOf: "prod" });
  t.false((await preview()).told.some((line) => line.includes("blog")));
  const error = await t.throwsAsync(up());
  t.regex(
    error?.message ?? "",
    new RegExp(`\\nport ${port} is taken by \\S.* \\(process \\d+\\)$`),
  );
});
