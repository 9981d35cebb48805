/** The hosts' image with further packages of Debian, to look at hosts from beside them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageNames } from "../../../scripts/setup/base-image";
import { must } from "../../../scripts/setup/run";

export async function imageWith(name: string, packages: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const install = `apt-get -qqy install --no-install-recommends ${packages.join(" ")}`;
  const lines = [`FROM ${imageNames.sid}`, `RUN apt-get -qq update && ${install}`];
  await writeFile(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
  await must(name, "docker", ["build", "--quiet", "--network", "host", "--tag", name, folder]);
  await rm(folder, { recursive: true });
  return name;
}
