/** A stack on container hosts that a test brings up, breaks, looks at and throws away. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  localFolder,
  pulumiEnvironment,
  type StackPlace,
} from "../../../scripts/setup/environment";
import { removeLabelled } from "../../../scripts/setup/labelled";
import { capture, type Finished, must } from "../../../scripts/setup/run";
import { writeSideStack } from "../../../scripts/setup/side-stack";
import { capturePulumi, selectStack } from "../../../scripts/setup/stack";
import { readOutputs, type StackOutputs } from "../../../scripts/verify/outputs";

export type Settings = Record<string, unknown>;

export class TestStack {
  /** All that the CLI has said, but for what it was asked to show of secrets. */
  readonly said: string[] = [];

  /** Names the hosts, also after the stack was renamed. */
  readonly #firstName: string;

  private constructor(
    public place: StackPlace,
    private readonly folder: string,
    private readonly program: string | undefined,
  ) {
    this.#firstName = place.stack;
  }

  /** Removes what a former run of the same test left behind. `program` is a folder; default: the checkout's own. */
  static async make(stack: string, settings: Settings, program?: string): Promise<TestStack> {
    const folder = join(localFolder, "test", stack);
    await claim(stack);
    await removeLabelled(stack);
    await rm(folder, { recursive: true, force: true });
    const place = await writeSideStack({ stack, folder, settings, ...(program && { program }) });
    await selectStack(place);
    return new TestStack(place, folder, program);
  }

  /** One that a former run has kept, as `TRILITHON_TEST_KEEP` says. */
  static async again(stack: string): Promise<TestStack> {
    const folder = join(localFolder, "test", stack);
    await claim(stack);
    return new TestStack(
      { stack, project: folder, backend: join(folder, "state") },
      folder,
      undefined,
    );
  }

  async configure(settings: Settings): Promise<void> {
    const { folder, program, place } = this;
    await writeSideStack({ stack: place.stack, folder, settings, ...(program && { program }) });
  }

  /** As a user does it; Pulumi renames the file of its settings as well. */
  async rename(stack: string): Promise<void> {
    const { status, stdout, stderr } = await this.pulumi("stack", "rename", stack);
    if (status !== 0) throw new Error(`${stdout}\n${stderr}`);
    this.place = { ...this.place, stack };
  }

  setSecret(key: string, value: string): Promise<void> {
    return this.#setSecret([key, "--", value]);
  }

  /** Within a setting: `trilithon:application.environment.TOKEN`. */
  setSecretAt(path: string, value: string): Promise<void> {
    return this.#setSecret(["--path", path, "--", value]);
  }

  async #setSecret(args: readonly string[]): Promise<void> {
    const all = ["config", "set", "--non-interactive", "--secret", ...args];
    const { status, stderr } = await capturePulumi(this.place, all);
    if (status !== 0) throw new Error(stderr);
  }

  get environment(): NodeJS.ProcessEnv {
    return pulumiEnvironment(this.place);
  }

  async pulumi(...args: string[]): Promise<Finished> {
    const all = [...args, "--non-interactive", "--color=never"];
    const finished = await capturePulumi(this.place, all);
    if (!args.includes("--show-secrets")) this.said.push(finished.stdout, finished.stderr);
    return finished;
  }

  /** Must succeed; answers what was printed. */
  async up(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.pulumi("up", "--yes", "--skip-preview", ...args);
    if (status !== 0) throw new Error(`up: exit ${status}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Must fail; answers what was printed. */
  async mustFail(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.pulumi("up", "--yes", "--skip-preview", ...args);
    if (status === 0) throw new Error(`expected \`up\` to fail:\n${stdout}`);
    return stdout + stderr;
  }

  async preview(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.pulumi("preview", "--diff", ...args);
    if (status !== 0) throw new Error(`preview: exit ${status}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async output(name: string, ...args: string[]): Promise<unknown> {
    const { stdout } = await this.pulumi("stack", "output", name, "--json", ...args);
    return JSON.parse(stdout);
  }

  /** What commands have of a stack. */
  outputs(): Promise<StackOutputs> {
    return readOutputs(this.place.stack, this.place);
  }

  /** Of a container that it shall be possible to take out, as the README says of those that hold data. */
  async unprotect(container: string): Promise<void> {
    const { stdout } = await this.pulumi("stack", "export");
    const found = new RegExp(
      `"(urn:pulumi:[^"]*docker:index/container:Container::${container})"`,
    ).exec(stdout);
    const { status, stderr } = await this.pulumi("state", "unprotect", found?.[1] ?? "", "--yes");
    if (status !== 0) throw new Error(stderr);
  }

  /** Runs a script as root on a host, beside our own SSH. Must succeed. */
  on(host: string, script: string): Promise<string> {
    const container = `trilithon-${this.#firstName}-${host}`;
    return must(`${host}: ${script}`, "docker", ["exec", container, "sh", "-c", script]);
  }

  /** Ends with any status. */
  try(host: string, script: string): Promise<Finished> {
    return capture("docker", ["exec", `trilithon-${this.#firstName}-${host}`, "sh", "-c", script]);
  }

  async remove(): Promise<void> {
    await removeLabelled(this.#firstName);
    await rm(this.folder, { recursive: true, force: true });
    await rm(claimOf(this.#firstName), { force: true });
  }
}

/** Three hosts like the dev stack's, in a network and at ports of their own (`number` from 65 to 99). */
export function threeHosts(number: number, more: Settings = {}): Settings {
  const net = `172.31.${number}`;
  return {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [
      { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
      { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
    ],
    "trilithon:containers": {
      subnet: `${net}.0/24`,
      publish: 8000 + number,
      sshPortBase: 10_000 + number * 256,
    },
    "trilithon:application": sample,
    ...more,
  };
}

/** Three hosts without a database, of the image that `TRILITHON_HOST_IMAGE` names, if any. `ports` are those that differ. */
export function threeHostsWithoutDatabase(
  number: number,
  ports: { readonly publish?: number; readonly sshPortBase: number },
): Settings {
  const net = `172.31.${number}`;
  const image = process.env.TRILITHON_HOST_IMAGE;
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:hosts": [
      { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
      { name: "web-02", address: `${net}.22`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...ports,
      ...(image && { image }),
    },
  };
}

const sample = {
  source: "./app",
  build: { command: "node app/build.mjs", output: "./app/dist" },
  start: ["node", "server.js"],
};

/** Names and addresses are the machine's: two runs of the same test, from two checkouts, would remove each other's hosts. */
async function claim(stack: string): Promise<void> {
  const owner = Number(await readFile(claimOf(stack), "utf8").catch(() => ""));
  if (owner > 0 && owner !== process.pid && isAlive(owner)) {
    throw new Error(`another run of this test is under way: process ${owner}`);
  }
  await writeFile(claimOf(stack), String(process.pid));
}

function claimOf(stack: string): string {
  return join(tmpdir(), `trilithon-test-${stack}.pid`);
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}
