/** `npm run build`: the plugins as single files, each beside the launcher by which Pulumi finds it. */
import { buildPlugins } from "./setup/plugin-bundles";
import { runMain } from "./setup/say";

runMain(async () => {
  await buildPlugins();
});
