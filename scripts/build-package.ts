/** `npm run build:package`: what another program installs, the components as JavaScript with types and the plugin. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./setup/environment";
import { buildPlugins } from "./setup/plugin-bundles";
import { must } from "./setup/run";
import { runMain } from "./setup/say";

runMain(async () => {
  // What a former build left must not be packed.
  await rm(join(root, "dist", "package"), { recursive: true, force: true });
  const compiler = join(root, "node_modules", ".bin", "tsc");
  await Promise.all([
    buildPlugins(),
    must("package", compiler, ["--project", "tsconfig.package.json"], { cwd: root }),
  ]);
});
