/** A project elsewhere that installs the package as npm would, with the checkout's copies of what the package depends on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/setup/environment";
import { capture, type Finished, must } from "../../scripts/setup/run";

export class Consumer {
  private constructor(readonly folder: string) {}

  /** Nothing that the package does not declare is there; nothing is downloaded. */
  static async install(): Promise<Consumer> {
    const folder = await mkdtemp(join(tmpdir(), "trilithon-consumer-"));
    const packed = await must("npm pack", "npm", ["pack", "--pack-destination", folder], {
      cwd: root,
    });
    const tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
    const manifest = await must("the tarball", "tar", ["-xOf", tarball, "package/package.json"]);
    const { dependencies, peerDependencies } = JSON.parse(manifest) as {
      readonly dependencies: object;
      readonly peerDependencies: object;
    };
    const links = Object.keys({ ...dependencies, ...peerDependencies }).map((name) => [
      name,
      `file:${installed(name)}`,
    ]);
    const own = { trilithon: `file:${tarball}`, ...Object.fromEntries(links) };
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "elsewhere", private: true, dependencies: own }),
    );
    const quiet = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await must("npm install", "npm", ["install", ...quiet], { cwd: folder });
    return new Consumer(folder);
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  /** As a project of Pulumi's template has it, or as one of today's Node. */
  async typeCheck(resolution: "node10" | "node16"): Promise<Finished> {
    const compilerOptions = {
      strict: true,
      target: "es2020",
      module: resolution === "node10" ? "commonjs" : "node16",
      moduleResolution: resolution,
      typeRoots: [installed("@types")],
      types: ["node"],
      noEmit: true,
      skipLibCheck: resolution === "node16",
    };
    await this.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    return capture(join(root, "node_modules", ".bin", "tsc"), ["--project", "."], {
      cwd: this.folder,
    });
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function installed(name: string): string {
  return join(root, "node_modules", name);
}
