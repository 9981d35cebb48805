/** What was released on a host, and what is there: read from the log that each release adds a line to. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { type EndpointHost, serviceOf } from "../verify/endpoints";

/** `rolled back`: by `npm run rollback`, which led to this version. */
type Result = "done" | "taken back" | "rolled back";
const results: readonly Result[] = ["done", "taken back", "rolled back"];

export interface ReleaseEntry {
  /** `2026-11-29T07:01:33Z` */
  readonly at: string;
  readonly version: string;
  /** The version that was live then; the same one where only the configuration changed; empty where there was none. */
  readonly before: string;
  /** `ada@laptop` */
  readonly who: string;
  /** Of the source's git checkout; empty where it is none. */
  readonly commit: string;
  readonly result: Result;
  /** One line; empty unless it was taken back. */
  readonly why: string;
}

export interface HostReleases {
  readonly host: string;
  /** Empty where none is. */
  readonly current: string;
  /** When it became the current one, if that is in the log. */
  readonly since: string | undefined;
  /** Of those that are on the disk. */
  readonly versions: readonly string[];
  /** The latest comes last. */
  readonly releases: readonly ReleaseEntry[];
}

export interface UnreadHost {
  readonly host: string;
  readonly fault: string;
}

const readSeconds = 20;

export async function readReleases(
  site: Site,
  host: EndpointHost,
): Promise<HostReleases | UnreadHost> {
  const unit = serviceOf(host, "application")?.unit ?? "";
  try {
    return parseReleases(host.name, await site.run(host, readScript(unit), readSeconds));
  } catch (error) {
    return { host: host.name, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** The folder is the unit's, as the host has it. */
function readScript(unit: string): string {
  const log = `/var/lib/trilithon/releases/${unit.replace(/\.service$/, "")}`;
  return sh`
place=$(systemctl show -P WorkingDirectory -- ${unit}) && root=\${place%/current}
if [ -n "$root" ] && [ "$root" != "$place" ]; then
  printf 'current %s\n' "$(basename -- "$(readlink -- "$root/current")")"
  for folder in "$root"/releases/*; do
    case $folder in *.partial) ;; *) if [ -d "$folder" ]; then printf 'version %s\n' "\${folder##*/}"; fi ;; esac
  done
fi
if [ -e ${log} ]; then sed 's/^/release /' ${log}; fi`.text;
}

export function parseReleases(host: string, text: string): HostReleases {
  const rows = text.split("\n").map((line) => /^(\w+) (.*)$/.exec(line) ?? []);
  const all = (kind: string) => rows.flatMap(([, of, words = ""]) => (of === kind ? [words] : []));
  const [current = ""] = all("current");
  const releases = all("release").flatMap(parseEntry);
  const since = releases.findLast(
    ({ version, before, result }) =>
      result !== "taken back" && version === current && before !== current,
  );
  return { host, current, since: since?.at, versions: all("version"), releases };
}

function parseEntry(line: string): readonly ReleaseEntry[] {
  const [at = "", version = "", before = "", who = "", commit = "", said, reason = ""] =
    line.split("\t");
  const result = results.find((one) => one === said);
  if (result === undefined) return [];
  const why = reason.replace(/; all is put back as it was.*$/, "");
  return [{ at, version, before, who, commit, result, why }];
}

export interface ReleasesReport {
  readonly stack: string;
  readonly hosts: readonly (HostReleases | UnreadHost)[];
}

export function renderReleasesJson({ stack, hosts }: ReleasesReport): string {
  return `${JSON.stringify({ stack, hosts }, undefined, 2)}\n`;
}

/** With the last `count` lines of each host. */
export function renderReleases({ hosts }: ReleasesReport, count: number): string {
  return hosts.map((host) => `${renderHost(host, count)}\n`).join("\n");
}

function renderHost(host: HostReleases | UnreadHost, count: number): string {
  if ("fault" in host) return `${host.host}: not known: ${host.fault}`;
  const { current, since, versions, releases } = host;
  const others = versions.filter((version) => version !== current);
  const time = since === undefined ? "" : ` since ${renderTime(since)}`;
  const live = current === "" ? "no version is live" : `${current} is live${time}`;
  const also = others.length === 0 ? "" : `; also there: ${others.join(", ")}`;
  const shown = releases
    .slice(-count)
    .map((entry) => [
      renderTime(entry.at),
      entry.version === entry.before ? `${entry.version} (configuration)` : entry.version,
      entry.who,
      entry.commit || "-",
      entry.why === "" ? entry.result : `${entry.result}: ${entry.why}`,
    ]);
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...shown.map((row) => row[at]?.length ?? 0)));
  const rows = shown.map(
    (row) => `  ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  ")}`,
  );
  return [`${host.host}: ${live}${also}`, ...rows].join("\n");
}

/** `2026-11-29 07:01:33Z` */
function renderTime(at: string): string {
  return at.replace("T", " ");
}
