/** `npm run drain -- HOST`: takes a host out of service with no request lost; it stays so until `undrain` or `up`. */
import { readCommandLine } from "./command-line";
import { drainHost, findHost, obstaclesOf } from "./maintenance/drain";
import { finishSeconds, saying } from "./maintenance/options";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run drain --",
    word: "HOST",
    about:
      "Takes a host out of service: load balancers send it nothing new, and what is under way ends. It stays drained until\n" +
      "npm run undrain, or until up. Refused for the last host of a kind.",
    options: {
      force: { type: "boolean", about: "also the last host of a kind: the site is down then" },
    },
  });
  if (line === undefined) return 0;
  const { stack, word, values } = line;
  return withSite(await readOutputs(stack), "draining", async (site) => {
    const host = findHost(site, word);
    const obstacles = await obstaclesOf(site, host);
    for (const obstacle of obstacles) process.stderr.write(`${obstacle}\n`);
    if (obstacles.length > 0 && !values.force) return 1;
    await drainHost(site, host, { finishSeconds, say: saying });
    saying(
      `${host.name} is drained: npm run undrain -- ${host.name} --stack ${stack} takes it back in`,
    );
    return 0;
  });
});
