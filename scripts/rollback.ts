/** `npm run rollback`: takes the web servers, one after the other, to a version that is on them. */
import { createInterface } from "node:readline/promises";
import { Session } from "../provider/ssh/session";
import { sh } from "../provider/ssh/shell";
import { readCommandLine, UsageError } from "./command-line";
import { applicationNamed, hostsServing, tellAway } from "./operate/hosts";
import { readReleases } from "./operate/releases";
import {
  fillWayBack,
  planRollback,
  type RollbackPlan,
  renderRollbackPlan,
  type WayBack,
  wayBackPath,
  whoIsIt,
} from "./operate/rollback";
import { runMain } from "./setup/say";
import { type EndpointHost, serviceOf } from "./verify/endpoints";
import { readOutputs, type StackOutputs } from "./verify/outputs";
import { reached, withSite } from "./verify/site";

const name = "npm run rollback --";
const readSeconds = 20;
const tell = (message: string) => process.stdout.write(`${message}\n`);

runMain(async () => {
  const line = readCommandLine({
    name,
    words: "[APP] [VERSION]",
    about:
      "Takes one web server after the other to a version that is on it: drained, restarted, healthy, as a release goes. VERSION: default\n" +
      "the one before. Stops at the first host that does not become healthy, which keeps what it had. Needs no settings; the next `up`\n" +
      "says that it releases the settings' version again.",
    options: {
      host: { type: "string", value: "HOST", about: "this web server only (default: all)" },
      yes: { type: "boolean", about: "do not ask" },
    },
  });
  if (line === undefined) return 0;
  const outputs = await readOutputs(line.stack);
  const version = versionOf(outputs, line.rest);
  const hosts = hostsServing(outputs.endpoints, "application", line.values.host);
  if (line.values.host === undefined) tellAway(outputs.endpoints);
  const { plan, texts } = await withSite(outputs, "reading releases", async (site) => ({
    plan: planRollback(await Promise.all(hosts.map((host) => readReleases(site, host))), version),
    texts: await Promise.all(
      hosts.map(async (host) => site.run(host, readScript(host), readSeconds)),
    ),
  }));
  process.stdout.write(renderRollbackPlan(plan));
  if (plan.turns.length === 0) return 0;
  const who = whoIsIt();
  const turns = hosts.flatMap((host, at) =>
    plan.turns.some((turn) => turn.host === host.name)
      ? [{ host, wayBack: fillWayBack(texts[at] ?? "", plan, who) }]
      : [],
  );
  if (!line.values.yes && !(await isAgreed(plan))) return 1;
  return walk(outputs, plan, turns);
});

function versionOf({ endpoints }: StackOutputs, words: readonly string[]): string | undefined {
  const [first, second, ...more] = words;
  if (more.length > 0) {
    throw new UsageError(`expected [APP] [VERSION], got ${words.join(" ")}: see ${name} --help`);
  }
  if (first === undefined || applicationNamed(endpoints, first)) return second;
  if (second !== undefined) throw new UsageError(`${first}: no application of this stack`);
  return first;
}

function readScript(host: EndpointHost): string {
  const path = wayBackPath(serviceOf(host, "application")?.unit ?? "");
  return sh`cat -- ${path} 2>/dev/null || { echo ${`there is no ${path} yet: the next release makes it`} >&2; exit 1; }`
    .text;
}

async function isAgreed({ version }: RollbackPlan): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error(`no terminal to ask on: add --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Roll back to ${version}? (yes/no) `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

interface HostTurn {
  readonly host: EndpointHost;
  readonly wayBack: WayBack;
}

/** Stops at the first that fails. */
async function walk(
  outputs: StackOutputs,
  plan: RollbackPlan,
  turns: readonly HostTurn[],
): Promise<number> {
  for (const [at, turn] of turns.entries()) {
    try {
      await rollBack(outputs, turn);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      const names = (some: readonly HostTurn[]) => some.map(({ host }) => host.name).join(", ");
      const before = [...plan.done, ...turns.slice(0, at).map(({ host }) => host.name)].join(", ");
      const after = names(turns.slice(at));
      process.stderr.write(
        `stopped: ${plan.version} is live on ${before || "no host"}; ${after} as before\n`,
      );
      return 1;
    }
    tell(`${turn.host.name}: ${plan.version} is live`);
  }
  return 0;
}

async function rollBack({ privateKeys }: StackOutputs, { host, wayBack }: HostTurn): Promise<void> {
  const session = new Session(reached(host, privateKeys));
  // A second one does not wait for what is taken back.
  const stop = () => void session.close();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await session.run({
      ...wayBack,
      doing: "rolling back",
      onProgress: (message) => tell(`${host.name}: ${message}`),
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await session.close();
  }
}
