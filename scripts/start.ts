/** `npm start [STACK]`: sets the machine up where it is not, brings a stack up, and says where its page is. */
import { readCommandLine } from "./command-line";
import { suitesIn } from "./setup/base-image";
import { removeHalfMade } from "./setup/half-made";
import { startStopped } from "./setup/labelled";
import { runMain, say } from "./setup/say";
import { setUp, setUpPulumi } from "./setup/setup";
import { capturePulumi, ensureStack, showPulumi } from "./setup/stack";
import { awayHosts, hasContainers, placeOf, readSettings, settingsFile } from "./setup/stack-place";

runMain(async () => {
  const line = readCommandLine({
    name: "npm start --",
    about:
      "Sets this machine up, brings a stack up and prints the URL of its page. A stack of existing machines shows the\n" +
      "preview first, and asks.",
    options: {
      yes: { type: "boolean", about: "change existing machines without asking" },
    },
  });
  if (line === undefined) return 0;
  const place = placeOf(line.stack);
  const { stack } = place;
  const settings = readSettings(place);
  if (settings === undefined) {
    const file = settingsFile(place);
    throw new Error(
      `stack ${stack}: there is no ${file}: write it in the shape of Pulumi.dev.yaml (docs/settings.md)`,
    );
  }
  const isContainers = hasContainers(place);
  await (isContainers ? setUp(suitesIn(settings)) : setUpPulumi());
  await ensureStack(place);
  const status = isContainers ? await upContainers() : await upMachines();
  if (status !== 0) return status;
  const args = ["stack", "output", "endpoints", "--json", "--stack", stack];
  const { stdout } = await capturePulumi(place, args);
  process.stdout.write(`\n${JSON.parse(stdout).url}\n`);
  return 0;

  async function upContainers(): Promise<number> {
    const halfMade = await removeHalfMade(place);
    if (halfMade > 0) say(`stack ${stack}`, `removed ${halfMade} half-made containers`);
    const stopped = await startStopped(stack, awayHosts(place));
    if (stopped > 0) say(`stack ${stack}`, `started ${stopped} stopped containers`);
    say(`stack ${stack}`, "pulumi up");
    return showPulumi(place, ["up", "--yes", "--skip-preview", "--stack", stack]);
  }

  async function upMachines(): Promise<number> {
    say(`stack ${stack}`, "pulumi up");
    const consent = line?.values.yes ? ["--yes"] : [];
    return showPulumi(place, ["up", "--stack", stack, ...consent], { stdin: "inherit" });
  }
});
