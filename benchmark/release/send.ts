/** A process of its own, so that its memory can be told: makes a Release true on a host, as the plugin does, and prints what that took. */
import type { Context, Host, Properties } from "../../provider/kind";
import { release } from "../../provider/kinds/service/kind";
import { Pool } from "../../provider/ssh/pool";

export interface Sending {
  readonly host: Host;
  readonly source: string;
  readonly version: string;
}

export interface SentRelease {
  readonly seconds: number;
  /** Of a read, as each preview does it, once the version is there. */
  readonly readSeconds: number;
  readonly megabytesOfMemory: number;
}

const owner = {
  ...{ project: "bench", stack: "bench", resource: "release", urn: "release" },
  ...{ claim: "bench", isNew: false },
};

async function send({ host, source, version }: Sending): Promise<SentRelease> {
  const pool = new Pool();
  const context: Context = {
    ask: (to, script, doing) => pool.ask(to, { script, doing }),
    run: (to, command) => pool.run(to, command),
    runAnew: (to, command) => pool.runAnew(to, command),
    progress: () => undefined,
    tell: () => undefined,
    signal: new AbortController().signal,
    owner,
  };
  const inputs = { host, name: "app", root: "/srv/app", source, version };
  const { args } = release.check(inputs as unknown as Properties);
  // What the engine hands to it is what its own `check` has made, too.
  const desired = args as unknown as Parameters<typeof release.apply>[2];
  const start = performance.now();
  const observed = await release.read(desired, context);
  const steps = release.plan(observed, desired, owner);
  await release.apply(steps, observed, desired, context);
  const sent = performance.now();
  await release.read(desired, context);
  const read = performance.now();
  await pool.close();
  return {
    seconds: (sent - start) / 1000,
    readSeconds: (read - sent) / 1000,
    megabytesOfMemory: process.resourceUsage().maxRSS / 1024,
  };
}

void send(JSON.parse(process.env.TRILITHON_SENDING ?? "")).then((sent) =>
  process.stdout.write(JSON.stringify(sent)),
);
