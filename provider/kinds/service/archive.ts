/**
 * The bytes of a version: built if need be, checked against its name, packed. Loaded only when a version has to be sent.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { hashContent, listFiles } from "../../resources/folder-content";

export interface Source {
  /** Relative to the project. */
  readonly folder: string;
  readonly version: string;
  /** Makes `folder`; run in the project. */
  readonly build?: string | undefined;
  /** Names of files and folders that are not sent. */
  readonly exclude: readonly string[];
  /** Whether the version is the name of the folder's own content, so that another content is refused. */
  readonly isContent: boolean;
  /** The part of the folder that is sent; none of it may be there. Default all. */
  readonly part?: string | undefined;
}

/** Beside what was built: which version it is, and its content. Never sent. */
const markName = ".trilithon-build";

/** Builds of one folder wait for each other: several hosts may need it at once. */
const underWay = new Map<string, Promise<void>>();

export async function archive(source: Source, say: (message: string) => void): Promise<Buffer> {
  const { folder, version, build, isContent } = source;
  const excludedNames = [...source.exclude, markName];
  if (build !== undefined) {
    const before = underWay.get(resolve(folder)) ?? Promise.resolve();
    const built = before.catch(() => undefined).then(() => ensureBuilt(source, build, say));
    underWay.set(resolve(folder), built);
    await built;
  }
  if (!existsSync(folder))
    throw new Error(`${folder}: expected the folder of version ${version}, got none`);
  if (isContent) {
    const found = hashContent(folder, { excludedNames: source.exclude });
    if (found !== version) {
      throw new Error(
        `${folder}: its content is ${found} by now and no longer version ${version}; run the command again`,
      );
    }
  }
  return pack(source.part === undefined ? folder : join(folder, source.part), excludedNames);
}

/** Another version's output, or one that was changed since, is not sent under this version's name. */
async function ensureBuilt(
  { folder, version }: Source,
  command: string,
  say: (message: string) => void,
): Promise<void> {
  const mark = join(folder, markName);
  const isBuilt = () => {
    if (!existsSync(mark)) return false;
    return readFileSync(mark, "utf8") === markOf(folder, version);
  };
  if (isBuilt()) return;
  say(`building version ${version}: ${command}`);
  rmSync(mark, { force: true });
  await run(command);
  if (!existsSync(folder)) {
    throw new Error(`${command}: expected it to make the folder ${folder}, which is not there`);
  }
  writeFileSync(mark, markOf(folder, version));
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

async function pack(folder: string, excludedNames: readonly string[]): Promise<Buffer> {
  const { create } = await import("tar");
  // A name that begins with @ would be taken for an archive.
  const files = existsSync(folder)
    ? listFiles(folder, { excludedNames }).map((path) => `./${relative(folder, path)}`)
    : [];
  // What ends an archive, and all there is of an empty one.
  if (files.length === 0) return gzipSync(Buffer.alloc(1024));
  const packed = create(
    {
      cwd: folder,
      gzip: true,
      portable: true,
      follow: false,
      noDirRecurse: true,
      onWriteEntry: (entry) => {
        entry.mtime = timeOf(String(entry.absolute));
      },
    },
    files,
  );
  const parts: Buffer[] = [];
  for await (const part of packed) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/**
 * A time that stands for the content: web servers make their validators (`ETag`, `Last-Modified`) of it, and those have to
 * be the same on all hosts, whenever each of them got its copy. Within the twenty years from 2001.
 */
function timeOf(path: string): Date {
  const hash = createHash("sha256").update(lstatSync(path).isFile() ? readFileSync(path) : path);
  const seconds = 978_307_200 + (hash.digest().readUInt32BE(0) % 631_152_000);
  return new Date(seconds * 1000);
}
