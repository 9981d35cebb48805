/** The image of the container hosts: Debian sid with systemd and sshd, named after its recipe's content. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canInstallPackages, installPackages, systemId } from "./debian";
import { debianMirror } from "./debian-mirror";
import { root } from "./environment";
import { capture, must } from "./run";
import { say } from "./say";

/** What a stack names; always the image of the checkout's own recipe. */
export const imageName = "trilithon-host:latest";

const recipeFolder = join(root, "scripts", "setup", "host-image");

export async function prepareImage(): Promise<string> {
  const name = `trilithon-host:${recipeAddress()}`;
  const isThere = (await capture("docker", ["image", "inspect", name])).status === 0;
  if (!isThere) await makeImage(name);
  await must("base image", "docker", ["tag", name, imageName]);
  return name;
}

export function recipeAddress(folder = recipeFolder): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(folder, file)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 12);
}

async function makeImage(name: string): Promise<void> {
  const mirror = canInstallPackages() && systemId() === "debian" && debianMirror();
  if (mirror) {
    say("base image", "making it from Debian's packages (about half a minute, once)");
    await makeFromPackages(name, mirror);
  } else {
    say("base image", "making it with docker build (about a minute, once)");
    await must("base image", "docker", ["build", "--tag", name, recipeFolder]);
  }
}

async function makeFromPackages(name: string, mirror: string): Promise<void> {
  const isInstalled = (await capture("mmdebstrap", ["--version"])).status === 0;
  if (!isInstalled) await installPackages(["mmdebstrap"]);
  const packages = readFileSync(join(recipeFolder, "packages"), "utf8").trim().split("\n");
  const folder = await mkdtemp(join(tmpdir(), "trilithon-image-"));
  const archive = join(folder, "root.tar");
  try {
    await must("base image", "mmdebstrap", [
      ...["--quiet", "--variant=minbase", `--include=${packages.join(",")}`],
      // Mirrors may be frozen snapshots.
      ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"'],
      `--customize-hook=upload ${join(recipeFolder, "finish.sh")} /finish.sh`,
      '--customize-hook=chroot "$1" sh /finish.sh',
      ...["sid", archive, mirror],
    ]);
    await writeFile(join(folder, "Dockerfile"), `FROM scratch\nADD root.tar /\n${imageSettings()}`);
    await must("base image", "docker", ["build", "--tag", name, folder]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a container of the image runs, as the recipe's own Dockerfile has it. */
function imageSettings(): string {
  const recipe = readFileSync(join(recipeFolder, "Dockerfile"), "utf8");
  return recipe.slice(recipe.indexOf("ENV "));
}
