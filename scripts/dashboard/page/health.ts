/** How a state looks: a word and a shape of its own, beside the colour. */
import type { Health } from "../picture";
import { type Child, element } from "./element";

export const healthWords: Readonly<Record<Health, string>> = {
  well: "well",
  notice: "warning",
  fault: "fault",
  silent: "silent",
  drained: "drained",
  away: "away",
  unknown: "not known",
};

const space = "http://www.w3.org/2000/svg";

/** In a square of 16. */
const shapes: Readonly<Record<Health, string>> = {
  well: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.7 5.1-4.4 5a.9.9 0 0 1-1.3 0L4.2 9.2l1.2-1.2 1.2 1.2 3.8-4.3Z",
  notice: "M8 1.2 15.4 14.5H.6ZM7.2 6v4.2h1.6V6Zm0 5.2v1.6h1.6v-1.6Z",
  fault:
    "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Zm.6 3.6L4.6 5.7 6.9 8l-2.3 2.3 1.1 1.1L8 9.1l2.3 2.3 1.1-1.1L9.1 8l2.3-2.3-1.1-1.1L8 6.9Z",
  silent: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1ZM4 7.1v1.8h8V7.1Z",
  drained: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM5.2 4.8h2v6.4h-2Zm3.6 0h2v6.4h-2Z",
  away: "M9.6 1.2A7 7 0 1 0 14.8 10 5.8 5.8 0 0 1 9.6 1.2Z",
  unknown:
    "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-.8 10.2h1.7v1.7H7.2Zm3.4-4.6c0 1.6-1.7 1.9-1.7 3.4H7.3c0-2.1 1.6-2.3 1.6-3.4 0-.6-.4-1-1-1s-1 .4-1 1H5.3a2.6 2.6 0 0 1 5.3 0Z",
};

/** Beside it stands a word: the shape itself is not read out. */
export function icon(health: Health): SVGElement {
  const picture = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 16 16",
    "aria-hidden": "true",
    class: "icon",
    "data-health": health,
  })) {
    picture.setAttribute(name, value);
  }
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shapes[health]);
  path.setAttribute("fill-rule", "evenodd");
  picture.append(path);
  return picture;
}

export function badge(health: Health, ...words: readonly Child[]): HTMLElement {
  const shown = words.length > 0 ? words : [healthWords[health]];
  return element("span", { class: "badge", "data-health": health }, icon(health), ...shown);
}
