import type * as pulumi from "@pulumi/pulumi";

/** The package's own, as in package.json: a test holds that. */
export const packageVersion = "0.1.0";

/**
 * Names the plugin that a resource needs: with two versions of the package in use, each takes its own, and not the newest
 * that is registered.
 */
export function withPackageVersion(
  opts: pulumi.CustomResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  return { version: packageVersion, ...opts };
}
