/** A copy of the sample application, which a test may change into another version and back. */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localFolder, root } from "../../../scripts/setup/environment";

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export class SampleCopy {
  private constructor(readonly folder: string) {}

  /** Inside the checkout, so that its build finds the packages that it needs. */
  static async make(name: string): Promise<SampleCopy> {
    const folder = join(localFolder, "test", name);
    await rm(folder, { recursive: true, force: true });
    const isSource = (path: string) => path !== join(root, "app", "dist");
    await cp(join(root, "app"), folder, { recursive: true, filter: isSource });
    return new SampleCopy(folder);
  }

  /** As `trilithon:application` takes it. */
  settings() {
    return {
      source: this.folder,
      build: {
        command: `node ${join(this.folder, "build.mjs")}`,
        output: join(this.folder, "dist"),
      },
      start: ["node", "server.js"],
    };
  }

  /** Another version for as long as `work` takes. */
  async changed<T>({ file, from, to }: Change, work: () => Promise<T>): Promise<T> {
    const path = join(this.folder, file);
    const text = await readFile(path, "utf8");
    if (!text.includes(from)) throw new Error(`${path}: expected "${from}" in it`);
    await writeFile(path, text.replace(from, to));
    try {
      return await work();
    } finally {
      await writeFile(path, text);
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
