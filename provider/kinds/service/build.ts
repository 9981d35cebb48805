/** Makes the folder of a version where it is not there yet, is another version's or was changed since. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { findEntries, hashContent } from "../../resources/folder-content";

export interface Build {
  /** Relative to the project. */
  readonly folder: string;
  readonly version: string;
  /** Makes `folder`; run in the project. */
  readonly command: string;
}

/** Beside what was built: which version it is, and its content. Never sent. */
export const markName = ".trilithon-build";

/** Builds of one folder wait for each other: several hosts may need it at once. */
const underWay = new Map<string, Promise<void>>();

export async function build(one: Build, say: (message: string) => void): Promise<void> {
  const place = resolve(one.folder);
  const before = underWay.get(place) ?? Promise.resolve();
  const built = before.catch(() => undefined).then(() => ensureBuilt(one, say));
  underWay.set(place, built);
  await built;
}

/** Another version's output, or one that was changed since, is not sent under this version's name. */
async function ensureBuilt(
  { folder, version, command }: Build,
  say: (message: string) => void,
): Promise<void> {
  const mark = join(folder, markName);
  if (existsSync(mark) && isOf(version, { folder, mark: readFileSync(mark, "utf8") })) return;
  say(`building version ${version}: ${command}`);
  rmSync(mark, { force: true });
  await run(command);
  if (!existsSync(folder)) {
    throw new Error(`${command}: expected it to make the folder ${folder}, which is not there`);
  }
  writeFileSync(mark, markOf(folder, version));
}

/** All that was read of a folder when its mark was found to be right: each host asks for it, and each release on it. */
const right = new Map<string, string>();

function isOf(
  version: string,
  { folder, mark }: { readonly folder: string; readonly mark: string },
): boolean {
  if (!mark.startsWith(`${version} `)) return false;
  const place = resolve(folder);
  const stamps = [...findEntries(folder, { excludedNames: [markName] })].map(
    ({ path, mode, stamp }) => `${path} ${mode} ${stamp}`,
  );
  const found = [mark, ...stamps].join("\0");
  if (right.get(place) === found) return true;
  if (mark !== markOf(folder, version)) return false;
  right.set(place, found);
  return true;
}

function markOf(folder: string, version: string): string {
  return `${version} ${hashContent(folder, { excludedNames: [markName] })}\n`;
}

function run(command: string): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const take = (data: Buffer) => {
      said = `${said}${data}`.slice(-4000);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", fail);
    child.on("close", (status, signal) => {
      if (status === 0) return done();
      const lines = said.trimEnd().split("\n").slice(-20).join("\n");
      fail(new Error(`building: exit ${status ?? signal}: ${command}\n${lines}`));
    });
  });
}
