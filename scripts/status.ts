/** `npm run status`: how a stack is, on one screen. Status 0: all is well, 1: something is not, 2: it could not be told. */
import { readCommandLine } from "./command-line";
import { runMain } from "./setup/say";
import { look } from "./status/look";
import { openReachable } from "./status/reach";
import { renderStatus } from "./status/render";
import type { Status } from "./status/schema";
import { watch } from "./status/watch";
import { readOutputs } from "./verify/outputs";

const statuses: Readonly<Record<Status["state"], number>> = { well: 0, fault: 1, unknown: 2 };

runMain(async () => {
  const line = readCommandLine({
    name: "npm run status --",
    about:
      "Shows how a stack is: its hosts, who has the shared address, what load balancers send to whom, versions, the database, certificates,\n" +
      "and what verify calls a fault. Changes nothing. Status 0: all is well, 1: something is not, 2: it could not be told.",
    options: {
      json: { type: "boolean", about: "one JSON document; with --watch one a line" },
      watch: { type: "boolean", about: "look again and again until Ctrl-C" },
    },
  });
  if (line === undefined) return 0;
  const { json, watch: watches } = line.values;
  try {
    const site = openReachable(await readOutputs(line.stack));
    const status = await (watches ? watch(() => look(site), { isJson: json }) : look(site));
    if (!watches && status !== undefined) {
      process.stdout.write(
        json ? `${JSON.stringify(status, undefined, 2)}\n` : renderStatus(status),
      );
    }
    await site.close();
    const code = status === undefined ? 2 : statuses[status.state];
    // A host that hangs would keep its side of the connection, and this process, for minutes.
    process.stdout.write("", () => process.exit(code));
    return code;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
});
