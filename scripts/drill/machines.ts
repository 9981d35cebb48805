/** The stack's machines as a drill sees and breaks them: over SSH, and for containers by their engine. */
import { sh } from "../../provider/ssh/shell";
import { capture, must } from "../setup/run";
import { type Site, wait } from "../verify/check";
import { holdsAddress } from "../verify/checks/virtual-address";
import { databaseHosts, type EndpointHost, hostsWith } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";
import { type Row, readStatistics } from "../verify/statistics";

export interface Machines {
  readonly outputs: StackOutputs;
  readonly areContainers: boolean;
  /** Over a connection of its own: the one before may be dead. */
  run(host: EndpointHost, script: string, deadlineSeconds?: number): Promise<string>;
  /** Starts a script, as a unit, that goes on when the connection is gone; it has to end what it begins. */
  launch(host: EndpointHost, script: string, unit?: string): Promise<void>;
  /** As if its power were cut. */
  kill(host: EndpointHost): Promise<void>;
  /** One that was killed is started; a machine that exists starts again by itself. */
  start(host: EndpointHost): Promise<void>;
  /** `pulumi up` of the stack. */
  up(): Promise<void>;
}

export function reachMachines(
  outputs: StackOutputs,
  { areContainers, up }: Pick<Machines, "areContainers" | "up">,
): Machines {
  const { endpoints } = outputs;
  const containerOf = async ({ name }: EndpointHost): Promise<string> => {
    const filters = [`label=trilithon.stack=${endpoints.stack}`, `label=trilithon.host=${name}`];
    const found = await capture("docker", [
      ...["container", "ls", "--all", "--quiet"],
      ...filters.flatMap((filter) => ["--filter", filter]),
    ]);
    return found.stdout.trim();
  };
  const run: Machines["run"] = (host, script, deadlineSeconds = 15) =>
    withSite(outputs, "drilling", (site) => site.run(host, script, deadlineSeconds));
  return {
    outputs,
    areContainers,
    up,
    run,
    launch: async (host, script, unit = `trilithon-drill-${Date.now()}`) => {
      await run(host, sh`systemd-run --quiet --collect --unit=${unit} /bin/sh -c ${script}`.text);
    },
    kill: async (host) => {
      if (areContainers) await must(host.name, "docker", ["kill", await containerOf(host)]);
      else await run(host, "(sleep 0.3; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &");
    },
    start: async (host) => {
      if (areContainers) await must(host.name, "docker", ["start", await containerOf(host)]);
    },
  };
}

/** The stack as its proxies and load balancers see it. */
export interface View {
  /** `undefined` where none of them, or not all alike, name one. */
  readonly primary: string | undefined;
  /** Hosts that hold the shared address. */
  readonly holders: readonly string[];
  /** What is not as it should be, in words. */
  readonly faults: readonly string[];
}

/** Each host is asked over one connection; of one that does not answer nothing is up. */
export function look({ outputs }: Machines): Promise<View> {
  return withSite(outputs, looking, lookBy);
}

const looking = "looking at the stack";

async function lookBy(site: Site): Promise<View> {
  const { endpoints } = site;
  const members = databaseHosts(endpoints);
  const web = hostsWith(endpoints, "web");
  const balancing = hostsWith(endpoints, "load-balancer");
  const [proxies, balancers, holdings] = await Promise.all([
    Promise.all(
      members.length > 0 ? web.map((host) => statistics(site, host, "database-proxy")) : [],
    ),
    Promise.all(balancing.map((host) => statistics(site, host, "haproxy"))),
    Promise.all(balancing.map((host) => holdsShared(site, host))),
  ]);
  const [first = []] = proxies
    .map((rows) => upIn(rows, "primary"))
    .filter(({ length }) => length > 0);
  const holders = balancing.filter((_, index) => holdings[index]);
  return {
    primary: first.length === 1 ? first[0] : undefined,
    holders: holders.map(({ name }) => name),
    faults: [
      ...proxies.flatMap((rows, index) => proxyFaults(web[index]?.name, rows, members.length)),
      ...balancers.flatMap((rows, index) => {
        const { length } = upIn(rows, "web_servers");
        const name = balancing[index]?.name;
        return length === web.length ? [] : [`${name} sees ${length} of ${web.length} web servers`];
      }),
      ...(endpoints.virtualAddress === undefined || holders.length === 1
        ? []
        : [`${holders.length} hosts hold the address`]),
    ],
  };
}

function proxyFaults(
  on: string | undefined,
  rows: readonly Row[],
  members: number,
): readonly string[] {
  if (rows.length === 0) return [`${on} does not tell who is the primary`];
  const [primaries, replicas] = [upIn(rows, "primary").length, upIn(rows, "replicas").length];
  return [
    ...(primaries === 1 ? [] : [`${on} sees ${primaries} primaries`]),
    ...(replicas === members - 1 ? [] : [`${on} sees ${replicas} of ${members - 1} replicas`]),
  ];
}

function statistics(
  site: Site,
  host: EndpointHost,
  of: "haproxy" | "database-proxy",
): Promise<readonly Row[]> {
  return readStatistics(site, host, of).catch(() => []);
}

async function holdsShared(site: Site, host: EndpointHost): Promise<boolean> {
  const { virtualAddress } = site.endpoints;
  if (virtualAddress === undefined) return false;
  return holdsAddress(site, host, virtualAddress).catch(() => false);
}

/** Servers of a backend that are up. Those at rest, that get nothing new, are not. */
function upIn(rows: readonly Row[], backend: string): readonly string[] {
  return rows
    .filter(
      ({ proxy, name, state }) => proxy === backend && name !== "BACKEND" && /^UP\b/.test(state),
    )
    .map(({ name }) => name);
}

/** A member that was expelled takes itself for one of the group for some seconds more: with 4 it was seen to leave again after that. */
const rejoinSeconds = 10;

const pauseSeconds = 0.5;

export type Recovery =
  | { readonly seconds: number; readonly view: View }
  | { readonly faults: readonly string[] };

/**
 * Waits until all is as it should be, and stays so for `steadySeconds`; answers how long that took and what it is, or what was still wrong.
 */
export async function recovered(
  machines: Machines,
  deadlineSeconds: number,
  steadySeconds = rejoinSeconds,
): Promise<Recovery> {
  const begin = performance.now();
  let wellSince: number | undefined;
  for (;;) {
    // As long as all is well over the same connections: each new one costs a host a login.
    const [view, seconds] = await withSite(machines.outputs, looking, async (site) => {
      for (;;) {
        const view = await lookBy(site);
        const seconds = (performance.now() - begin) / 1000;
        wellSince = view.faults.length === 0 ? (wellSince ?? seconds) : undefined;
        const isOver = wellSince === undefined || seconds - wellSince >= steadySeconds;
        if (isOver) return [view, seconds] as const;
        await wait(pauseSeconds);
      }
    });
    if (wellSince !== undefined) return { seconds: wellSince, view };
    if (seconds > deadlineSeconds) return { faults: view.faults };
    await wait(pauseSeconds);
  }
}
