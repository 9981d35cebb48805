/** What is wrong, alerts, backups, certificates and what happened: lists and tables. */
import type { Alert, Fault, Happening, Health, Picture, Station } from "../picture";
import { byId, type Child, element, fill, table } from "./element";
import { badge, icon } from "./health";
import { backupRows } from "./rows";
import { clockWords } from "./words";

export function showStations(stations: readonly Station[]): void {
  fill(byId("stations"), stations, () => [
    element(
      "li",
      { class: "station visitors" },
      element("span", { class: "station-title" }, "Visitors"),
    ),
    ...stations.map(({ title, health, who, words }) =>
      element(
        "li",
        { class: "station", "data-health": health },
        element("span", { class: "station-title" }, title, badge(health)),
        element("strong", {}, who),
        element("span", { class: "station-words" }, words),
      ),
    ),
  ]);
}

export function showFaults({ faults, notices, health, checkedAt }: Picture): void {
  fill(byId("faults"), [faults, notices, health, checkedAt === null], () => [
    faults.length + notices.length === 0 &&
      element(
        "p",
        { class: "nothing" },
        health === "unknown"
          ? "Nothing is known yet."
          : checkedAt === null
            ? "Nothing so far: all checks of npm run verify are being made."
            : "Nothing.",
      ),
    element(
      "ul",
      { class: "faults" },
      ...faults.map((fault) => faultItem(fault, "fault")),
      ...notices.map((fault) => faultItem(fault, "notice")),
    ),
  ]);
}

function faultItem({ host, what, seen, remedy }: Fault, health: Health): HTMLElement {
  return element(
    "li",
    { "data-health": health },
    element("p", {}, badge(health, host ?? "stack"), ` ${what}: ${seen}`),
    element("p", { class: "remedy" }, remedy),
  );
}

export function showAlerts({ monitoring, alerts }: Picture): void {
  fill(byId("alert-list"), [monitoring, alerts], () => {
    switch (monitoring) {
      case "none":
        return [
          element(
            "p",
            { class: "nothing" },
            "No host has the role monitoring: give it to one in trilithon:hosts, and run up.",
          ),
        ];
      case "silent":
        return [element("p", { class: "nothing" }, badge("notice", "No Alertmanager answers."))];
      case "answers":
        return alerts.length === 0
          ? [element("p", { class: "nothing" }, "None fires.")]
          : [element("ul", { class: "faults" }, ...alerts.map(alertItem))];
    }
  });
}

function alertItem(alert: Alert): HTMLElement {
  const { name, host, severity, cause, effect, firstStep, isSilenced, since } = alert;
  const health = severity === "page" && !isSilenced ? "fault" : "notice";
  const silenced = isSilenced ? ", silenced" : "";
  return element(
    "li",
    { "data-health": health },
    element(
      "p",
      {},
      badge(health, name),
      ` ${host ?? "stack"}, since ${clockWords(Date.parse(since))}${silenced}: ${cause} ${effect}`,
    ),
    element("p", { class: "remedy" }, firstStep),
  );
}

export function showBackups({ hosts, hasBackups }: Picture, now: number): void {
  const place = byId("backup-list");
  if (!hasBackups) {
    fill(place, "none", () => [
      element(
        "p",
        { class: "nothing" },
        "Nothing is backed up: give a host the role backup, or name a repository in trilithon:backup.",
      ),
    ]);
    return;
  }
  const rows = backupRows(hosts, now);
  fill(place, rows, () => [
    rows.length === 0
      ? element("p", { class: "nothing" }, "No host tells of a copy yet.")
      : table(["What", "Host", "When", "Age"], rows, "Backups and trials of restoring them"),
  ]);
}

export function showCertificates({ certificates, checkedAt }: Picture): void {
  fill(byId("certificate-list"), [certificates, checkedAt === null], () => {
    if (certificates.length === 0) {
      const words =
        checkedAt === null
          ? "They are being read."
          : "Visitors are shown none: trilithon:https gives the site one.";
      return [element("p", { class: "nothing" }, words)];
    }
    const rows = certificates.map(({ name, at, ends, days, reason }): readonly Child[] => {
      const health: Health =
        ends === null
          ? "unknown"
          : (days ?? 0) < 0
            ? "fault"
            : (days ?? 0) < 14
              ? "notice"
              : "well";
      const when = ends === null ? (reason ?? "not known") : ends.slice(0, 10);
      const left = days === null ? "not known" : `${days} days`;
      return [name, at, when, badge(health, left)];
    });
    return [table(["Name", "Shown at", "Ends", "Left"], rows, "Certificates")];
  });
}

export function showHappenings(happenings: readonly Happening[]): void {
  fill(byId("happenings"), happenings, () => [
    happenings.length === 0
      ? element("p", { class: "nothing" }, "Nothing has changed since this page was opened.")
      : element("ol", { class: "happenings" }, ...happenings.map(happeningItem)),
  ]);
}

function happeningItem({ at, host, health, words }: Happening): HTMLElement {
  const time = element("time", { datetime: new Date(at).toISOString() }, clockWords(at));
  return element("li", {}, time, icon(health), element("strong", {}, host ?? "stack"), ` ${words}`);
}
