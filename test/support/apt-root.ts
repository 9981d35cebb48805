/**
 * The real apt and dpkg of this computer, at work in the folder of a `Sandbox`, with a small repository beside it whose
 * packages the test makes. Needs root, as dpkg gives files their owners.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import test from "ava";
import type { Sandbox } from "./sandbox";

/** `test`, where the real apt can be let loose on a folder. */
export const onApt =
  process.getuid?.() === 0 && existsSync("/usr/bin/apt-get") && existsSync("/usr/bin/dpkg-deb")
    ? test
    : test.skip;

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Default `all`. */
  readonly architecture?: string;
  /** `Depends`, `Conflicts`, `Provides` and so on. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Absolute path to text; those below /etc are conffiles. */
  readonly files?: Readonly<Record<string, string>>;
  /** A script that sets it up; `$DPKG_ROOT` is the folder. */
  readonly postinst?: string;
}

const run = promisify(execFile);

export class AptRoot {
  readonly #published = new Map<string, string>();

  static async make(sandbox: Sandbox): Promise<AptRoot> {
    const folders = [
      ...["etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/apt/preferences.d", "repository"],
      ...["etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"],
      ...["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log/apt", "var/lib/dpkg/parts"],
    ];
    for (const folder of folders) await mkdir(sandbox.path(folder), { recursive: true });
    await sandbox.write("/var/lib/dpkg/status", "");
    await sandbox.write("/var/lib/dpkg/available", "");
    await sandbox.write(
      "/etc/apt/test.conf",
      `Dir "${sandbox.folder}/";
Dir::State::status "${sandbox.path("/var/lib/dpkg/status")}";
Dir::Bin::dpkg "${sandbox.path("/bin/dpkg")}";
APT::Sandbox::User "root";
APT::Architectures { "amd64"; "i386"; };
APT::Architecture "amd64";
`,
    );
    const root = new AptRoot(sandbox);
    await root.setSources();
    for (const tool of ["apt-get", "apt-cache", "apt-mark"]) {
      await root.#wrap(tool, `APT_CONFIG=${sandbox.path("/etc/apt/test.conf")} `, "");
    }
    const quiet = "--force-bad-path --force-script-chrootless";
    await root.#wrap("dpkg", "", `--root=${sandbox.folder} ${quiet} --log=/dev/null`);
    await root.#wrap("dpkg-query", "", `--admindir=${sandbox.path("/var/lib/dpkg")}`);
    await run(sandbox.path("/bin/dpkg"), ["--add-architecture", "i386"]);
    await root.publish();
    return root;
  }

  private constructor(private readonly sandbox: Sandbox) {}

  /** The sources of the host: by default the repository of the test. */
  async setSources(text = this.line): Promise<void> {
    await this.sandbox.write("/etc/apt/sources.list", `${text}\n`);
  }

  get line(): string {
    return `deb [trusted=yes] copy:${this.sandbox.path("/repository")} ./`;
  }

  /** Adds packages to a repository, a folder of the sandbox. What is there under the same file name is replaced. */
  async publish(
    packages: readonly DebianPackage[] = [],
    repository = "/repository",
  ): Promise<void> {
    for (const one of packages) {
      const { file, paragraph } = await this.#build(one, repository);
      this.#published.set(`${repository}${file}`, paragraph);
    }
    await this.#index(repository);
  }

  /** As when a mirror keeps the newest version only. */
  async withdraw(name: string, version: string, repository = "/repository"): Promise<void> {
    for (const [key, paragraph] of this.#published) {
      const isIt = paragraph.includes(`Package: ${name}\nVersion: ${version}\n`);
      if (isIt && key.startsWith(repository)) this.#published.delete(key);
    }
    await this.#index(repository);
  }

  /** By hand, whatever the program wants. */
  install(one: DebianPackage): Promise<void> {
    return this.#dpkg(one, "--install");
  }

  /** As when the power goes in between. */
  unpack(one: DebianPackage): Promise<void> {
    return this.#dpkg(one, "--unpack");
  }

  async #dpkg(one: DebianPackage, what: string): Promise<void> {
    const { file } = await this.#build(one, "/tmp");
    await run(this.sandbox.path("/bin/dpkg"), [
      ...["--force-downgrade", "--force-depends", "--force-conflicts", what],
      this.sandbox.path(`/tmp/${file}`),
    ]);
  }

  async remove(name: string): Promise<void> {
    await run(this.sandbox.path("/bin/dpkg"), ["--force-depends", "--remove", name]);
  }

  async apt(...args: string[]): Promise<string> {
    const { stdout } = await run(this.sandbox.path("/bin/apt-get"), args);
    return stdout;
  }

  async mark(...args: string[]): Promise<string> {
    const { stdout } = await run(this.sandbox.path("/bin/apt-mark"), args);
    return stdout.trim();
  }

  /** Name to version. */
  async installed(): Promise<Record<string, string>> {
    const format = ["db:Status-Status", "binary:Package", "Version"].map((field) => `\${${field}}`);
    const { stdout } = await run(this.sandbox.path("/bin/dpkg-query"), [
      "-W",
      "-f",
      `${format.join(" ")}\n`,
    ]);
    const words = stdout.split("\n").map((line) => line.split(" "));
    return Object.fromEntries(
      words.flatMap(([status, name, version]) =>
        status === "installed" && name !== undefined ? [[name, version ?? ""]] : [],
      ),
    );
  }

  /** The lists were read that long ago. */
  async ageLists(hours: number): Promise<void> {
    const then = new Date(Date.now() - hours * 3_600_000);
    await utimes(this.sandbox.path("/var/lib/apt/lists/partial"), then, then);
  }

  async #wrap(tool: string, before: string, options: string): Promise<void> {
    const path = this.sandbox.path(`/bin/${tool}`);
    const log = `printf '%s\\n' "${tool} $*" >>"${this.sandbox.folder}/log"`;
    const real = `PATH=/usr/sbin:/usr/bin:/sbin:/bin ${before}exec /usr/bin/${tool} ${options} "$@"`;
    await writeFile(path, `#!/bin/sh\n${tool === "apt-get" ? `${log}\n` : ""}${real}\n`);
    await chmod(path, 0o755);
  }

  async #build(one: DebianPackage, folder: string) {
    const { name, version, architecture = "all", fields = {}, files = {}, postinst } = one;
    const root = this.sandbox.path(`/tmp/build-${name}`);
    await rm(root, { recursive: true, force: true });
    await mkdir(`${root}/DEBIAN`, { recursive: true });
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      "Maintainer: nobody <nobody@example.com>",
      ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`),
      `Description: ${name}`,
    ].join("\n");
    await writeFile(`${root}/DEBIAN/control`, `${control}\n`);
    const conffiles = Object.keys(files).filter((path) => path.startsWith("/etc/"));
    if (conffiles.length > 0)
      await writeFile(`${root}/DEBIAN/conffiles`, `${conffiles.join("\n")}\n`);
    if (postinst !== undefined) {
      await writeFile(`${root}/DEBIAN/postinst`, `#!/bin/sh\n${postinst}\n`, { mode: 0o755 });
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(`${root}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await writeFile(`${root}${path}`, text);
    }
    const file = `${name}_${version.replace(":", "%3a")}_${architecture}.deb`;
    await mkdir(this.sandbox.path(folder), { recursive: true });
    await run("dpkg-deb", ["-Znone", "--build", root, this.sandbox.path(`${folder}/${file}`)]);
    const content = await readFile(this.sandbox.path(`${folder}/${file}`));
    const sum = createHash("sha256").update(content).digest("hex");
    const paragraph = `${control}\nFilename: ./${file}\nSize: ${content.length}\nSHA256: ${sum}\n`;
    return { file, paragraph };
  }

  async #index(repository: string): Promise<void> {
    const paragraphs = [...this.#published].filter(([key]) => key.startsWith(`${repository}`));
    const text = paragraphs.map(([, paragraph]) => paragraph).join("\n");
    const sum = createHash("sha256").update(text).digest("hex");
    const date = new Date().toUTCString();
    await this.sandbox.write(`${repository}/Packages`, text);
    await this.sandbox.write(
      `${repository}/Release`,
      `Date: ${date}\nSHA256:\n ${sum} ${Buffer.byteLength(text)} Packages\n`,
    );
  }
}
