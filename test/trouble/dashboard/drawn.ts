/** A stack of 20 hosts that is not there: what the page is told of it is drawn by hand. */
import { bundlePage } from "../../../scripts/dashboard/bundle";
import type {
  Charts,
  Health,
  HostLook,
  HostPicture,
  Picture,
  Traffic,
} from "../../../scripts/dashboard/picture";
import { type Dashboard, serve } from "../../../scripts/dashboard/serve";
import type { Watch } from "../../../scripts/dashboard/watch";

const healths: Readonly<Record<string, Health>> = {
  "web-03": "drained",
  "web-07": "fault",
  "web-09": "silent",
  "db-03": "notice",
  "db-05": "away",
};
const words: Partial<Record<Health, string>> = {
  drained: "drained: it gets nothing new",
  fault: "guestbook.service: failed (failed), exit-code",
  silent: "no answer over SSH within 3 seconds",
  notice: "mysql.service ended: systemd has started it again",
  away: "away: nothing is asked of it",
};

const names = [
  ...["lb-01", "lb-02", "lb-03"],
  ...Array.from({ length: 10 }, (_, at) => `web-${String(at + 1).padStart(2, "0")}`),
  ...["db-01", "db-02", "db-03", "db-04", "db-05"],
  ...["monitor-01", "backup-01"],
];

function rolesOf(name: string): readonly string[] {
  if (name.startsWith("lb")) return ["load-balancer"];
  if (name.startsWith("web")) return ["web"];
  if (name.startsWith("db")) return ["database"];
  return [name.startsWith("monitor") ? "monitoring" : "backup"];
}

function unitsOf(name: string): readonly string[] {
  if (name.startsWith("lb")) return ["haproxy.service", "keepalived.service"];
  if (name.startsWith("web")) {
    return ["nginx.service", "guestbook.service", "trilithon-database-proxy.service"];
  }
  if (name.startsWith("db")) return ["mysql.service", "trilithon-mysql-role.service"];
  return name.startsWith("monitor") ? ["prometheus.service"] : ["trilithon-backup-server.service"];
}

function lookOf(name: string, health: Health): HostLook {
  const isWeb = name.startsWith("web");
  const isMember = name.startsWith("db");
  const isPrimary = name === "db-01";
  return {
    units: unitsOf(name).map((unit) => {
      const isWell = health !== "fault" || unit !== "guestbook.service";
      const seen = isWell ? "active (running)" : "failed (failed), exit-code";
      return { unit, isWell, seen, restarts: 0 };
    }),
    drained: [],
    holds: name.startsWith("lb") ? name === "lb-02" : null,
    balancers: [],
    releases: isWeb
      ? [
          {
            ...{ application: "guestbook", host: name, version: "c04ade8e12345678" },
            ...{ since: null, reason: null },
          },
        ]
      : [],
    member: isMember
      ? {
          ...{ host: name, role: isPrimary ? "primary" : "replica", reason: null },
          state: isPrimary ? "open" : "follows",
          lagSeconds: isPrimary ? null : 0.4,
        }
      : null,
    ...{ faults: [], alerts: null, backup: null },
    load: { perCpu: ((name.length * 7 + name.charCodeAt(4)) % 90) / 100, memory: 0.47, disk: 0.31 },
  };
}

function hostOf(name: string, at: number): HostPicture {
  const health = healths[name] ?? "well";
  const isLooked = health !== "away";
  const fault = {
    ...{ host: name, what: words[health] ?? "", seen: "seen <b>as text</b>" },
    remedy: `npm run logs -- --host ${name} --since 15m`,
  };
  const states: Partial<Record<Health, Traffic["state"]>> = {
    ...{ drained: "drained", fault: "down", silent: "down" },
  };
  return {
    ...{ name, health, address: `10.0.0.${at + 11}`, roles: rolesOf(name) },
    words: words[health] ?? "all well",
    silence: health === "silent" ? (words.silent ?? "") : null,
    answeredAt: isLooked ? Date.now() : null,
    faults: health === "fault" || health === "silent" ? [fault] : [],
    notices: health === "notice" ? [fault] : [],
    look: isLooked ? lookOf(name, health) : null,
    traffic:
      name.startsWith("web") && isLooked
        ? [
            {
              ...{ application: "guestbook", by: "lb-02", haproxy: "UP" },
              state: states[health] ?? "up",
            },
          ]
        : [],
    logs: ["app"],
  };
}

export function drawnPicture(): Picture {
  const hosts = names.map(hostOf);
  const now = Date.now();
  return {
    ...{ stack: "prod", url: "https://www.foobar.com", health: "fault" },
    words: "1 of 19 hosts silent, 1 fault",
    stations: [
      {
        ...{ title: "Load balancers", health: "well", who: "lb-02" },
        words: "has 10.0.0.10; 3 of 3 serve",
      },
      {
        ...{ title: "Web servers", health: "notice", who: "guestbook" },
        words: "7 of 10 get requests; version c04ade8e",
      },
      {
        ...{ title: "Database guestbook", health: "well", who: "db-01" },
        words: "takes writes; 3 of 3 follow, 0.4 s behind",
      },
    ],
    hosts,
    faults: hosts.flatMap(({ faults }) => faults),
    notices: hosts.flatMap(({ notices }) => notices),
    happenings: hosts
      .filter(({ health }) => !["well", "away"].includes(health))
      .map(({ name: host, health, words }, at) => ({
        ...{ id: at + 1, at: now - at * 61_000, host, health, words },
      })),
    monitoring: "answers",
    alerts: [
      {
        ...{ name: "HostDown", host: "web-09", severity: "page", isSilenced: false },
        cause: "web-09 does not answer Prometheus.",
        effect: "What runs there is missing.",
        ...{ firstStep: "npm run status", since: new Date(now - 95_000).toISOString() },
      },
    ],
    hasBackups: true,
    certificates: [
      {
        ...{ name: "www.foobar.com", at: "https://www.foobar.com", days: 9, reason: null },
        ends: new Date(now + 9 * 86_400_000).toISOString(),
      },
    ],
    checkedAt: now - 12_000,
  };
}

function drawnCharts(): Charts {
  const end = Math.floor(Date.now() / 15_000) * 15;
  const times = Array.from({ length: 241 }, (_, at) => end - 3600 + at * 15);
  const wave = (of: number) =>
    times.map((_, at) => 0.4 + 0.25 * Math.sin(at / (9 + of)) + 0.02 * ((at * 7 + of * 13) % 10));
  const series = names.map((legend, at) => ({ legend, values: wave(at) }));
  return {
    charts: [
      {
        ...{ id: "requests", title: "Requests, by class of status", part: "site" },
        ...{ unit: "per second", times },
        series: [
          { legend: "2xx", values: wave(3).map((value) => value * 400) },
          { legend: "5xx", values: wave(5).map((value) => value * 4) },
        ],
      },
      { ...{ id: "cpu", title: "CPU", part: "hosts", unit: "ratio", times }, series },
    ],
    reason: null,
  };
}

/** The page of it, by the server of the command. */
export async function serveDrawn(picture = drawnPicture()): Promise<Dashboard> {
  const watch: Watch = {
    picture: () => picture,
    answeredAt: () =>
      Object.fromEntries(
        picture.hosts.map(({ name, health }) => [
          name,
          health === "silent" ? Date.now() - 95_000 : Date.now(),
        ]),
      ),
    listen: () => () => undefined,
    readers: new Map(),
    endpoints: { hosts: [] } as unknown as Watch["endpoints"],
    privateKeys: {},
    close: async () => undefined,
  };
  return serve({
    watch,
    files: await bundlePage(),
    readCharts: async () => drawnCharts(),
    port: 0,
  });
}
