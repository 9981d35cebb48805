/** A copy of the checkout in a temporary folder, in which a mutation can be tried while people work on the original. */

import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { must } from "../setup/run";
import { type Mutation, mutate } from "./areas";

export interface TestRun {
  readonly outcome: "passed" | "failed" | "timed out";
  /** The title of the first test that failed, or what the runner said instead. */
  readonly failed?: string;
}

export class CheckoutCopy {
  readonly #folder: string;

  static async make(root: string): Promise<CheckoutCopy> {
    const folder = await mkdtemp(join(tmpdir(), "mutations-"));
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const listed = await must("listing the checkout's files", "git", args, { cwd: root });
    for (const file of listed.split("\0").filter((name) => name !== "")) {
      // A file that was deleted but not yet committed is listed all the same.
      await cp(join(root, file), join(folder, file), { verbatimSymlinks: true }).catch(
        ignoreAbsent,
      );
    }
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    return new CheckoutCopy(folder);
  }

  constructor(folder: string) {
    this.#folder = folder;
  }

  async with<T>(mutation: Mutation, work: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, mutation.file);
    const original = await readFile(path, "utf8");
    await writeFile(path, mutate(mutation, original));
    try {
      return await work();
    } finally {
      await writeFile(path, original);
    }
  }

  /** Runs test files, or those of their tests that are called so, until the first failure. */
  async test(files: readonly string[], deadlineSeconds: number, title?: string): Promise<TestRun> {
    const ava = join(this.#folder, "node_modules", ".bin", "ava");
    const args = ["--tap", "--fail-fast", ...files, ...(title ? ["--match", title] : [])];
    // A process group of its own: a mutated script may leave processes behind.
    const child = spawn(ava, args, {
      cwd: this.#folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let failed: string | undefined;
    let isEmpty = false;
    let said = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      failed ??= /^not ok \d+ - (.*)$/.exec(line)?.[1];
      isEmpty ||= line === "# tests 0";
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(-2000);
    });
    let isLate = false;
    const kill = () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, deadlineSeconds * 1000);
    const status = await new Promise<number | null>((resolve) => {
      child.on("error", (error) => {
        said = error.message;
        resolve(1);
      });
      child.on("close", resolve);
    });
    clearTimeout(timer);
    if (isLate) return { outcome: "timed out" };
    if (status === 0) return { outcome: "passed" };
    if (isEmpty && failed === undefined && title !== undefined) {
      throw new Error(`${files.join(", ")}: no test is called ${title}`);
    }
    return { outcome: "failed", failed: failed ?? said.trim() };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
