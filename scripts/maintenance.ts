/** `npm run maintenance -- on`: visitors get a page that says so, until `npm run maintenance -- off`. */
import { readCommandLine, UsageError } from "./command-line";
import { setMaintenance } from "./maintenance/closing";
import { saying } from "./maintenance/options";
import { whoIsIt } from "./operate/rollback-plan";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run maintenance --",
    word: "on|off",
    about:
      "Closes the site for maintenance: load balancers answer 503 with a page, but for the operators' networks; what is under way ends.\n" +
      "It stays so over reloads, reboots and up, until npm run maintenance -- off.",
    options: {},
  });
  if (line === undefined) return 0;
  const { stack, word } = line;
  if (word !== "on" && word !== "off") {
    throw new UsageError(`expected on or off, got ${word}: see npm run maintenance -- --help`);
  }
  return withSite(await readOutputs(stack), "setting maintenance", async (site) => {
    const tell = (message: string) => void process.stderr.write(`${message}\n`);
    const isDone = await setMaintenance(site, { state: word, who: whoIsIt(), say: saying, tell });
    if (!isDone) tell(`not everywhere: npm run maintenance -- ${word} --stack ${stack} again`);
    return isDone ? 0 : 1;
  });
});
