/** What hosts of the sample stack say while all is well. */
import type { Known } from "../../../scripts/dashboard/judge";
import type { HostLook } from "../../../scripts/dashboard/picture";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "../verify/sample";

export const endpoints = parseEndpoints(sampleOutput);

export const running = (unit: string) => ({
  ...{ unit, isWell: true, seen: "active (running)", restarts: 0 },
});

const nothing: HostLook = {
  ...{ units: [], drained: [], holds: null, balancers: [], releases: [], member: null },
  ...{ faults: [], alerts: null, backup: null, load: null },
};

const server = (host: string, state: "up" | "down" | "drained" = "up") => ({
  ...{ host, state, haproxy: state.toUpperCase() },
});

export const balancing = (...servers: ReturnType<typeof server>[]) => [
  { host: "lb-01", application: "guestbook", servers, reason: null },
];
export { server };

export const looks: Readonly<Record<string, HostLook>> = {
  "lb-01": {
    ...nothing,
    units: [running("haproxy.service")],
    balancers: balancing(server("web-01"), server("web-02")),
  },
  "web-01": {
    ...nothing,
    units: [running("nginx.service"), running("mysql.service")],
    member: {
      ...{ host: "web-01", role: "primary", state: "open", lagSeconds: null, reason: null },
    },
  },
  "web-02": {
    ...nothing,
    units: [running("nginx.service"), running("mysql.service")],
    member: {
      ...{ host: "web-02", role: "replica", state: "follows", lagSeconds: 0.2, reason: null },
    },
  },
};

export const lookOf = (name: string): HostLook => looks[name] ?? nothing;

/** All hosts have answered, but for what is said. */
export function known(but: Readonly<Record<string, Partial<Known>>> = {}) {
  return new Map(
    Object.entries(looks).map(([name, look]): [string, Known] => [
      name,
      { ...{ look, answeredAt: 1000, silence: null, restarted: [] }, ...but[name] },
    ]),
  );
}
