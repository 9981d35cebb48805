/** One web server stops, visitors notice nothing once that is known, and it comes back. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed, type Site, wait } from "../check";
import { type EndpointHost, type Endpoints, hostsWith, serviceOf } from "../endpoints";
import { isAnswered, servedBy } from "./serving";

const requestsPerSecond = 20;
const quietSeconds = 5;
const returnSeconds = 60;

export interface Probe {
  readonly at: number;
  /** Absent where the request failed. */
  readonly servedBy?: string;
  readonly fault?: string;
}

export function failoverCheck(endpoints: Endpoints): Check | undefined {
  const web = hostsWith(endpoints, "web");
  const host = web.at(-1);
  const unit = host && serviceOf(host, "web-server")?.unit;
  if (web.length < 2 || host === undefined || unit === undefined) return undefined;
  return {
    name: `${host.name} stops, and no visitor notices; then it comes back`,
    expected: `no failed request later than ${endpoints.failoverSeconds} s after ${unit} was stopped`,
    remedy: `see the health check in the load balancer's configuration; systemctl start ${unit} on ${host.name}`,
    deadlineSeconds: endpoints.failoverSeconds + quietSeconds + returnSeconds + 60,
    run: (site) => stopAndReturn(site, host, unit),
  };
}

async function stopAndReturn(site: Site, host: EndpointHost, unit: string): Promise<Finding> {
  const { url, healthPath, failoverSeconds } = site.endpoints;
  if (!(await doesAnotherServe(site, host))) {
    return failed("not tried: no other web server answers");
  }
  const watching = watch(site, url + healthPath, failoverSeconds + quietSeconds);
  const stopped = performance.now();
  let probes: readonly Probe[];
  try {
    await site.run(host, stopScript(unit), 30);
    probes = await watching;
  } finally {
    await site.run(host, startScript(unit), 30);
  }
  const finding = judgeFailover(probes, { host: host.name, stopped, failoverSeconds });
  if (!finding.passed) return finding;
  const seconds = await waitForReturn(site, host.name);
  if (seconds === undefined) {
    return failed(`${finding.seen}, but it was not back after ${returnSeconds} s`);
  }
  return passed(`${finding.seen}, back after ${seconds} s`);
}

async function doesAnotherServe(
  { endpoints, request }: Site,
  host: EndpointHost,
): Promise<boolean> {
  const url = endpoints.url + endpoints.healthPath;
  for (let sent = 0; sent < 10; sent += 1) {
    const answer = await request({ url });
    if (isAnswered(answer.status) && servedBy(answer) !== host.name) return true;
  }
  return false;
}

const safety = "trilithon-verify-return";

/** The host starts it again by itself should this program be killed meanwhile. */
function stopScript(unit: string): string {
  return sh`systemctl stop ${safety}.timer 2>/dev/null
systemd-run --quiet --collect --unit=${safety} --on-active=60 -- systemctl start -- ${unit}
systemctl stop -- ${unit}`.text;
}

function startScript(unit: string): string {
  return sh`systemctl start -- ${unit}
systemctl stop ${safety}.timer 2>/dev/null || true`.text;
}

/** Sends requests at a steady rate, whether or not the former ones are answered. */
async function watch({ request }: Site, url: string, seconds: number): Promise<readonly Probe[]> {
  const probes: Promise<Probe>[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const at = performance.now();
    probes.push(
      request({ url }).then(
        (answer) =>
          isAnswered(answer.status)
            ? { at, servedBy: servedBy(answer) }
            : { at, fault: `status ${answer.status}` },
        (error: Error) => ({ at, fault: error.message }),
      ),
    );
    await wait(1 / requestsPerSecond);
  }
  return Promise.all(probes);
}

export function judgeFailover(
  probes: readonly Probe[],
  {
    host,
    stopped,
    failoverSeconds,
  }: { readonly host: string; readonly stopped: number; readonly failoverSeconds: number },
): Finding {
  const limit = stopped + failoverSeconds * 1000;
  const faults = probes.filter(({ fault }) => fault !== undefined);
  const late = faults.filter(({ at }) => at > limit);
  const after = probes.filter(({ at }) => at > limit);
  if (late.length > 0) {
    return failed(
      `${late.length} of ${after.length} requests failed after that: ${late[0]?.fault}`,
    );
  }
  if (after.some(({ servedBy }) => servedBy === host)) {
    return failed(`${host} still answered ${failoverSeconds} s after it was stopped`);
  }
  const early = faults.length === 0 ? "none" : `${faults.length}, all in the first moments,`;
  return passed(`${early} of ${probes.length} requests failed`);
}

async function waitForReturn(site: Site, name: string): Promise<number | undefined> {
  const begin = performance.now();
  const passedSeconds = () => Math.round((performance.now() - begin) / 1000);
  while (passedSeconds() < returnSeconds) {
    const answer = await site
      .request({ url: site.endpoints.url + site.endpoints.healthPath })
      .catch(() => undefined);
    if (answer && isAnswered(answer.status) && servedBy(answer) === name) return passedSeconds();
    await wait(0.2);
  }
  return undefined;
}
