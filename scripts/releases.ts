/** `npm run releases`: which versions are on each host, and who released what, when and with what result. */
import { readCommandLine, UsageError } from "./command-line";
import { applicationOption, hostsServing, ofApplication, tellAway } from "./operate/hosts";
import { readReleases, renderReleases, renderReleasesJson } from "./operate/releases";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { withSite } from "./verify/site";

const name = "npm run releases --";

runMain(async () => {
  const line = readCommandLine({
    name,
    about:
      "Shows each web server's live version, the others that are there, and its log of releases: when, which version, by whom, from\n" +
      "what commit, and whether it was taken back. Status 1 where a host does not answer.",
    options: {
      host: { type: "string", value: "HOST", about: "this web server (default: all)" },
      ...applicationOption,
      last: { type: "string", value: "N", about: "so many lines of each host (default 10)" },
      json: { type: "boolean", about: "one JSON document with all lines instead of tables" },
    },
  });
  if (line === undefined) return 0;
  const { host, last = "10", json } = line.values;
  if (!/^[1-9]\d*$/.test(last)) {
    throw new UsageError(`--last: expected a positive integer, got "${last}": see ${name} --help`);
  }
  const outputs = ofApplication(await readOutputs(line.stack), line.values.application);
  if (host === undefined) tellAway(outputs.endpoints);
  const chosen = hostsServing(outputs.endpoints, "application", host);
  const hosts = await withSite(outputs, "reading releases", (site) =>
    Promise.all(chosen.map((one) => readReleases(site, one))),
  );
  const report = { stack: outputs.endpoints.stack, hosts };
  process.stdout.write(json ? renderReleasesJson(report) : renderReleases(report, Number(last)));
  return hosts.some((one) => "fault" in one) ? 1 : 0;
});
