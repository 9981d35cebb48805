/**
 * A machine that is a folder: scripts run for real under dash, but the commands that would change this computer are
 * small scripts (`stubs/`), and paths of the system stand below the folder. Needs GNU's tools, so Linux.
 */

import { execFile, spawn } from "node:child_process";
import { type BigIntStats, existsSync, readdirSync, readFileSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Execution, requestSize } from "./ssh-server";

/** Fixed paths of the plugin's scripts, and of a service on several hosts, wherever they do not already stand below another folder. */
const systemPaths =
  /(?<![\w.-])\/(etc\/(apt|ssh)|var\/lib\/(trilithon|dpkg|apt)|run\/(lock|systemd\/system|together\.drain|trilithon\/confirm)|srv\/together|usr\/sbin\/policy-rc\.d)/g;
const stubs = join(__dirname, "stubs");
const shell = ["/usr/bin/dash", "/bin/dash"].find(existsSync) ?? "/bin/sh";

export interface UnitState {
  readonly active?: string;
  readonly enabled?: string;
  /** Seconds since 1970 of its start: by somebody else, as far as the plugin knows. */
  readonly entered?: number;
  /** Seconds since 1970 of the last change of its state: a reload, say. */
  readonly changed?: number;
  /** Verbs that fail. */
  readonly failsTo?: readonly string[];
  /** Files of which it keeps a copy when it starts or reloads: `loaded` answers them. */
  readonly reads?: readonly string[];
  readonly journal?: string;
  /** Lines of `systemctl show` instead of the usual ones. */
  readonly properties?: string;
  /** It says that it reloads, and goes on with what it had. */
  /** Where the daemon writes a line at each verb. */
  readonly log?: string;
  readonly keepsItsConfiguration?: boolean;
}

/** What stands at a path: a link's target, or a file's text, mode and time. */
export interface Entry {
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtime: bigint;
}

export class Sandbox {
  readonly #running = new Set<number>();

  static async make(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), "trilithon-host-")));
    const folders = [
      "bin",
      "tmp",
      "run/lock",
      "run/systemd/system",
      "usr/sbin",
      "var/lib/dpkg/updates",
      "var/lib/apt/lists",
    ];
    const states = ["units", "packages", "users", "owners"].map((name) => `state/${name}`);
    for (const folder of [...folders, ...states]) {
      await mkdir(join(sandbox.folder, folder), { recursive: true });
    }
    await symlink(shell, join(sandbox.folder, "bin/sh"));
    return sandbox;
  }

  /** What the login shell does before a command: what stands in root's `.bashrc`, say. */
  login = "";

  constructor(readonly folder: string) {}

  /** Where a path of the machine is on this computer. */
  path(path: string): string {
    return join(this.folder, path);
  }

  /** For `SshServer`: runs a command line as sshd does. */
  readonly execute = ({ commandLine, text, channel, onSignal }: Execution): void => {
    const rewritten = text.replace(systemPaths, (path) => this.path(path));
    const line = commandLine.replace(requestSize, String(Buffer.byteLength(rewritten)));
    const child = spawn(shell, ["-c", `${this.login}\n${line}`], {
      detached: true,
      env: this.#environment,
    });
    const { pid } = child;
    if (pid !== undefined) this.#running.add(pid);
    child.on("exit", () => pid !== undefined && this.#running.delete(pid));
    onSignal((signal) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(-child.pid, `SIG${signal}` as NodeJS.Signals);
      if (signal === "HUP") for (const end of child.stdio) end?.destroy();
    });
    child.stdin.on("error", () => undefined);
    child.stdin.write(rewritten);
    channel.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on("close", (status, signal) => {
      if (signal === null) channel.exit(status ?? 0);
      else channel.exit(signal.slice(3));
      channel.end();
    });
  };

  /** Runs a script of the plugin as it stands, without SSH. */
  async run(script: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const rewritten = script.replace(systemPaths, (path) => this.path(path));
    const child = spawn(shell, ["-c", rewritten], { env: this.#environment });
    const texts = { stdout: "", stderr: "" };
    child.stdout.on("data", (text) => (texts.stdout += text));
    child.stderr.on("data", (text) => (texts.stderr += text));
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { status, ...texts };
  }

  get #environment(): NodeJS.ProcessEnv {
    return {
      PATH: `${this.path("bin")}:${stubs}:${process.env.PATH}`,
      REAL_PATH: process.env.PATH,
      SANDBOX: this.folder,
      TMPDIR: this.path("tmp"),
    };
  }

  async write(path: string, content: string, modified?: Date): Promise<void> {
    const file = this.path(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    if (modified !== undefined) await utimes(file, modified, modified);
  }

  async read(path: string): Promise<string> {
    return readFile(this.path(path), "utf8");
  }

  async unit(name: string, unit: UnitState): Promise<void> {
    const { active, enabled, entered, changed, failsTo, reads, journal, log, properties } = unit;
    const files = {
      active,
      enabled,
      entered: entered?.toString(),
      changed: changed?.toString(),
      "fails-to": failsTo?.map((verb) => `${verb}\n`).join(""),
      reads: reads?.map((path) => `${path}\n`).join(""),
      journal,
      log,
      properties,
      invocation: entered === undefined ? undefined : `by hand at ${entered}`,
      "keeps-its-configuration": unit.keepsItsConfiguration ? "" : undefined,
    };
    await mkdir(this.path(`state/units/${name}`), { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      if (content !== undefined) await this.write(`state/units/${name}/${file}`, content);
    }
  }

  /** The text of a file as the unit took it in. */
  async loaded(unit: string, file: string): Promise<string> {
    return this.read(`state/units/${unit}/loaded/${file}`);
  }

  /** What the stubs did since the last `clearLog`. */
  async log(): Promise<string[]> {
    const text = await this.read("log").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  async clearLog(): Promise<void> {
    await rm(this.path("log"), { force: true });
  }

  /** Everything below a folder of the machine, by path. */
  async entries(folder: string): Promise<Record<string, Entry>> {
    const names = await readdir(this.path(folder)).catch(() => []);
    const found = names.map(async (name): Promise<Record<string, Entry>> => {
      const path = join(folder, name);
      const seen = await lstat(this.path(path), { bigint: true });
      return seen.isDirectory() ? this.entries(path) : { [path]: await this.#entry(path, seen) };
    });
    return Object.assign({}, ...(await Promise.all(found)));
  }

  async exists(path: string): Promise<boolean> {
    return lstat(this.path(path)).then(
      () => true,
      () => false,
    );
  }

  async link(path: string, target: string): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await symlink(target, this.path(path));
  }

  /** As when the power goes: everything that runs is gone at once. */
  kill(): void {
    for (const group of this.#running) process.kill(-group, "SIGKILL");
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It went with the one that it worked for.
      }
    }
  }

  /** Whatever was started on this machine, also what has left its process group since. */
  #processes(): number[] {
    const own = Buffer.from(`\0SANDBOX=${this.folder}\0`);
    const isOwn = (pid: string) => {
      try {
        return readFileSync(`/proc/${pid}/environ`).includes(own);
      } catch {
        // It is gone by now, or is somebody else's.
        return false;
      }
    };
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && isOwn(name))
      .map(Number);
  }

  async delete(path: string): Promise<void> {
    await rm(this.path(path), { recursive: true, force: true });
  }

  async mode(path: string): Promise<string> {
    return `0${((await lstat(this.path(path))).mode & 0o7777).toString(8)}`;
  }

  /** Where it is there. */
  async chmod(path: string, mode: number): Promise<void> {
    if (existsSync(this.path(path))) await chmod(this.path(path), mode);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #entry(path: string, seen: BigIntStats): Promise<Entry> {
    const isLink = seen.isSymbolicLink();
    return {
      content: isLink ? `-> ${await readlink(this.path(path))}` : await this.read(path),
      mode: `0${(seen.mode & 0o7777n).toString(8)}`,
      owner: isLink ? "" : await this.#owner(path),
      mtime: seen.mtimeNs,
    };
  }

  /** As the stub of chown keeps it. */
  async #owner(path: string): Promise<string> {
    const { stdout } = await promisify(execFile)("stat", ["-c", "%i %w", "--", this.path(path)]);
    return this.read(`state/owners/${stdout.trim()}`).catch(() => "root:root");
  }
}
