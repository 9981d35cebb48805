/** `npm run undrain -- HOST`: takes a drained host back into service, once it is healthy. */
import { readCommandLine } from "./command-line";
import { findHost, undrainHost } from "./maintenance/drain";
import { saying } from "./maintenance/options";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run undrain --",
    word: "HOST",
    about: "Takes a drained host back into service, once all on it is healthy and in step.",
    options: {},
  });
  if (line === undefined) return 0;
  return withSite(await readOutputs(line.stack), "undraining", async (site) => {
    const host = findHost(site, line.word);
    await undrainHost(site, host, { say: saying });
    saying(`${host.name} takes part`);
    return 0;
  });
});
