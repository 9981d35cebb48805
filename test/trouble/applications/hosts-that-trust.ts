/** An image of hosts that trust whom this machine trusts: what stands between it and the registries of packages, too. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../../scripts/setup/run";

/** Its name. */
export async function hostsThatTrust(): Promise<string> {
  const context = await mkdtemp(join(tmpdir(), "trilithon-image-"));
  const image = "trilithon-host:applications";
  const base = process.env.TRILITHON_HOST_IMAGE ?? "trilithon-host:latest";
  try {
    await cp("/etc/ssl/certs/ca-certificates.crt", join(context, "certificates"));
    await writeFile(
      join(context, "Dockerfile"),
      `FROM ${base}\nCOPY certificates /etc/ssl/certs/ca-certificates.crt\n`,
    );
    await must("docker build", "docker", ["build", "--quiet", "--tag", image, context]);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
  return image;
}
