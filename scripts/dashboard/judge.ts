/** What follows from what hosts say: how each of them is, and the stack. Nothing is asked here. */
import type { LogName } from "../operate/logs";
import type { Status } from "../status/schema";
import type { EndpointHost, Endpoints } from "../verify/endpoints";
import { hostsWith } from "../verify/endpoints";
import { isAskedLive } from "./host-look";
import type { Fault, Health, HostLook, HostPicture, Picture, Station, Traffic } from "./picture";

/** What is known of a host. */
export interface Known {
  readonly look: HostLook | null;
  readonly answeredAt: number | null;
  /** Why it did not answer the last time. */
  readonly silence: string | null;
  /** Units that systemd has started again by itself a short while ago. */
  readonly restarted: readonly string[];
}

export const nothingKnown: Known = {
  look: null,
  answeredAt: null,
  silence: null,
  restarted: [],
};

export type Judged = Pick<
  Picture,
  "health" | "words" | "stations" | "hosts" | "faults" | "notices" | "monitoring" | "alerts"
>;

/** `checks`: all of verify's, as they were when last looked at. */
export function judge(
  endpoints: Endpoints,
  known: ReadonlyMap<string, Known>,
  checks: Status["checks"],
): Judged {
  const of = (name: string) => known.get(name) ?? nothingKnown;
  const hosts = [
    ...endpoints.hosts.map((host) => judgeHost(endpoints, host, known, checks)),
    ...endpoints.away.map((name) => awayHost(name, endpoints.rolesOfAway[name] ?? [])),
  ];
  const answering = endpoints.hosts.filter(({ name }) => isAnswering(of(name)));
  const stackFaults = [...addressFaults(endpoints, known), ...primaryFaults(endpoints, known)];
  const stackNotices = checks
    .filter(({ host, state }) => host === null && state === "fault")
    .map(({ name, seen, remedy }) => ({ host: null, what: checkWords(name), seen, remedy }));
  const faults = [...stackFaults, ...hosts.flatMap((host) => host.faults)];
  const notices = [...stackNotices, ...hosts.flatMap((host) => host.notices)];
  const monitors = hostsWith(endpoints, "monitoring").map(({ name }) => of(name));
  const telling = monitors.find((one) => isAnswering(one) && one.look?.alerts);
  const counted = hosts.filter(({ health }) => health !== "away");
  return {
    ...describeStack(counted, { faults, notices, answering: answering.length }),
    ...{ hosts, faults, notices },
    stations: stationsOf(endpoints, known, hosts),
    monitoring: monitors.length === 0 ? "none" : telling ? "answers" : "silent",
    alerts: telling?.look?.alerts ?? [],
  };
}

function isAnswering({ look, silence }: Known): boolean {
  return look !== null && silence === null;
}

function describeStack(
  hosts: readonly HostPicture[],
  {
    faults,
    notices,
    answering,
  }: {
    readonly faults: readonly Fault[];
    readonly notices: readonly Fault[];
    readonly answering: number;
  },
): Pick<Picture, "health" | "words"> {
  const count = (health: Health) => hosts.filter((host) => host.health === health).length;
  const [silent, waiting, drained] = [count("silent"), count("unknown"), count("drained")];
  if (waiting === hosts.length) return { health: "unknown", words: "asking the hosts" };
  if (answering === 0) return { health: "unknown", words: "no host answers" };
  const others = faults.filter(({ what }) => what !== silentWords).length;
  const parts = [
    ...(silent > 0 ? [`${silent} of ${hosts.length} hosts silent`] : []),
    ...(others > 0 ? [plural(others, "fault")] : []),
  ];
  if (parts.length > 0) return { health: "fault", words: parts.join(", ") };
  if (drained > 0) return { health: "notice", words: `${plural(drained, "host")} drained` };
  if (notices.length > 0) return { health: "notice", words: plural(notices.length, "warning") };
  if (waiting > 0)
    return { health: "unknown", words: `${waiting} of ${hosts.length} hosts not asked yet` };
  return { health: "well", words: `${plural(hosts.length, "host")}, all well` };
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** The name of a check says what is wanted. */
function checkWords(name: string): string {
  return `a check fails, "${name}"`;
}

const silentWords = "does not answer";

function awayHost(name: string, roles: readonly string[]): HostPicture {
  return {
    ...{ name, address: "", roles, health: "away", words: "away: nothing is asked of it" },
    ...{ silence: null, answeredAt: null, faults: [], notices: [], look: null },
    ...{ traffic: [], logs: [] },
  };
}

function judgeHost(
  endpoints: Endpoints,
  { name, address, roles }: EndpointHost,
  all: ReadonlyMap<string, Known>,
  checks: Status["checks"],
): HostPicture {
  const known = all.get(name) ?? nothingKnown;
  const { look, silence, answeredAt, restarted } = known;
  const traffic = trafficOf(name, endpoints, all);
  const place = { name, address, roles, silence, answeredAt, look, traffic, logs: [] };
  if (silence !== null) {
    const faults = [
      {
        ...{ host: name, what: silentWords, seen: silence },
        remedy: "look at the machine itself; npm run status",
      },
    ];
    return { ...place, health: "silent", words: silence, faults, notices: [] };
  }
  if (look === null) {
    return {
      ...place,
      health: "unknown",
      words: "being asked for the first time",
      faults: [],
      notices: [],
    };
  }
  const isDrained = look.drained.length > 0;
  const faults = faultsOf(endpoints, name, look, isDrained ? [] : traffic);
  const notices = [
    ...restarted.map((unit) => ({
      ...{ host: name, what: `${unit} ended`, seen: "systemd has started it again" },
      remedy: `npm run logs -- --host ${name} --since 5m`,
    })),
    ...checks
      .filter((one) => one.host === name && one.state === "fault" && !isAskedLive(one.name, name))
      .map((one) => ({
        ...{ host: name, what: checkWords(one.name.slice(name.length + 2)), seen: one.seen },
        remedy: one.remedy,
      })),
  ];
  const [first] = [...faults, ...(isDrained ? [] : notices)];
  const health =
    faults.length > 0 ? "fault" : isDrained ? "drained" : notices.length > 0 ? "notice" : "well";
  const words =
    first === undefined
      ? isDrained
        ? "drained: it gets nothing new"
        : "all well"
      : `${first.what}: ${first.seen}`;
  return { ...place, health, words, faults, notices };
}

function faultsOf(
  endpoints: Endpoints,
  name: string,
  { units, faults, member, balancers }: HostLook,
  traffic: readonly Traffic[],
): readonly Fault[] {
  const { stack } = endpoints;
  const ended = units
    .filter(({ isWell }) => !isWell)
    .map(({ unit, seen }) => ({
      ...{ host: name, what: unit, seen },
      remedy: `npm start -- --stack ${stack} brings it back; why: npm run logs -- --host ${name} --since 15m`,
    }));
  const left = traffic
    .filter(({ state }) => state === "down" || state === "maintenance")
    .map(({ application, by, haproxy }) => ({
      ...{ host: name, what: `${application} gets no requests`, seen: `${by}: ${haproxy}` },
      remedy: `npm run logs -- nginx ${application} --host ${name} --since 15m`,
    }));
  const hangs = (what: string, log: LogName) => ({
    ...{ host: name, what, seen: "does not answer" },
    remedy: `npm run logs -- ${log} --host ${name} --since 15m`,
  });
  // Where its service has ended, that says it all.
  if (ended.length > 0) return [...ended, ...faults];
  return [
    ...(isMute(balancers) ? [hangs("HAProxy", "haproxy")] : []),
    ...(member?.role === "unknown" ? [hangs("MySQL", "mysql")] : []),
    ...faults,
    ...left,
  ];
}

/** Whether HAProxy on that host tells nothing of the web servers. */
function isMute(balancers: HostLook["balancers"]): boolean {
  return balancers.some(({ reason }) => reason !== null);
}

/** By load balancers that answer: what others said before is of no use. */
function trafficOf(
  name: string,
  { hosts }: Endpoints,
  all: ReadonlyMap<string, Known>,
): readonly Traffic[] {
  return hosts.flatMap((balancer) => {
    const known = all.get(balancer.name) ?? nothingKnown;
    if (!isAnswering(known)) return [];
    return (known.look?.balancers ?? []).flatMap(({ application, host: by, servers }) =>
      servers
        .filter(({ host }) => host === name)
        .map(({ state, haproxy }) => ({ application, by, state, haproxy })),
    );
  });
}

function namesOf(
  hosts: readonly EndpointHost[],
  known: ReadonlyMap<string, Known>,
  isWanted: (look: HostLook) => boolean,
): readonly string[] {
  return hosts.flatMap(({ name }) => {
    const one = known.get(name) ?? nothingKnown;
    return one.look !== null && isAnswering(one) && isWanted(one.look) ? [name] : [];
  });
}

function areAsked(hosts: readonly EndpointHost[], known: ReadonlyMap<string, Known>): boolean {
  return hosts.every(({ name }) => {
    const one = known.get(name);
    return one !== undefined && (one.look !== null || one.silence !== null);
  });
}

function addressFaults(endpoints: Endpoints, known: ReadonlyMap<string, Known>): readonly Fault[] {
  const balancers = hostsWith(endpoints, "load-balancer");
  if (!endpoints.hasOneInCharge || !areAsked(balancers, known)) return [];
  const holders = namesOf(balancers, known, ({ holds }) => holds === true);
  if (holders.length === 1) return [];
  const what = endpoints.virtualAddress ?? "being in charge";
  const seen =
    holders.length === 0
      ? "no load balancer that answers has it"
      : `${holders.join(" and ")} have it`;
  return [{ host: null, what, seen, remedy: "npm run logs -- haproxy --since 15m: keepalived" }];
}

function primaryFaults(endpoints: Endpoints, known: ReadonlyMap<string, Known>): readonly Fault[] {
  const members = membersOf(endpoints);
  if (members.length === 0 || !areAsked(members, known)) return [];
  const primaries = namesOf(members, known, ({ member }) => member?.role === "primary");
  if (primaries.length === 1) return [];
  const seen =
    primaries.length === 0
      ? "no member that answers takes writes"
      : `${primaries.join(" and ")} take writes`;
  const remedy = `npm run verify -- --read-only --stack ${endpoints.stack}`;
  return [{ host: null, what: "the database's primary", seen, remedy }];
}

function membersOf({ hosts }: Endpoints): readonly EndpointHost[] {
  return hosts.filter(({ services }) => services.some(({ role }) => role === "database"));
}

/** The way of a request, from left to right. */
function stationsOf(
  endpoints: Endpoints,
  known: ReadonlyMap<string, Known>,
  hosts: readonly HostPicture[],
): readonly Station[] {
  const members = membersOf(endpoints);
  return [
    balancerStation(endpoints, known),
    ...endpoints.applications.map(({ name }) => webStation(endpoints, hosts, name)),
    ...(members.length === 0 ? [] : [databaseStation(endpoints, known, members)]),
  ].map((station) =>
    station.health === "unknown" ? { ...station, who: "", words: "no answer" } : station,
  );
}

function balancerStation(endpoints: Endpoints, known: ReadonlyMap<string, Known>): Station {
  const balancers = hostsWith(endpoints, "load-balancer");
  const title = balancers.length === 1 ? "Load balancer" : "Load balancers";
  const serving = namesOf(
    balancers,
    known,
    ({ units, balancers: told }) =>
      units.some(({ unit, isWell }) => unit === "haproxy.service" && isWell) && !isMute(told),
  );
  const words = `${ofAll(serving, balancers)} ${serving.length === 1 ? "serves" : "serve"}`;
  const isAsked = areAsked(balancers, known);
  const isWhole = serving.length === balancers.length;
  if (!endpoints.hasOneInCharge) {
    const health = stationHealth({ isAsked, isBroken: serving.length === 0, isWhole });
    return { title, health, who: serving.join(", ") || "nobody", words };
  }
  const holders = namesOf(balancers, known, ({ holds }) => holds === true);
  const isBroken = holders.length !== 1 || serving.length === 0;
  const what = endpoints.virtualAddress ?? "the charge";
  const who = holders.length === 0 ? "nobody" : holders.join(" and ");
  const health = stationHealth({ isAsked, isBroken, isWhole });
  return { title, health, who, words: `has ${what}; ${words}` };
}

function webStation(
  endpoints: Endpoints,
  hosts: readonly HostPicture[],
  application: string,
): Station {
  const title = endpoints.applications.length === 1 ? "Web servers" : `Web: ${application}`;
  const servers = hosts.filter(({ traffic }) =>
    traffic.some((one) => one.application === application && one.state !== "away"),
  );
  const taking = servers.filter(({ traffic }) =>
    traffic.some((one) => one.application === application && one.state === "up"),
  );
  const versions = new Set(
    servers.flatMap(({ look }) =>
      (look?.releases ?? []).flatMap((one) =>
        one.application === application && one.version ? [one.version.slice(0, 8)] : [],
      ),
    ),
  );
  const health = stationHealth({
    isAsked: servers.length > 0,
    isBroken: taking.length === 0,
    isWhole: taking.length === servers.length,
  });
  const version = versions.size === 0 ? "" : `; version ${[...versions].join(" and ")}`;
  const verb = taking.length === 1 ? "gets" : "get";
  const words = `${ofAll(taking, servers)} ${verb} requests${version}`;
  return { title, health, who: application, words };
}

function databaseStation(
  endpoints: Endpoints,
  known: ReadonlyMap<string, Known>,
  members: readonly EndpointHost[],
): Station {
  const of = (wanted: (member: NonNullable<HostLook["member"]>) => boolean) =>
    namesOf(members, known, ({ member }) => member !== null && wanted(member));
  const primaries = of(({ role }) => role === "primary");
  const following = of(({ role, state }) => role === "replica" && state === "follows");
  const others = members.length - 1;
  const lags = members.flatMap(({ name }) => {
    const lag = known.get(name)?.look?.member?.lagSeconds;
    return typeof lag === "number" && following.includes(name) ? [lag] : [];
  });
  const lag = lags.length === 0 ? "" : `, ${Math.max(...lags).toFixed(1)} s behind`;
  const health = stationHealth({
    isAsked: areAsked(members, known),
    isBroken: primaries.length !== 1,
    isWhole: following.length === others,
  });
  return {
    title: `Database ${endpoints.database ?? ""}`.trim(),
    health,
    who: primaries.join(" and ") || "nobody",
    words: `takes writes${others === 0 ? "" : `; ${following.length} of ${others} ${following.length === 1 ? "follows" : "follow"}${lag}`}`,
  };
}

function ofAll(some: readonly unknown[], all: readonly unknown[]): string {
  return `${some.length} of ${all.length}`;
}

function stationHealth({
  isAsked,
  isBroken,
  isWhole,
}: {
  readonly isAsked: boolean;
  readonly isBroken: boolean;
  readonly isWhole: boolean;
}): Health {
  if (!isAsked) return "unknown";
  if (isBroken) return "fault";
  return isWhole ? "well" : "notice";
}
