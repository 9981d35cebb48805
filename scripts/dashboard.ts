/** `npm run dashboard`: the stack as a page on this machine, live. */
import { readCommandLine, UsageError } from "./command-line";
import { bundlePage } from "./dashboard/bundle";
import { chartReader } from "./dashboard/charts";
import { serve } from "./dashboard/serve";
import { openWatch } from "./dashboard/watch";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";

const name = "npm run dashboard --";

runMain(async () => {
  const line = readCommandLine({
    name,
    about:
      "Shows a stack as a page of this machine alone: hosts, who serves, faults, alerts, charts, backups, certificates and logs, live.\n" +
      "Asks the hosts over SSH while the page is open, changes nothing, and goes on until Ctrl-C.",
    options: {
      port: { type: "string", value: "PORT", about: "at 127.0.0.1 (default: any that is free)" },
    },
  });
  if (line === undefined) return 0;
  const port = readPort(line.values.port);
  const [outputs, files] = await Promise.all([readOutputs(line.stack), bundlePage()]);
  const watch = openWatch(outputs);
  try {
    const dashboard = await serve({ watch, files, readCharts: chartReader(watch), port });
    process.stdout.write(`${line.stack}: ${dashboard.url}\n`);
    process.stderr.write("Whoever has this URL can read the page. Ctrl-C ends it.\n");
    await toldToEnd();
    await dashboard.close();
  } finally {
    await watch.close();
  }
  // A host that hangs would keep its side of the connection, and this process, for minutes.
  process.stdout.write("", () => process.exit(0));
  return 0;
});

function readPort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`--port: expected 1 to 65535, got "${text}": see ${name} --help`);
}

/** The second signal ends this process as it is. */
function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => resolve());
    }
  });
}
