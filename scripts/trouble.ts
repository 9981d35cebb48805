/** `npm run trouble -- [FILE...]`: the trials of `test/trouble` on container hosts, all of them or those named. */
import { join } from "node:path";
import { root } from "./setup/environment";
import { show } from "./setup/run";
import { runMain } from "./setup/say";
import { setUp } from "./setup/setup";

runMain(async () => {
  await setUp();
  const ava = join(root, "node_modules", ".bin", "ava");
  const files = process.argv.slice(2);
  return show(ava, ["--config", "ava.trouble.config.mjs", ...files], { cwd: root });
});
