/** The key by which a host is reached becomes another one, and the former one is let in no more. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import type { ExecutionContext } from "ava";
import { anyKind } from "../../../provider/kind";
import { machine as machineKind } from "../../../provider/kinds/machine";
import { retiredKeys } from "../../../provider/kinds/retired-keys";
import { isLetIn } from "../../support/let-in";
import { startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { TestPlugin } from "../../support/plugin";
import { TestResource } from "../../support/resource";
import type { Sandbox } from "../../support/sandbox";
import { newKeyPair } from "../../support/ssh-keys";
import { answering, type SshServerOptions } from "../../support/ssh-server";
import { secret, type WireMap } from "../../support/wire";

const kinds = [anyKind(machineKind), anyKind(retiredKeys)];
const keysFile = "root/.ssh/authorized_keys";
const facts = "os Debian\nmemory 1000000000\nprocessors 2\nport 22\n";
const [former, present] = [newKeyPair(), newKeyPair()];
const others = 'restrict,command="echo hi" ssh-ed25519 AAAAothers other\n# a comment';

/** A host that lets in whom a file of it names; what is read and what is done have a plugin each, as the engine does it. */
async function host(t: ExecutionContext, more: SshServerOptions = {}) {
  let sandbox: Sandbox | undefined;
  const inFile = () => {
    const file = sandbox?.path(keysFile) ?? "";
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    return lines.filter((line) => line.startsWith("ssh-ed25519 AAAAC3"));
  };
  const machine = await startMachine(t, {
    ssh: {
      allows: inFile,
      ...more,
      execute: async (execution) => {
        if (!execution.text.includes("PRETTY_NAME")) return sandbox?.execute(execution);
        await answering(() => ({ stdout: facts }))(execution);
      },
    },
  });
  sandbox = machine.sandbox;
  const { server } = machine;
  await sandbox.write("state/users/root", sandbox.path("root"));
  await sandbox.write(
    "bin/sshd",
    "#!/bin/sh\necho 'authorizedkeysfile %h/.ssh/authorized_keys .keys/%u'\n",
  );
  await chmod(sandbox.path("bin/sshd"), 0o755);
  await sandbox.write(keysFile, `${others}\n${former.public}`);
  await chmod(sandbox.path(keysFile), 0o640);
  const states = new Map<string, TestResource["state"]>();
  const withPlugin = async <T>(type: string, work: (resource: TestResource) => Promise<T>) => {
    const plugin = await TestPlugin.start({ connectSeconds: 60, kinds });
    const resource = new TestResource(plugin, { type: `trilithon:index:${type}` });
    resource.state = states.get(type);
    try {
      return await work(resource);
    } finally {
      states.set(type, resource.state);
      await plugin.stop();
    }
  };
  const phase = async (type: string, inputs: WireMap, verb: "up" | "preview") => {
    await withPlugin(type, (resource) => resource.refresh());
    return withPlugin(type, (resource) => {
      if (resource.state) resource.state = { ...resource.state, isReadBeforeUpdate: false };
      return resource[verb](inputs);
    });
  };
  const by = ({ private: privateKey }: typeof former) => wireHost(server.host({ privateKey }));
  const letsIn = ({ private: privateKey }: typeof former) => isLetIn(server.host({ privateKey }));
  return { sandbox, server, phase, by, letsIn };
}

onLinux("a key is let in beside the former one, which is let in no more in the end", async (t) => {
  const { sandbox, phase, by, letsIn } = await host(t);
  await phase("Machine", { host: by(former) }, "up");
  const machine = { host: by(present) };
  const says =
    "web-01: let in another key beside the former one, unless it does already, and reach it by that one [change]";
  t.deepEqual((await phase("Machine", machine, "preview")).told, [says]);
  t.is(await sandbox.read(keysFile), `${others}\n${former.public}`);
  t.deepEqual((await phase("Machine", machine, "up")).told, [says]);
  t.is(await sandbox.read(keysFile), `${others}\n${former.public}\n${present.public}\n`);
  t.deepEqual((await phase("Machine", machine, "preview")).told, []);
  t.true(await letsIn(former));

  await sandbox.write("root/.keys/root", `${former.public}\n`);
  const retired = { host: by(present), keys: [`${former.public} of before`] };
  const { told } = await phase("RetiredKeys", retired, "preview");
  t.is(told.length, 1);
  t.regex(
    told[0] ?? "",
    /^web-01: let nobody in as root by the key SHA256:\S{43} any more, .* \[new\]$/,
  );
  t.true(await letsIn(former));
  t.deepEqual((await phase("RetiredKeys", retired, "up")).told, told);
  t.is(await sandbox.read(keysFile), `${others}\n${present.public}\n`);
  t.is(await sandbox.read("root/.keys/root"), "");
  t.deepEqual([await letsIn(former), await letsIn(present)], [false, true]);
  t.deepEqual((await phase("RetiredKeys", retired, "preview")).told, []);
  t.deepEqual((await phase("Machine", machine, "preview")).told, []);

  await sandbox.write(keysFile, `${former.public}\n${present.public}\n`);
  t.regex((await phase("RetiredKeys", retired, "preview")).told.join(), /SHA256:.* \[drift\]$/);
});

onLinux(
  "a machine that was made anew is told the key in use by the one that it was made with",
  async (t) => {
    const { sandbox, phase, by, letsIn } = await host(t);
    const machine = { host: { ...by(present), formerPrivateKeys: [secret(former.private)] } };
    await phase("Machine", machine, "up");
    t.true(await letsIn(present));
    t.true((await sandbox.read(keysFile)).endsWith(`${former.public}\n${present.public}\n`));
  },
);

onLinux(
  "a key that is not let in although the host was told of it is taken out again",
  async (t) => {
    const { sandbox, phase, by } = await host(t, { allows: () => [former.public] });
    await phase("Machine", { host: by(former) }, "up");
    const message =
      /not let in: .*check the user, and that its authorized_keys holds the public half/;
    await t.throwsAsync(phase("Machine", { host: by(present) }, "up"), { message });
    t.is(await sandbox.read(keysFile), `${others}\n${former.public}\n`);
  },
);

onLinux("the key by which a host is reached cannot be retired", async (t) => {
  const { phase, by, letsIn } = await host(t);
  const inputs = { host: by(former), keys: [former.public] };
  const message = "web-01: the key by which it is reached is one of the retired ones";
  await t.throwsAsync(phase("RetiredKeys", inputs, "up"), { message });
  t.true(await letsIn(former));
});

onLinux("a machine shows another key, which was made and waits there", async (t) => {
  const [shown, next] = [newKeyPair(), newKeyPair()];
  let file = "";
  const showsKey = () =>
    file !== "" && readFileSync(file, "utf8") === next.private ? next : shown;
  const { sandbox, server, phase } = await host(t, { showsKey, allows: () => [former.public] });
  file = sandbox.path("etc/ssh/ssh_host_ed25519_key");
  const shows = (hostKey: string) => ({
    host: wireHost(server.host({ hostKey, privateKey: former.private })),
  });
  const write = async (name: string, pair: typeof shown) => {
    await sandbox.write(`etc/ssh/${name}`, pair.private);
    await sandbox.write(`etc/ssh/${name}.pub`, `${pair.public} root@web-01\n`);
  };
  await write("ssh_host_ed25519_key", shown);
  await phase("Machine", shows(shown.public), "up");
  await t.throwsAsync(phase("Machine", shows(next.public), "up"), {
    message: /its sshd does not have the host key that it is to show, nor does that wait in /,
  });

  await write("trilithon_next_host_key", next);
  const { told } = await phase("Machine", shows(next.public), "preview");
  t.is(told.length, 1);
  t.regex(told[0] ?? "", /^web-01: have its sshd show the host key SHA256:\S{43}, .* \[change\]$/);
  t.is(await sandbox.read("etc/ssh/ssh_host_ed25519_key"), shown.private);
  t.deepEqual((await phase("Machine", shows(next.public), "up")).told, told);
  t.is(await sandbox.read("etc/ssh/ssh_host_ed25519_key"), next.private);
  t.deepEqual(readdirSync(sandbox.path("etc/ssh")).sort(), [
    "ssh_host_ed25519_key",
    "ssh_host_ed25519_key.pub",
  ]);
  t.deepEqual((await phase("Machine", shows(next.public), "preview")).told, []);
});
