/** One host after the other: drained, updated, restarted or rebooted, waited for, and taken back in. */
import { type EndpointHost, startCommand } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";
import { giveRoleBack, meaningOfAbsence } from "./database";
import { drainHost, findHost, obstaclesOf, type UndrainOptions, undrainHost } from "./drain";
import { reboot } from "./reboot";
import { whileSilenced } from "./silence";
import { installUpdates, type Pending, readPending, restartStale } from "./updates";
import { staysDrained } from "./web";

export interface MaintainOptions extends Pick<UndrainOptions, "healthySeconds"> {
  /** The name of the one host to look after. Default: all. */
  readonly host?: string | undefined;
  /** Whether each host is rebooted, be there updates or not. */
  readonly reboot: boolean;
  readonly isSecurityOnly: boolean;
  /** Nothing is changed. */
  readonly isListOnly: boolean;
  /** How long requests under way may take on a host that is drained. */
  readonly finishSeconds: number;
  readonly say: (message: string) => void;
}

/** For each host: one that takes longer is worth a look. */
const silencedMinutes = 20;

interface Work {
  readonly host: EndpointHost;
  readonly pending: Pending;
  readonly obstacles: readonly string[];
}

/** Answers whether all that was to be done is done. Throws at the first host that does not come back. */
export async function maintain(outputs: StackOutputs, options: MaintainOptions): Promise<boolean> {
  const { say } = options;
  if (options.host === undefined) {
    for (const name of outputs.endpoints.away) say(`${name}: it is away, and left out`);
  }
  const all = await survey(outputs, options);
  for (const one of all) say(describe(one));
  const due = all.filter((one) => isDue(one, options));
  if (options.isListOnly || due.length === 0) return true;
  const able = due.filter(({ obstacles }) => obstacles.length === 0);
  const left = due.filter(({ obstacles }) => obstacles.length > 0);
  for (const { obstacles } of left) for (const obstacle of obstacles) say(`left out: ${obstacle}`);
  for (const { host } of able) {
    const meaning = meaningOfAbsence(outputs.endpoints, host);
    if (meaning !== undefined) say(meaning);
  }
  const names = able.map(({ host }) => host.name);
  const how = options.reboot
    ? "updated and rebooted"
    : "updated, with what runs old code restarted";
  if (able.length > 0) say(`one after the other, drained, ${how}: ${names.join(", ")}`);
  const minutes = silencedMinutes * able.length;
  const silence = { why: "npm run maintain", what: "parts", minutes, say } as const;
  if (able.length > 0)
    await whileSilenced(outputs, silence, () => maintainAll(outputs, able, options));
  await withSite(outputs, "giving the role back", (site) => giveRoleBack(site, names, say)).catch(
    (error: Error) => {
      const { wantedPrimary, stack } = outputs.endpoints;
      throw new Error(
        `${error.message}\nall hosts are done, but ${wantedPrimary} is not MySQL's primary again: ${startCommand(stack)} makes it that`,
      );
    },
  );
  return left.length === 0;
}

async function maintainAll(
  outputs: StackOutputs,
  able: readonly Work[],
  options: MaintainOptions,
): Promise<void> {
  const names = able.map(({ host }) => host.name);
  for (const [index, work] of able.entries()) {
    await maintainHost(outputs, work, options).catch((error: Error) => {
      const rest = names.slice(index + 1);
      const untouched = rest.length > 0 ? `; not touched: ${rest.join(", ")}` : "";
      const { stack } = outputs.endpoints;
      const name = work.host.name;
      throw new Error(
        `${error.message}\n${name} is left as it is${untouched}. See what is wrong (npm run verify -- --stack ${stack}), ` +
          `then npm run undrain -- ${name} --stack ${stack}, and npm run maintain again`,
      );
    });
  }
}

function survey(outputs: StackOutputs, options: MaintainOptions): Promise<readonly Work[]> {
  return withSite(outputs, "listing updates", (site) => {
    const { endpoints } = site;
    const hosts = options.host === undefined ? endpoints.hosts : [findHost(site, options.host)];
    return Promise.all(
      hosts.map(async (host) => ({
        host,
        pending: await readPending(site, host, options),
        obstacles: await obstaclesOf(site, host),
      })),
    );
  });
}

function isDue({ pending }: Work, options: MaintainOptions): boolean {
  return options.reboot || pending.updates.length > 0 || pending.stale.length > 0;
}

function describe({ host, pending }: Work): string {
  const { updates, kept, stale, reboot } = pending;
  const security = updates.filter(({ isSecurity }) => isSecurity).length;
  const count = `${updates.length} update${updates.length === 1 ? "" : "s"}`;
  const list = updates.map(({ name, from, to }) => `${name} ${from} -> ${to}`).join(", ");
  return [
    `${host.name}: ${updates.length === 0 ? "no updates" : `${count} (${security} for security): ${list}`}`,
    ...(kept.length > 0 ? [`kept back: ${kept.join(", ")}`] : []),
    ...(stale.length > 0 ? [`running old code: ${stale.join(", ")}`] : []),
    ...(reboot.length > 0 ? [`a reboot is due: ${reboot.join(", ")}`] : []),
  ].join("; ");
}

async function maintainHost(
  outputs: StackOutputs,
  { host, pending }: Work,
  options: MaintainOptions,
): Promise<void> {
  const { say } = options;
  const tell = (message: string) => say(`  ${message}`);
  const draining = { finishSeconds: options.finishSeconds, say: tell };
  say(`${host.name}: draining`);
  await withSite(outputs, "maintaining", async (site) => {
    // What was true at the beginning need not be so by now.
    const obstacles = await obstaclesOf(site, host);
    if (obstacles.length > 0) throw new Error(obstacles.join("\n"));
    await drainHost(site, host, draining);
    if (pending.updates.length > 0) {
      say(`${host.name}: installing ${pending.updates.length} updates`);
      await installUpdates(site, host, pending.updates);
    }
    if (options.reboot) {
      if (host.roles.includes("web")) await staysDrained(site, host);
      return;
    }
    const { stale } = await readPending(site, host, options);
    if (stale.length > 0) say(`${host.name}: restarting ${stale.join(", ")}`);
    await restartStale(site, host, stale);
  });
  if (options.reboot) {
    say(`${host.name}: rebooting`);
    await reboot(outputs, host, tell);
  }
  say(`${host.name}: waiting until it is healthy and in step`);
  await withSite(outputs, "waiting", (site) => undrainHost(site, host, { ...options, say: tell }));
  say(`${host.name}: done`);
}
