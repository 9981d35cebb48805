/** `npm run fuzz -- [--runs N] [--seed N]`: hosts that misbehave, many more of them than the unit tests draw. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./setup/environment";
import { show } from "./setup/run";
import { runMain } from "./setup/say";

runMain(async () => {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      runs: { type: "string", default: "10000" },
      seed: { type: "string" },
    },
  });
  const ava = join(root, "node_modules", ".bin", "ava");
  const args = ["--timeout=30m", "test/provider/ssh/fuzzed-hosts.test.ts"];
  const env = {
    ...process.env,
    FUZZ_RUNS: values.runs,
    ...(values.seed !== undefined && { FUZZ_SEED: values.seed }),
  };
  return show(ava, args, { cwd: root, env });
});
