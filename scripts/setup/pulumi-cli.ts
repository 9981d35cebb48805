/** Pulumi's CLI with its Node language host: the cached one, else the official download, PATH's, or a build from source. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import { arch, platform } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { requireChecksum } from "./checksum";
import { download } from "./download";
import { cacheFolder, cliFolder, localFolder } from "./environment";
import { buildFromGoModules } from "./pulumi-from-go";
import { capture, must } from "./run";
import { say } from "./say";
import { cliChecksums, cliVersion } from "./versions";

/** Since 3.172 the engine refreshes before an update where a plugin asks for it; 3.200 is tested here. */
const oldestMinor = 200;

const cachedFolder = join(cacheFolder, `pulumi-${cliVersion}`);

/** Afterwards `.trilithon/bin` is the folder of a CLI that fits; answers where that is from. */
export async function prepareCli(): Promise<string> {
  const { folder, how } = await findCli();
  await pointTo(folder);
  return how;
}

interface Found {
  readonly folder: string;
  readonly how: string;
}

async function findCli(): Promise<Found> {
  if (existsSync(cachedFolder)) return { folder: cachedFolder, how: `${cliVersion}, cached` };
  if (await keep(downloadOfficial))
    return { folder: cachedFolder, how: `${cliVersion}, downloaded` };
  const onPath = await findOnPath();
  if (onPath) return onPath;
  say(
    "Pulumi CLI",
    "cannot be downloaded, building it from its Go modules (about 5 minutes, once)",
  );
  await keep(buildFromGoModules);
  return { folder: cachedFolder, how: `${cliVersion}, built` };
}

/** Fills a folder beside the final one and renames it, so that a cached CLI is always whole. */
async function keep(fill: (folder: string) => Promise<boolean>): Promise<boolean> {
  await mkdir(cacheFolder, { recursive: true });
  const draft = await mkdtemp(join(cacheFolder, "draft-"));
  try {
    if (!(await fill(draft))) return false;
    await must("Pulumi CLI: trying it", join(draft, "pulumi"), ["version"], {
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    await rename(draft, cachedFolder).catch((error: unknown) => {
      if (!existsSync(cachedFolder)) throw error;
    });
    return true;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function downloadOfficial(folder: string): Promise<boolean> {
  const archive = join(folder, "pulumi.tar.gz");
  const place = `${platform()}-${arch()}`;
  const name = `pulumi-v${cliVersion}-${place}.tar.gz`;
  if (!(await download(`https://get.pulumi.com/releases/sdk/${name}`, archive))) return false;
  await requireChecksum(archive, { name, expected: cliChecksums[place] });
  await must("Pulumi CLI: unpacking it", "tar", [
    ...["-xzf", archive, "-C", folder, "--strip-components=1"],
  ]);
  await rm(archive);
  return true;
}

async function findOnPath(): Promise<Found | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const first = folders.find((folder) => existsSync(join(folder, "pulumi")));
  if (!first) return undefined;
  const { stdout } = await capture("pulumi", ["version"]);
  const [, minor = 0] = stdout.trim().replace(/^v/, "").split(".").map(Number);
  const folder = dirname(await realpath(join(first, "pulumi")));
  const hasHost = existsSync(join(folder, "pulumi-language-nodejs"));
  if (!hasHost || minor < oldestMinor) return undefined;
  return { folder, how: `${stdout.trim()}, from PATH` };
}

async function pointTo(folder: string): Promise<void> {
  if ((await readlink(cliFolder).catch(() => "")) === folder) return;
  await mkdir(localFolder, { recursive: true });
  const draft = `${cliFolder}.${process.pid}`;
  await symlink(folder, draft);
  await rename(draft, cliFolder);
}
