/** What hosts are told to do about backups, all at the same time. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { databaseHosts, type EndpointHost, type Endpoints } from "../verify/endpoints";
import { type Copy, parseCopies } from "./copies";

type BackupOfStack = NonNullable<Endpoints["backup"]>;

const longestSeconds = 12 * 3600;

/** A line for each host that fails. `state` is that of the stack, which goes to the first machine. */
export async function copyNow(
  site: Site,
  backup: BackupOfStack,
  state: string,
): Promise<readonly string[]> {
  const [first, ...others] = machinesOf(site, backup);
  if (first === undefined) return ["no machine that is copied is there: all are away"];
  const faults = await onEach([first], async (host) => {
    // The script travels over standard input, and what `printf` prints is in no program's words.
    await site.run(host, sh`printf %s ${state} | trilithon-backup state`.text, 600);
  });
  return [...faults, ...(await startUnits(site, [first, ...others]))];
}

async function startUnits(
  site: Site,
  machines: readonly EndpointHost[],
): Promise<readonly string[]> {
  const members = databaseHosts(site.endpoints).map(({ name }) => name);
  return onEach(machines, async (host) => {
    const units = [
      "trilithon-backup.service",
      ...(members.includes(host.name) ? ["trilithon-backup-logs.service"] : []),
    ];
    await site.run(host, units.map(startUnit).join("\n"), longestSeconds);
  });
}

/** Whatever it said is shown where it fails. One that runs already is waited for. */
function startUnit(unit: string): string {
  return sh`systemctl start ${unit} || { journalctl -q -u ${unit} -n 5 -o cat >&2; exit 1; }`.text;
}

/** By the keeper's key on the hosts that keep repositories; of one elsewhere by each machine's. */
export async function checkRepositories(
  site: Site,
  backup: BackupOfStack,
): Promise<readonly string[]> {
  const isElsewhere = backup.places.some((place) => !backup.hosts.includes(place));
  const keepers = site.endpoints.hosts.filter(({ name }) => backup.hosts.includes(name));
  const faults = await onEach(keepers, async (host) => {
    await site.run(host, sh`trilithon-backup-keep check`.text, longestSeconds);
  });
  if (!isElsewhere) return faults;
  const more = await onEach(machinesOf(site, backup), async (host) => {
    await site.run(host, sh`trilithon-backup check`.text, longestSeconds);
  });
  return [...faults, ...more];
}

export async function listCopies(
  site: Site,
  backup: BackupOfStack,
): Promise<{ readonly copies: readonly Copy[]; readonly faults: readonly string[] }> {
  const copies: Copy[] = [];
  const faults = await onEach(machinesOf(site, backup), async (host) => {
    const said = await site.run(host, sh`trilithon-backup list`.text, 300);
    copies.push(...parseCopies(host.name, said));
  });
  return { copies, faults };
}

function machinesOf({ endpoints }: Site, { machines }: BackupOfStack): readonly EndpointHost[] {
  return endpoints.hosts.filter(({ name }) => machines.includes(name));
}

async function onEach(
  hosts: readonly EndpointHost[],
  work: (host: EndpointHost) => Promise<void>,
): Promise<readonly string[]> {
  const ended = await Promise.allSettled(hosts.map(work));
  return ended.flatMap((one) =>
    one.status === "rejected"
      ? [one.reason instanceof Error ? one.reason.message : String(one.reason)]
      : [],
  );
}
