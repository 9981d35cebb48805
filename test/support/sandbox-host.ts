/** A host whose files are in a `Sandbox`, behind an SSH server of this process. Both go with the test. */
import type { ExecutionContext } from "ava";
import { Sandbox } from "./sandbox";
import { SshServer } from "./ssh-server";

export async function startSandboxHost(t: ExecutionContext, user = "root") {
  const sandbox = await Sandbox.make();
  const server = await SshServer.start({ execute: sandbox.execute, user });
  t.teardown(async () => {
    sandbox.kill();
    await server.stop();
    await sandbox.remove();
  });
  return { sandbox, server };
}
