/** The files that a peer copies to its hosts, as they lie beside a playbook. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { type Description, mapContents } from "./description";
import type { HostSet } from "./hosts";
import type { Python } from "./python";

export interface PeerArgs {
  readonly hosts: HostSet;
  readonly description: Description;
  readonly python: Python;
  /** Holds all that the tool reads. */
  readonly folder: string;
}

/** What is released: built by this project's own provisioning. */
export const packagedRelease = join(root, "app", "dist");

export async function packRelease(archive: string): Promise<void> {
  await must("packing the release", "tar", ["-czf", archive, "-C", packagedRelease, "."]);
}

/** `files/<host>/<path on the host>` */
export async function writeDescribedFiles({ hosts }: Description, folder: string): Promise<void> {
  for (const [name, { services }] of Object.entries(hosts)) {
    for (const { path, content } of Object.values(services).flatMap(({ files }) => files)) {
      const target = join(folder, name, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
  }
}

export async function setQueueTimeout(
  description: Description,
  folder: string,
  seconds: number,
): Promise<void> {
  await writeDescribedFiles(withQueueTimeout(description, seconds), folder);
}

/** As this project's raw lines end the section of the backend. */
export function withQueueTimeout(description: Description, seconds: number): Description {
  return mapContents(description, (content) =>
    content.replace(/^ {4}timeout queue \d+s$/m, `    timeout queue ${seconds}s`),
  );
}
