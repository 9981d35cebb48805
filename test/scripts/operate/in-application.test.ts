/** What systemd is asked to run, by the program that runs on a host: under a real Perl, with a systemd that tells what it got. */

import { text } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import { renderApplicationUnit } from "../../../components/render/application-unit";
import { startLiveCommand } from "../../../provider/ssh/live-command";
import { inApplication } from "../../../scripts/operate/in-application";
import { onLinux } from "../../support/on-linux";
import { Sandbox } from "../../support/sandbox";
import { startSandboxHost } from "../../support/sandbox-host";
import { SshServer } from "../../support/ssh-server";

const shopUnit = renderApplicationUnit({
  name: "shop",
  root: "/srv/shop",
  start: ["node", "server.js"],
  environmentFiles: ["/etc/shop/environment", "/etc/shop/secrets"],
  stopSeconds: 30,
});

/** The words of `systemd-run`, one by one. */
async function asked(t: ExecutionContext, unit: string, command: readonly string[]) {
  const { sandbox, server } = await startSandboxHost(t);
  await sandbox.write("unit", unit);
  await sandbox.write(
    "bin/systemctl",
    '#!/bin/sh\n[ "$*" = "cat -- shop.service" ] && cat "$SANDBOX/unit"\n',
  );
  await sandbox.write("bin/systemd-run", '#!/bin/sh\nprintf "%s\\0" "$@"; exit 9\n');
  for (const name of ["systemctl", "systemd-run"]) await sandbox.chmod(`bin/${name}`, 0o755);
  const args = inApplication({ unit: "shop.service", command });
  const live = await startLiveCommand(server.host(), args, { connectSeconds: 60 });
  live.stdin.end();
  const words = (await text(live.stdout)).split("\0").slice(0, -1);
  const { ended, ...end } = await live.end;
  t.deepEqual({ ended, ...end }, { ended: "by itself", status: 9 });
  const at = words.indexOf("--");
  return { options: words.slice(0, at), command: words.slice(at + 1) };
}

onLinux(
  "the place is the unit's: user, folder, environment and sandbox, and nothing of its life",
  async (t) => {
    const { options } = await asked(t, shopUnit, ["ls"]);
    const properties = options.flatMap((option) => /^--property=(.*)$/.exec(option)?.[1] ?? []);
    t.deepEqual(properties.slice(0, 12), [
      "JoinsNamespaceOf=shop.service",
      "TimeoutStopSec=10",
      "User=shop",
      "Group=shop",
      "WorkingDirectory=/srv/shop/current",
      "Environment=HOME=/var/lib/shop",
      "EnvironmentFile=/etc/shop/environment",
      "EnvironmentFile=/etc/shop/secrets",
      "StateDirectory=shop",
      "CacheDirectory=shop",
      "UMask=0022",
      "ProtectSystem=strict",
    ]);
    t.true(properties.includes("CapabilityBoundingSet="));
    t.true(properties.includes("SystemCallFilter=@system-service"));
    t.deepEqual(
      properties.filter((property) =>
        /^(Exec|Restart=|Kill|Type|Wanted|Description)/.test(property),
      ),
      [],
    );
    t.deepEqual(
      options.filter((option) =>
        /^--(quiet|collect|wait|pipe|pty|service-type=exec)$/.test(option),
      ),
      ["--quiet", "--collect", "--wait", "--service-type=exec", "--pipe"],
    );
  },
);

onLinux("drop-ins count, over several lines and with specifiers escaped", async (t) => {
  const dropIn =
    "[Unit]\nUser=nobody\n[Service]\n  # Environment=NO=1\n Environment=A=50%%\\\n  B=2\nUser = web\n";
  const { options } = await asked(t, `${shopUnit}\n# /run/x.conf\n${dropIn}`, ["ls"]);
  t.deepEqual(options.slice(-3), [
    "--property=Environment=A=50%   B=2",
    "--property=User=web",
    "--pipe",
  ]);
});

onLinux("words are kept from systemd's own variables", async (t) => {
  const { command } = await asked(t, shopUnit, ["echo", "$HOME", "%h", "", "-x", "a b"]);
  t.deepEqual(command.slice(3), ["sh", "echo", "$$HOME", "%h", "", "-x", "a b"]);
});

onLinux("a unit that is not there is an end of its own", async (t) => {
  const sandbox = await Sandbox.make();
  const server = await SshServer.start({ execute: sandbox.execute });
  t.teardown(async () => {
    await server.stop();
    await sandbox.remove();
  });
  await sandbox.write(
    "bin/systemctl",
    "#!/bin/sh\necho 'No files found for shop.service.' >&2; exit 1\n",
  );
  await sandbox.chmod("bin/systemctl", 0o755);
  const args = inApplication({ unit: "shop.service", command: ["ls"] });
  const live = await startLiveCommand(server.host(), args, { connectSeconds: 60 });
  live.stdin.end();
  live.stdout.resume();
  t.is(await text(live.stderr), "No files found for shop.service.\n");
  t.deepEqual(await live.end, { ended: "by itself", status: 255 });
});

/** A host whose systemd knows `units`; answers the unit that a command was run beside, or the error. */
async function besides(t: ExecutionContext, units: readonly string[], process: string) {
  const { sandbox, server } = await startSandboxHost(t);
  await sandbox.write("unit", shopUnit);
  await sandbox.write(
    "bin/systemctl",
    `#!/bin/sh\ncase "$3" in ${[...units, "none"].join("|")}) cat "$SANDBOX/unit" ;; *) exit 1 ;; esac\n`,
  );
  await sandbox.write("bin/systemd-run", '#!/bin/sh\nprintf "%s\\n" "$@"; exit 9\n');
  for (const name of ["systemctl", "systemd-run"]) await sandbox.chmod(`bin/${name}`, 0o755);
  const args = inApplication({ unit: "shop.service", process, command: ["ls"] });
  const live = await startLiveCommand(server.host(), args, { connectSeconds: 60 });
  live.stdin.end();
  const [out, error] = await Promise.all([text(live.stdout), text(live.stderr)]);
  return /^--property=JoinsNamespaceOf=(.*)$/m.exec(out)?.[1] ?? error;
}

onLinux("a process is named by its unit, the first of several that are alike", async (t) => {
  t.is(await besides(t, ["shop-mail.service"], "mail"), "shop-mail.service");
  t.is(await besides(t, ["shop-queue@1.service"], "queue"), "shop-queue@1.service");
  t.is(await besides(t, ["shop.service"], ""), "shop.service");
});

onLinux("a process that the host has not is refused with those that it has", async (t) => {
  t.regex(
    await besides(t, ["shop-mail.service"], "sms"),
    /^shop: no process sms here: expected one of none$/m,
  );
});
