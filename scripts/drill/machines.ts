/** The stack's machines as a drill sees and breaks them: over SSH, and for containers by their engine. */
import { sh } from "../../provider/ssh/shell";
import { capture, must } from "../setup/run";
import { wait } from "../verify/check";
import { type EndpointHost, hostsWith } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { openSite } from "../verify/site";

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
  const { endpoints, privateKeys } = outputs;
  const containerOf = async ({ name }: EndpointHost): Promise<string> => {
    const filters = [`label=trilithon.stack=${endpoints.stack}`, `label=trilithon.host=${name}`];
    const found = await capture("docker", [
      ...["container", "ls", "--all", "--quiet"],
      ...filters.flatMap((filter) => ["--filter", filter]),
    ]);
    return found.stdout.trim();
  };
  const run: Machines["run"] = async (host, script, deadlineSeconds = 15) => {
    const site = openSite(endpoints, privateKeys);
    try {
      return await site.run(host, script, deadlineSeconds);
    } finally {
      await site.close();
    }
  };
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

/** What the proxies to the database and the load balancers say of those behind them; `undefined`: nobody says anything. */
export interface View {
  readonly primary: string | undefined;
  /** Hosts that hold the shared address. */
  readonly holders: readonly string[];
  /** What is not as it should be, in words. */
  readonly faults: readonly string[];
}

const proxyScript =
  "echo 'show stat' | socat -t 2 stdio /run/trilithon-database-proxy/admin.sock | cut -d, -f1,2,18";
const balancerScript =
  "echo 'show stat' | socat -t 2 stdio /run/haproxy/admin.sock | cut -d, -f1,2,18";

export async function look(machines: Machines): Promise<View> {
  const { endpoints } = machines.outputs;
  const members = endpoints.hosts.filter(({ roles }) =>
    roles.some((role) => role.startsWith("database")),
  );
  const ask = async (host: EndpointHost, script: string): Promise<string> =>
    machines.run(host, script).catch(() => "");
  const web = hostsWith(endpoints, "web");
  const balancing = hostsWith(endpoints, "load-balancer");
  const [proxies, balancers, holdings] = await Promise.all([
    Promise.all(members.length > 0 ? web.map((host) => ask(host, proxyScript)) : []),
    Promise.all(balancing.map((host) => ask(host, balancerScript))),
    Promise.all(balancing.map((host) => ask(host, holderScript(endpoints.virtualAddress)))),
  ]);
  const primaries = proxies.map((text) => upIn(text, "primary"));
  const [first = []] = primaries.filter((up) => up.length > 0);
  const holders = balancing.filter((_, index) => holdings[index]?.trim() === "holds");
  const names = balancing.map(({ name }) => name);
  return {
    primary: first.length === 1 ? first[0] : undefined,
    holders: holders.map(({ name }) => name),
    faults: [
      ...proxies.flatMap((text, index) => {
        const [on, primary, replicas] = [
          web[index]?.name,
          upIn(text, "primary"),
          upIn(text, "replicas"),
        ];
        if (text === "") return [`${on} does not tell who is the primary`];
        return [
          ...(primary.length === 1 ? [] : [`${on} sees ${primary.length} primaries`]),
          ...(replicas.length === members.length - 1
            ? []
            : [`${on} sees ${replicas.length} of ${members.length - 1} replicas`]),
        ];
      }),
      ...balancers.flatMap((text, index) => {
        const up = upIn(text, "web_servers").length;
        return up === web.length ? [] : [`${names[index]} sees ${up} of ${web.length} web servers`];
      }),
      ...(endpoints.virtualAddress === undefined || holders.length === 1
        ? []
        : [`${holders.length} hosts hold the address`]),
    ],
  };
}

/** A member that was expelled takes itself for one of the group for some seconds more. */
const steadySeconds = 4;

/** Waits until all is as it should be, and stays so; answers how long that took, or what was still wrong. */
export async function recovered(
  machines: Machines,
  deadlineSeconds: number,
): Promise<{ readonly seconds: number } | { readonly faults: readonly string[] }> {
  const begin = performance.now();
  let wellSince: number | undefined;
  for (;;) {
    const { faults } = await look(machines);
    const seconds = (performance.now() - begin) / 1000;
    wellSince = faults.length === 0 ? (wellSince ?? seconds) : undefined;
    if (wellSince !== undefined && seconds - wellSince >= steadySeconds)
      return { seconds: wellSince };
    if (wellSince === undefined && seconds > deadlineSeconds) return { faults };
    await wait(0.5);
  }
}

function holderScript(address: string | undefined): string {
  if (address === undefined) return "echo no";
  return sh`ip -4 -o addr show to ${address} | grep -q . && echo holds || echo no`.text;
}

/** Servers of a backend that are up. Those at rest, that get nothing new, are not. */
function upIn(stat: string, backend: string): readonly string[] {
  return stat.split("\n").flatMap((line) => {
    const [of, name = "", status = ""] = line.trim().split(",");
    return of === backend && name !== "BACKEND" && /^UP\b/.test(status) ? [name] : [];
  });
}
