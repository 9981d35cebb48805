/** A machine in a folder with the real apt, its plugin, and one set of packages. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir } from "node:fs/promises";
import type { ExecutionContext } from "ava";
import { anyKind } from "../../provider/kind";
import { packages as kind } from "../../provider/kinds/packages/kind";
import { AptRoot } from "./apt-root";
import { type Machine, startMachine, wireHost } from "./machine";
import type { TestResource } from "./resource";
import type { Sandbox } from "./sandbox";
import { type WireMap, wire } from "./wire";

export interface AptHost extends Machine {
  readonly apt: AptRoot;
  readonly packages: TestResource;
  readonly wants: (packages: Record<string, string>, more?: object) => WireMap;
  /** Calls of apt-get, without their options: `update`, `-s install web=2.*`, `install web`. */
  readonly calls: () => Promise<string[]>;
  /** The passing messages of the plugin since the last phase. */
  readonly progress: () => string[];
  /** What scripts have left of their temporary files. */
  readonly temporary: () => Promise<string[]>;
  /** Lets the machine's clock be ahead by so many seconds. */
  readonly setClock: (ahead: number) => Promise<void>;
}

export async function startAptHost(t: ExecutionContext): Promise<AptHost> {
  const machine = await startMachine(t, { plugin: { kinds: [anyKind(kind)] } });
  const apt = await AptRoot.make(machine.sandbox);
  return {
    ...machine,
    apt,
    packages: machine.resource("trilithon:index:Packages"),
    wants: (wanted, more = {}) => ({
      host: wireHost(machine.server.host()),
      ...wire({ name: "tools", packages: wanted, ...more }),
    }),
    calls: async () => (await machine.sandbox.log()).map(shortened),
    progress: () =>
      machine.plugin.engine.messages
        .filter(({ isPassing }) => isPassing)
        .map(({ text }) => text.replaceAll(machine.sandbox.folder, "")),
    temporary: async () => {
      const names = await readdir(machine.sandbox.path("/tmp"));
      return names.filter((name) => name.startsWith("tmp."));
    },
    setClock: async (ahead) => {
      const { sandbox } = machine;
      await sandbox.write("state/ahead", `${ahead}`);
      const date = `expr $(/bin/date +%s) + $(cat ${sandbox.path("state/ahead")})`;
      const text = `#!/bin/sh\ncase $* in +%s) ${date} ;; *) exec /bin/date "$@" ;; esac\n`;
      await sandbox.write("bin/date", text);
      await chmod(sandbox.path("bin/date"), 0o755);
    },
  };
}

/** Until it is so; an error where what should wait for it has ended before. */
export async function whileWaiting(
  work: Promise<unknown>,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
  };
  work.then(end, end);
  while (!(await isSo())) {
    if (hasEnded) throw new Error("it did not wait");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function shortened(line: string): string {
  const words = line.split(" ").slice(1);
  const kept = words.filter(
    (word, at) => word === "-s" || (!word.startsWith("-") && words[at - 1] !== "-o"),
  );
  return kept.join(" ");
}

/** Holds a lock as apt and dpkg do, until the answered function is called. */
export async function holdLock(sandbox: Sandbox, path: string): Promise<() => Promise<void>> {
  const script = `use Fcntl qw(:DEFAULT :seek);
open(my $file, "+>>", $ARGV[0]) or die "$ARGV[0]: $!";
my $lock = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die "lock: $!";
$| = 1; print "held\\n"; <STDIN>;`;
  const child = spawn("perl", ["-e", script, sandbox.path(path)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.stdin.end();
    await once(child, "exit");
  };
}
