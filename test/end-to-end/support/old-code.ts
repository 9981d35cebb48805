/** The program and the plugin of an earlier commit, by which a test makes a stack that the code of today then takes over. */
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { localFolder, root } from "../../../scripts/setup/environment";
import { must } from "../../../scripts/setup/run";
import type { TestStack } from "./test-stack";

export class OldCode {
  private constructor(private readonly folder: string) {}

  /** `name` names its folder: two tests may run side by side. */
  static async make(name: string, commit: string): Promise<OldCode> {
    const folder = join(localFolder, "test", `code-of-${name}`);
    const code = new OldCode(folder);
    await code.remove();
    await mkdir(join(localFolder, "test"), { recursive: true });
    const worktree = ["-C", root, "worktree", "add", "--detach", folder, commit];
    await must(`the code of ${name}`, "git", worktree);
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const build = [join(folder, "scripts", "launch.mjs"), "build"];
    await must(`the plugin of ${name}`, process.execPath, build);
    return code;
  }

  /** Runs the same stack with the earlier program and plugin. */
  async with(stack: TestStack, work: () => Promise<void>): Promise<void> {
    const { project } = stack.place;
    const file = join(project, "Pulumi.yaml");
    const today = await readFile(file, "utf8");
    const old = await readFile(join(this.folder, "Pulumi.yaml"), "utf8");
    const plugin = relative(project, join(this.folder, "dist", "plugin"));
    await writeFile(
      file,
      `${old.replace("path: dist/plugin", `path: ${plugin}`)}main: ${relative(project, this.folder)}\n`,
    );
    try {
      await work();
    } finally {
      await writeFile(file, today);
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await must("worktrees", "git", ["-C", root, "worktree", "prune"]);
  }
}
