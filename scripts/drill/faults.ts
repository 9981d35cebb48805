/** The faults that a drill causes, for real. Each ends by itself, on the machine, also when the drill does not live to see it. */
import { databaseHosts, type EndpointHost, hostsWith } from "../verify/endpoints";
import type { Machines, View } from "./machines";

export interface Fault {
  readonly kind: string;
  /** What is done, for the table. */
  readonly about: string;
  /** Whom it hits, or why this stack does not survive it and it is left out. */
  readonly target: (machines: Machines, view: View) => EndpointHost | string;
  readonly cause: (machines: Machines, host: EndpointHost, seconds: number) => Promise<void>;
  /** What has to be done from outside when its time is over. */
  readonly end?: (machines: Machines, host: EndpointHost) => Promise<void>;
}

type Target = Fault["target"];

const holder: Target = ({ outputs }, { holders }) => {
  const { endpoints } = outputs;
  const balancing = hostsWith(endpoints, "load-balancer");
  if (endpoints.virtualAddress === undefined || balancing.length < 2) {
    return "there are not two load balancers with a virtual address";
  }
  return balancing.find(({ name }) => name === holders[0]) ?? "no load balancer holds the address";
};

const primary: Target = (machines, view) => {
  const members = databaseHosts(machines.outputs.endpoints);
  if (members.length < 3) return "two members cannot vote: a person promotes the replica";
  return members.find(({ name }) => name === view.primary) ?? "no member is the primary";
};

const replica: Target = (machines, view) => {
  const members = databaseHosts(machines.outputs.endpoints);
  if (members.length < 2) return "there is no replica";
  return members.find(({ name }) => name !== view.primary) ?? "no member is a replica";
};

const restartingPrimary: Target = ({ outputs }, view) =>
  outputs.endpoints.hosts.find(({ name }) => name === view.primary) ?? "no member is the primary";

const webServer: Target = ({ outputs }, view) => {
  const web = hostsWith(outputs.endpoints, "web");
  if (web.length < 2) return "there are not two web servers";
  // One that is nothing else just now, if there is one.
  const others = web.filter(({ name }) => name !== view.primary && name !== view.holders[0]);
  return others[0] ?? web[0] ?? "there is no web server";
};

const killed = {
  cause: (machines: Machines, host: EndpointHost) => machines.kill(host),
  end: (machines: Machines, host: EndpointHost) => machines.start(host),
};

const frozen =
  (unit: string): Fault["cause"] =>
  (machines, host, seconds) =>
    machines.launch(
      host,
      `systemctl kill --signal=STOP ${unit}; sleep ${seconds}; systemctl kill --signal=CONT ${unit}`,
    );

/** What comes in is dropped, and what goes out as well, but not what stays inside. */
const cutOff: Fault["cause"] = (machines, host, seconds) =>
  machines.launch(host, renderCutOff([], seconds));

/**
 * With peers, only what goes between them and the host. By nftables where they are, else by routing rules, which every
 * Linux has, but which do not hold for a socket that is bound to an interface, as keepalived's is.
 */
export function renderCutOff(peers: readonly string[], seconds: number): string {
  const rules =
    peers.length === 0 ? ["from all"] : peers.flatMap((peer) => [`from ${peer}`, `to ${peer}`]);
  const drops = (direction: "saddr" | "daddr") =>
    peers.length === 0 ? "drop" : `ip ${direction} { ${peers.join(", ")} } drop`;
  return `sleep 0.3
if command -v nft >/dev/null; then
  nft 'table inet trilithon_drill {
    chain in { type filter hook input priority -300; iif lo accept; ${drops("saddr")}; }
    chain out { type filter hook output priority -300; oif lo accept; ${drops("daddr")}; }
  }'
  sleep ${seconds}
  nft delete table inet trilithon_drill
  exit
fi
ip rule add pref 10 iif lo lookup local
${rules.map((rule) => `ip rule add pref 11 ${rule} blackhole`).join("\n")}
ip rule add pref 12 from all lookup local
ip rule del pref 0
sleep ${seconds}
ip rule add pref 0 from all lookup local
while ip rule del pref 11 2>/dev/null; do :; done
ip rule del pref 10
ip rule del pref 12`;
}

/** Of load balancers and web servers. */
export const frontFaults: readonly Fault[] = [
  {
    kind: "load-balancer-killed",
    about: "the holder's machine loses its power",
    target: holder,
    ...killed,
  },
  {
    kind: "haproxy-killed",
    about: "HAProxy of the holder is killed, and its unit stopped",
    target: holder,
    cause: (machines, host, seconds) =>
      machines.launch(
        host,
        `systemctl kill --signal=KILL haproxy; systemctl stop haproxy; sleep ${seconds}; systemctl start haproxy`,
      ),
  },
  {
    kind: "haproxy-frozen",
    about: "HAProxy of the holder hangs",
    target: holder,
    cause: frozen("haproxy.service"),
  },
  {
    kind: "load-balancer-cut-off",
    about: "the holder's network is cut",
    target: holder,
    cause: cutOff,
  },
  {
    kind: "keepalived-frozen",
    about: "keepalived of the holder hangs",
    target: holder,
    cause: frozen("keepalived.service"),
  },
  {
    kind: "web-server-killed",
    about: "a web server's machine loses its power",
    target: webServer,
    ...killed,
  },
];

/** Of the database, and of everything at once. */
export const databaseFaults: readonly Fault[] = [
  {
    kind: "mysqld-killed",
    about: "mysqld of the primary is killed",
    target: restartingPrimary,
    cause: (machines, host) => machines.launch(host, "systemctl kill --signal=KILL mysql"),
  },
  {
    kind: "primary-killed",
    about: "the primary's machine loses its power",
    target: primary,
    ...killed,
  },
  {
    kind: "mysqld-frozen",
    about: "mysqld of the primary hangs",
    target: primary,
    cause: frozen("mysql.service"),
  },
  {
    kind: "primary-cut-off",
    about: "the primary's network is cut",
    target: primary,
    cause: cutOff,
  },
  {
    kind: "replica-killed",
    about: "a replica's machine loses its power",
    target: (machines, view) =>
      databaseHosts(machines.outputs.endpoints).length < 3
        ? "writes wait for the only replica"
        : replica(machines, view),
    ...killed,
  },
  {
    kind: "partition",
    about: "the primary no longer reaches another member",
    target: primary,
    cause: (machines, host, seconds) => {
      const other = databaseHosts(machines.outputs.endpoints).find(
        ({ name }) => name !== host.name,
      );
      return machines.launch(host, renderCutOff(other ? [other.address] : [], seconds));
    },
  },
  {
    kind: "all-apart",
    about: "no member reaches another one",
    target: primary,
    cause: async (machines, _, seconds) => {
      const members = databaseHosts(machines.outputs.endpoints);
      await Promise.all(
        members.map((member) => {
          const others = members.filter(({ name }) => name !== member.name);
          const addresses = others.map(({ address }) => address);
          return machines.launch(member, renderCutOff(addresses, seconds));
        }),
      );
    },
  },
  {
    kind: "everything-killed",
    about: "all machines lose their power; started again, one `up` brings all back",
    target: ({ outputs, areContainers }) =>
      outputs.endpoints.hosts.find(() => areContainers) ?? "only containers are killed all at once",
    cause: async (machines) => {
      await Promise.all(machines.outputs.endpoints.hosts.map((host) => machines.kill(host)));
    },
    end: async (machines) => {
      await Promise.all(machines.outputs.endpoints.hosts.map((host) => machines.start(host)));
      await machines.up();
    },
  },
];

export const faults: readonly Fault[] = [...frontFaults, ...databaseFaults];
