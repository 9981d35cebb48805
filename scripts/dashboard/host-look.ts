/** What one host is asked, again and again: questions of verify and status that it answers alone. */
import * as v from "valibot";
import { sh } from "../../provider/ssh/shell";
import { readCharge } from "../maintenance/load-balancer";
import { describeMembers } from "../status/database";
import { readVersions } from "../status/look";
import { readBalancers } from "../status/traffic";
import type { Check, Site } from "../verify/check";
import { memberChecks } from "../verify/checks/group";
import { threadsChecks } from "../verify/checks/replication";
import { judgeUnit, unitProperties } from "../verify/checks/units";
import { holdsAddress } from "../verify/checks/virtual-address";
import { drainFilesOf, type EndpointHost, type Endpoints } from "../verify/endpoints";
import { alertmanagerPort, factsFolder } from "../verify/monitoring";
import { askMembers } from "../verify/mysql";
import { type HostReader, Silence } from "./host-reader";
import { loopbackScript, parseLoopback } from "./loopback";
import type { Alert, BackupLook, Fault, HostLook, LoadLook, UnitLook } from "./picture";

/** What changes so seldom that each look need not ask for it. */
export type SlowPart = Pick<HostLook, "releases" | "backup" | "load">;

/** Fails with a `Silence` where the host does not answer. `slow`: what is taken as it was. */
export async function lookAtHost(
  endpoints: Endpoints,
  host: EndpointHost,
  reader: HostReader,
  slow?: SlowPart,
): Promise<HostLook> {
  const site: Site = {
    // Questions about the stack are asked of this host alone.
    endpoints: { ...endpoints, hosts: [host] },
    request: () => Promise.reject(new Error("it is asked over SSH alone")),
    run: (_, script) => reader.ask(script),
  };
  // One that hangs is to keep nothing else back.
  const beside: Site = { ...site, run: (_, script) => reader.askBeside(script) };
  const isMonitor = host.roles.includes("monitoring");
  const [units, drained, holds, balancers, members, faults, alerts, slowPart] = await Promise.all([
    readUnits(site, host),
    readDrained(site, host),
    readHolds(site, host),
    host.roles.includes("load-balancer") ? readBalancers(beside) : [],
    askMembers(beside),
    readFaults(endpoints, beside, host),
    isMonitor ? readAlerts(beside, host) : null,
    slow ?? readSlowPart(site, host),
  ]);
  const { database } = describeMembers(site.endpoints, members, new Date());
  const member = database?.members[0] ?? null;
  const { releases, backup, load } = slowPart;
  return {
    ...{ units, drained, holds, balancers, releases, member, faults, alerts, backup, load },
  };
}

async function readSlowPart(site: Site, host: EndpointHost): Promise<SlowPart> {
  const [releases, backup, load] = await Promise.all([
    readVersions(site),
    site.endpoints.backup === undefined ? null : readBackup(site, host),
    readLoad(site, host),
  ]);
  return { releases, backup, load };
}

/** What these answer counts, and not what the slower look at all checks said before. */
export function isAskedLive(name: string, host: string): boolean {
  const ends = ["is running", "takes part", "is in the group, with all other members"];
  return name.startsWith(`${host}: `) && ends.some((end) => name.endsWith(end));
}

async function readUnits(site: Site, host: EndpointHost): Promise<readonly UnitLook[]> {
  const units = [...host.services.map(({ unit }) => unit), ...host.helpers];
  if (units.length === 0) {
    // Whether it answers is to be seen all the same.
    await site.run(host, "true", 10);
    return [];
  }
  const properties = [...unitProperties, "NRestarts"].join();
  const said = await site.run(
    host,
    sh`LC_ALL=C systemctl show -p ${properties} -- ${units}`.text,
    10,
  );
  return parseUnits(units, said);
}

/** A block for each, in the order in which they were asked for. */
export function parseUnits(units: readonly string[], said: string): readonly UnitLook[] {
  const blocks = said.trim().split(/\n\n+/);
  return units.map((unit, at) => {
    const block = blocks[at] ?? "";
    const { passed: isWell, seen } = judgeUnit(block);
    const restarts = Number(/^NRestarts=(\d+)$/m.exec(block)?.[1] ?? 0);
    return { unit, isWell, seen, restarts };
  });
}

async function readDrained(site: Site, host: EndpointHost): Promise<readonly string[]> {
  const files = drainFilesOf(site.endpoints, host);
  if (files.length === 0) return [];
  const said = await site.run(host, sh`ls -d -- ${files} 2>/dev/null || true`.text, 10);
  return said.split("\n").filter((line) => files.includes(line));
}

async function readHolds(site: Site, host: EndpointHost): Promise<boolean | null> {
  const { hasOneInCharge, virtualAddress } = site.endpoints;
  if (!hasOneInCharge || !host.roles.includes("load-balancer")) return null;
  if (virtualAddress === undefined) return orNull(isInCharge(site, host));
  return orNull(holdsAddress(site, host, virtualAddress));
}

async function isInCharge(site: Site, host: EndpointHost): Promise<boolean> {
  return (await readCharge(site, host)) !== "none";
}

/** Of a member whose MySQL does not answer there is enough to see. */
async function readFaults(
  endpoints: Endpoints,
  site: Site,
  host: EndpointHost,
): Promise<readonly Fault[]> {
  const checks: readonly (readonly [what: string, check: Check])[] = [
    ...threadsChecks(site.endpoints).map((check) => ["replication", check] as const),
    ...memberChecks(endpoints, host).map((check) => ["group", check] as const),
  ];
  const found = await Promise.all(
    checks.map(async ([what, check]) => {
      const finding = await check.run(site).catch(() => undefined);
      if (finding === undefined || finding.passed) return [];
      return [{ host: host.name, what, seen: finding.seen, remedy: check.remedy }];
    }),
  );
  return found.flat();
}

const alertsAnswer = v.array(
  v.object({
    labels: v.record(v.string(), v.string()),
    annotations: v.record(v.string(), v.string()),
    startsAt: v.string(),
    status: v.object({ state: v.string() }),
  }),
);

/** `null`: Alertmanager does not answer. */
async function readAlerts(site: Site, host: EndpointHost): Promise<readonly Alert[] | null> {
  const script = loopbackScript(alertmanagerPort, ["/api/v2/alerts"], 2);
  return orNull(site.run(host, script, 10).then(parseAlerts));
}

/** The one that always fires shows that the way is open. */
const watchdog = "Watchdog";

export function parseAlerts(said: string): readonly Alert[] {
  const [answer] = parseLoopback(said);
  if (answer?.status !== 200) throw new Error("Alertmanager does not answer");
  return v.parse(alertsAnswer, JSON.parse(answer.body)).flatMap((alert) => {
    const { labels, annotations, startsAt, status } = alert;
    if (labels.alertname === watchdog) return [];
    return [
      {
        ...{ name: labels.alertname ?? "?", host: labels.host ?? null, since: startsAt },
        ...{ severity: labels.severity ?? "", isSilenced: status.state === "suppressed" },
        ...{ cause: annotations.cause ?? "", effect: annotations.effect ?? "" },
        firstStep: annotations.first_step ?? "",
      },
    ];
  });
}

function readBackup(site: Site, host: EndpointHost): Promise<BackupLook | null> {
  const { machines = [], hosts = [] } = site.endpoints.backup ?? {};
  if (![...machines, ...hosts].includes(host.name)) return Promise.resolve(null);
  const script = `cat ${factsFolder}/trilithon-backup-*.prom ${factsFolder}/trilithon-restore-test.prom 2>/dev/null || true`;
  return orNull(site.run(host, script, 10).then(parseBackup));
}

export function parseBackup(said: string): BackupLook {
  const lines = said.split("\n").flatMap((line) => {
    const [, name = "", label = "", value] = /^(\w+)(?:\{\w+="([^"]*)"\})? (\d+)$/.exec(line) ?? [];
    return value === undefined ? [] : [{ name, label, value: Number(value) }];
  });
  const all = (name: string) => lines.filter((line) => line.name === name);
  const one = (name: string) => all(name)[0]?.value ?? null;
  const at = one("trilithon_restore_test_last_success_seconds");
  return {
    copies: Object.fromEntries(
      all("trilithon_backup_last_success_seconds").map(({ label, value }) => [label, value]),
    ),
    tried: at === null ? null : { at, until: one("trilithon_restore_test_until_seconds") ?? at },
    repositories: Object.fromEntries(
      all("trilithon_backup_repository_good").map(({ label, value }) => [label, value === 1]),
    ),
    checkedAt: one("trilithon_backup_checked_seconds"),
  };
}

const loadScript = `cat /proc/loadavg; nproc; grep -E '^Mem(Total|Available)' /proc/meminfo; df -P / | tail -n 1`;

function readLoad(site: Site, host: EndpointHost): Promise<LoadLook | null> {
  return orNull(site.run(host, loadScript, 10).then(parseLoad));
}

export function parseLoad(said: string): LoadLook {
  const [average = "", count = ""] = said.split("\n");
  const memory = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(said)?.[1]);
  const disk = Number(/\s(\d+)%\s+\/$/m.exec(said)?.[1]);
  const round = (part: number) => Math.round(part * 100) / 100;
  const load = {
    perCpu: round(Number(average.split(" ")[0]) / Number(count)),
    memory: round(1 - memory("MemAvailable") / memory("MemTotal")),
    disk: disk / 100,
  };
  if (!Object.values(load).every(Number.isFinite)) throw new Error("its load cannot be read");
  return load;
}

/** What one part of a host does not tell keeps nothing else back; a host that is silent does. */
async function orNull<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Silence) throw error;
    return null;
  }
}
