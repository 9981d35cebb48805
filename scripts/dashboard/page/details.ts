/** All that is known of one host, and its logs, in a dialog. */
import type { HostPicture, Picture } from "../picture";
import { byId, type Child, element, fill, table } from "./element";
import { badge } from "./health";
import { showLog } from "./log";
import { memberWords } from "./rows";
import { unitName } from "./words";

interface Shown {
  readonly host: string;
  readonly state: HTMLElement;
  readonly parts: readonly HTMLElement[];
  readonly end: () => void;
}

/** With what it is made of: what is being read stays while another part changes, as a lag does each second. */
type Part = readonly [of: unknown, child: Child];

let shown: Shown | undefined;

export function openDetails(name: string, picture: Picture): void {
  const host = picture.hosts.find((one) => one.name === name);
  const dialog = byId("details");
  if (host === undefined || !(dialog instanceof HTMLDialogElement)) return;
  const state = element("span", {});
  const parts = partsOf(host).map(() => element("div", {}));
  const body = element("div", { class: "details-body" }, ...parts);
  const close = element("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => dialog.close());
  const log = element("div", { class: "details-log" });
  dialog.replaceChildren(
    element(
      "div",
      { class: "details-head" },
      element("h2", { id: "details-title" }, name),
      state,
      close,
    ),
    element("div", { class: "details-parts" }, body, log),
  );
  const end = showLog(log, name, host.logs);
  shown = { host: name, state, parts, end };
  dialog.addEventListener(
    "close",
    () => {
      shown?.end();
      shown = undefined;
      dialog.removeAttribute("aria-labelledby");
      dialog.replaceChildren();
    },
    { once: true },
  );
  showDetails(picture);
  dialog.setAttribute("aria-labelledby", "details-title");
  dialog.showModal();
}

export function showDetails({ hosts }: Picture): void {
  const host = hosts.find(({ name }) => name === shown?.host);
  if (shown === undefined || host === undefined) return;
  fill(shown.state, host.health, () => [badge(host.health)]);
  for (const [at, [of, child]] of partsOf(host).entries()) {
    const place = shown.parts[at];
    if (place) fill(place, of, () => [child]);
  }
}

function partsOf({
  address,
  words,
  faults,
  notices,
  look,
  traffic,
  health,
}: HostPicture): readonly Part[] {
  const wrong = [
    ...faults.map((fault) => ({ ...fault, health: "fault" as const })),
    ...notices.map((fault) => ({ ...fault, health: "notice" as const })),
  ];
  return [
    [
      words,
      element("p", { class: "details-words" }, `${address === "" ? "" : `${address}: `}${words}`),
    ],
    [
      wrong,
      wrong.length > 0 &&
        element(
          "ul",
          { class: "faults" },
          ...wrong.map(({ health: mark, what, seen, remedy }) =>
            element(
              "li",
              { "data-health": mark },
              element("p", {}, badge(mark, what), ` ${seen}`),
              element("p", { class: "remedy" }, remedy),
            ),
          ),
        ),
    ],
    [
      [look?.units, health],
      look !== null &&
        table(
          ["Unit", "State", "Started again by systemd"],
          look.units.map(({ unit, isWell, seen, restarts }) => [
            unitName(unit),
            badge(isWell ? "well" : "fault", seen),
            restarts === 0 ? "never" : `${restarts} times`,
          ]),
          health === "silent" ? "Units, as they were" : "Units",
        ),
    ],
    [
      traffic,
      traffic.length > 0 &&
        table(
          ["Load balancer", "Application", "As HAProxy has it"],
          traffic.map(({ by, application, state, haproxy }) => [
            ...[by, application, haproxy === "" ? state : haproxy],
          ]),
          "What load balancers say of it",
        ),
    ],
    [
      look?.balancers,
      look !== null &&
        look.balancers.length > 0 &&
        table(
          ["Application", "Web servers"],
          look.balancers.map(({ application, servers, reason }) => [
            application,
            reason ?? servers.map((one) => `${one.host} ${one.state}`).join(", "),
          ]),
          "To whom it sends requests",
        ),
    ],
    [
      look?.releases,
      look !== null &&
        look.releases.length > 0 &&
        table(
          ["Application", "Version", "Since"],
          look.releases.map(({ application, version, since, reason }) => [
            ...[application, version ?? reason ?? "not known", since ?? "not known"],
          ]),
          "Released",
        ),
    ],
    [look?.member, look?.member && element("p", {}, `Database: ${memberWords(look.member)}`)],
  ];
}
