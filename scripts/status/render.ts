/** The picture of a stack as one screen of text: what is wrong has a mark and a word, and no colour is needed. */
import { printable } from "../operate/printable";
import { certificateCheckName } from "../verify/checks/certificate";
import { isLeftOut, type Status } from "./schema";

/** More of them are a table of their own: `npm run verify`. */
const faultsAtMost = 8;

type Mark = "well" | "fault" | "unknown" | "away";
type Row = readonly [mark: Mark | undefined, ...cells: string[]];

const marks: Readonly<Record<Mark, string>> = {
  well: "✔ well",
  fault: "✘ fault",
  unknown: "? unknown",
  away: "- away",
};

export function renderStatus(status: Status): string {
  const { stack, url, at } = status;
  const sections = [
    renderRows(
      "Hosts",
      status.hosts.map((host) => hostRow(status, host)),
    ),
    renderRows("Shared address", sharedRows(status)),
    renderRows("Load balancers", status.loadBalancers.map(balancerRow)),
    renderRows("Released", releaseRows(status.releases)),
    renderRows(`Database ${status.database?.name ?? ""}`.trim(), memberRows(status.database)),
    renderRows(
      "Certificates",
      status.certificates.map((one) => certificateRow(status, one)),
    ),
    renderRows("Faults", faultRows(status)),
  ];
  const head = `${stack}: ${url}   ${secondsOf(at)}\n${describeState(status)}\n`;
  return printable([head, ...sections.filter((section) => section !== "")].join("\n"));
}

/** What a terminal shows of it: a line that is longer is cut, and the last line says how many are left out. */
export function fitScreen(
  text: string,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): readonly string[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const left = lines.length - rows + 1;
  const shown =
    lines.length <= rows
      ? lines
      : [...lines.slice(0, rows - 1), `... ${left} more lines: a taller window shows them`];
  return shown.map((line) => line.slice(0, columns));
}

function describeState({ state, hosts, checks }: Status): string {
  const count = (wanted: string) => checks.filter((check) => check.state === wanted).length;
  const [faults, unknown] = [count("fault"), count("unknown")];
  const silent = hosts.filter((host) => host.state === "not reached").length;
  const parts = [
    ...(silent > 0 ? [`${silent} of ${hosts.length} hosts not reached`] : []),
    ...(faults > 0 ? [`${faults} of ${checks.length} checks fail`] : []),
    ...(unknown > 0 ? [`${unknown} checks not known`] : []),
  ];
  switch (state) {
    case "well":
      return `${marks.well}: ${hosts.length} hosts, ${checks.length} checks`;
    case "fault":
      return `${marks.fault}: ${parts.join(", ") || "see below"}`;
    case "unknown":
      return `${marks.unknown}: no host was reached`;
  }
}

function hostRow({ checks }: Status, { name, roles, state, reason }: Status["hosts"][number]): Row {
  const cells = [name, roles.join(", ")];
  if (state === "away") return ["away", ...cells, "nothing is asked of it"];
  if (state === "not reached") return ["fault", ...cells, `not reached: ${reason}`];
  const faults = checks.filter((check) => check.host === name && check.state === "fault").length;
  if (faults === 0) return ["well", ...cells];
  return ["fault", ...cells, faults === 1 ? "1 check fails" : `${faults} checks fail`];
}

function sharedRows({ shared }: Status): readonly Row[] {
  if (shared === null) return [];
  const { address, holders } = shared;
  const verb = holders.length > 1 ? "have" : "has";
  const what = address === null ? "the charge" : address;
  const who =
    holders.length === 0
      ? "no host that was reached has it"
      : `${holders.join(" and ")} ${verb} it`;
  return [[holders.length === 1 ? "well" : "fault", what, who]];
}

function balancerRow({ host, application, servers, reason }: Status["loadBalancers"][number]): Row {
  if (reason !== null) return ["unknown", host, application, reason];
  const seen = servers.map(({ host: name, state }) => `${name} ${state}`).join(", ");
  return [servers.some(isLeftOut) ? "fault" : "well", host, application, seen || "no server"];
}

/** Hosts with the same version share a line. */
function releaseRows(releases: Status["releases"]): readonly Row[] {
  const lines = new Map<
    string,
    { readonly row: (hosts: string) => Row; readonly hosts: string[] }
  >();
  for (const { application, host, version, since, reason } of releases) {
    const row = (hosts: string): Row =>
      version === null
        ? ["unknown", application, hosts, reason ?? ""]
        : ["well", application, hosts, describeVersion(version, since)];
    const key = JSON.stringify([application, version, since?.slice(0, 10), reason]);
    const line = lines.get(key) ?? { row, hosts: [] };
    line.hosts.push(host);
    lines.set(key, line);
  }
  return [...lines.values()].map(({ row, hosts }) => row(hosts.join(", ")));
}

function describeVersion(version: string, since: string | null): string {
  if (version === "") return "no version is live";
  return since === null ? version : `${version} since ${since.slice(0, 10)}`;
}

function memberRows(database: Status["database"]): readonly Row[] {
  if (database === null) return [];
  const primaries = database.members.filter(({ role }) => role === "primary").length;
  const isKnown = database.members.every(({ role }) => role !== "unknown");
  const nobody: readonly Row[] =
    primaries > 0
      ? []
      : [[isKnown ? "fault" : "unknown", "-", "no member that answers is the primary"]];
  return [...nobody, ...database.members.map((member) => memberRow(member, primaries))];
}

function memberRow(
  { host, role, state, lagSeconds, reason }: NonNullable<Status["database"]>["members"][number],
  primaries: number,
): Row {
  switch (role) {
    case "primary":
      return primaries === 1
        ? ["well", host, "primary, takes writes"]
        : ["fault", host, "takes writes, as another one does"];
    case "replica": {
      const lag = lagSeconds === null ? "" : `, ${lagSeconds.toFixed(1)} s behind`;
      return [state === "follows" ? "well" : "fault", host, `replica, ${state}${lag}`];
    }
    case "unknown":
      return ["unknown", host, reason ?? ""];
  }
}

function certificateRow(
  { checks }: Status,
  { name, at, ends, days, reason }: Status["certificates"][number],
): Row {
  if (ends === null) return ["unknown", name, at, reason ?? ""];
  // Of those that visitors are shown there is a check.
  const isFault = checks.some(
    (check) => check.state === "fault" && check.name === certificateCheckName(at, name),
  );
  const text = `ends on ${ends.slice(0, 10)}, in ${days} days`;
  return [isFault || (days ?? 0) < 0 ? "fault" : "well", name, at, text];
}

function faultRows({ checks }: Status): readonly Row[] {
  const faults = checks.filter(({ state }) => state === "fault");
  const shown = faults
    .slice(0, faultsAtMost)
    .flatMap(({ name, seen, lines, remedy }): readonly Row[] => [
      ["fault", `${name}: ${seen}`],
      ...lines.slice(0, 3).map((line): Row => [undefined, `  ${line}`]),
      [undefined, `  remedy: ${remedy}`],
    ]);
  const left = faults.length - faultsAtMost;
  const more: Row = [undefined, `${left} more: npm run verify -- --read-only`];
  return left > 0 ? [...shown, more] : shown;
}

/** Columns as wide as their widest cell; the last one has no end. */
function renderRows(title: string, rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const columns = Math.max(...rows.map((row) => row.length - 1));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => (row.length - 2 > at ? (row[at + 1] ?? "").length : 0))),
  );
  const lines = rows.map(([mark, ...cells]) => {
    const head = (mark === undefined ? "" : marks[mark]).padEnd(10);
    const text = cells.map((cell, at) => oneLine(cell).padEnd(widths[at] ?? 0)).join("  ");
    return `  ${head}${text}`.trimEnd();
  });
  return `${title}\n${lines.join("\n")}\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").slice(0, 200);
}

/** `2026-11-29 07:01:33Z` */
function secondsOf(at: string): string {
  return at.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
