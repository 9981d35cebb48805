/** A box for each host. It stays the same element as long as the host is there, so that the focus stays where it is. */
import type { HostLook, HostPicture, LoadLook, Picture } from "../picture";
import { byId, type Child, element, fill } from "./element";
import { badge, icon } from "./health";
import type { Tick } from "./live";
import { memberWords, trafficRows } from "./rows";
import { ageWords, percentWords, roleName, unitName } from "./words";

interface Box {
  readonly item: HTMLElement;
  readonly article: HTMLElement;
  readonly state: HTMLElement;
  readonly words: HTMLElement;
  readonly age: HTMLElement;
  readonly facts: HTMLElement;
}

/** More of them would not be on one screen. */
const manyHosts = 12;

const boxes = new Map<string, Box>();

export function showBoxes({ hosts }: Picture, open: (host: string) => void): void {
  const list = byId("boxes");
  list.toggleAttribute("data-many", hosts.length > manyHosts);
  for (const [name, { item }] of boxes) {
    if (hosts.some((host) => host.name === name)) continue;
    item.remove();
    boxes.delete(name);
  }
  for (const host of hosts) {
    const box = boxes.get(host.name) ?? makeBox(host, open);
    if (!boxes.has(host.name)) list.append(box.item);
    boxes.set(host.name, box);
    showBox(box, host);
  }
}

function makeBox({ name, roles }: HostPicture, open: (host: string) => void): Box {
  const state = element("span", { class: "box-state" });
  const words = element("p", { class: "box-words" });
  const age = element("p", { class: "box-age" });
  const facts = element("div", { class: "box-facts" });
  const id = `box-${name}`;
  const button = element("button", { type: "button", class: "box-open" }, name);
  button.addEventListener("click", () => open(name));
  const named = [...new Set(roles.map(roleName))].join(", ");
  const article = element(
    "article",
    { class: "box", "aria-labelledby": id, "data-host": name },
    element("div", { class: "box-head" }, element("h3", { id }, button), state),
    element("p", { class: "box-roles" }, named),
    ...[words, age, facts],
  );
  return { item: element("li", {}, article), article, state, words, age, facts };
}

function showBox({ article, state, words, facts }: Box, host: HostPicture): void {
  article.dataset.health = host.health;
  fill(state, host.health, () => [badge(host.health)]);
  const isSaid = host.health !== "well" && host.health !== "away";
  fill(words, [host.words, isSaid], () => (isSaid ? [host.words] : []));
  const { look, traffic, health } = host;
  fill(facts, [look, traffic, health], () => (look === null ? [] : factsOf(host, look)));
}

function factsOf({ traffic, roles }: HostPicture, look: HostLook): readonly Child[] {
  const { holds, member, releases, units, load } = look;
  const isBalancer = roles.includes("load-balancer");
  const rows: (readonly [string, string])[] = [
    ...(isBalancer && holds !== null
      ? [["Shared address", holds ? "is here" : "is elsewhere"] as const]
      : []),
    ...trafficRows(traffic),
    ...releases.map(
      ({ application, version }) =>
        [application, version === "" ? "no version" : (version?.slice(0, 8) ?? "?")] as const,
    ),
    ...(member === null ? [] : [["Database", memberWords(member)] as const]),
  ];
  return [
    rows.length > 0 &&
      element(
        "dl",
        { class: "rows" },
        ...rows.map(([name, value]) =>
          element("div", {}, element("dt", {}, name), element("dd", {}, value)),
        ),
      ),
    element(
      "ul",
      { class: "units", "aria-label": "Units" },
      ...units.map(({ unit, isWell, seen }) =>
        element(
          "li",
          { "data-health": isWell ? "well" : "fault" },
          icon(isWell ? "well" : "fault"),
          unitName(unit),
          !isWell && element("span", { class: "unseen" }, `: ${seen}`),
        ),
      ),
    ),
    load && meters(load),
  ];
}

function meters({ perCpu, memory, disk }: LoadLook): HTMLElement {
  const meter = (name: string, part: number, words: string) => {
    const bar = element("span", { class: "meter-bar", "aria-hidden": "true" }, element("span", {}));
    bar.style.setProperty("--part", String(Math.min(1, part)));
    if (part > 0.9) bar.dataset.health = "notice";
    return element("li", {}, element("span", { class: "meter-name" }, name), bar, words);
  };
  return element(
    "ul",
    { class: "meters", "aria-label": "Load" },
    meter("load", perCpu, perCpu.toFixed(2)),
    meter("memory", memory, percentWords(memory)),
    meter("disk", disk, percentWords(disk)),
  );
}

/** Of a host that does not answer what is shown is old. */
export function showAges({ hosts }: Picture, { now, answeredAt }: Tick): void {
  for (const { name, health } of hosts) {
    const age = boxes.get(name)?.age;
    if (age === undefined) continue;
    const at = answeredAt[name] ?? null;
    const text =
      health !== "silent"
        ? ""
        : at === null
          ? "it has not answered since this page was opened"
          : `below is what it said ${ageWords((now - at) / 1000)} ago`;
    if (age.textContent !== text) age.textContent = text;
  }
}
