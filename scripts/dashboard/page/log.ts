/** The last lines of a log, and those that follow. */
import type { ShownLine } from "../picture";
import { element } from "./element";
import { clockWords } from "./words";

const linesAtMost = 500;
const logWords: Readonly<Record<string, string>> = {
  app: "Application",
  nginx: "Nginx",
  haproxy: "HAProxy",
  mysql: "MySQL",
  services: "Private services",
  nsd: "Name server",
  backup: "Backups",
};

/** Answers what ends it. */
export function showLog(place: HTMLElement, host: string, logs: readonly string[]): () => void {
  const [first] = logs;
  if (first === undefined) {
    place.append(element("p", { class: "nothing" }, "No log is read of it."));
    return () => undefined;
  }
  const choice = element(
    "select",
    { id: "log-choice" },
    ...logs.map((log) => element("option", { value: log }, logWords[log] ?? log)),
  );
  const state = element("span", { class: "log-state", role: "status" });
  const lines = element("div", {
    ...{ class: "log", role: "log", "aria-live": "off", tabindex: "0" },
    "aria-label": "Lines, the latest last",
  });
  place.append(
    element(
      "div",
      { class: "log-head" },
      element("h3", {}, "Log"),
      element("label", { for: "log-choice" }, "of"),
      ...[choice, state],
    ),
    lines,
  );
  let source: EventSource | undefined;
  const open = (log: string) => {
    source?.close();
    lines.replaceChildren();
    state.textContent = "connecting";
    source = follow(new URLSearchParams({ host, log }), { lines, state });
  };
  choice.addEventListener("change", () => open(choice.value));
  open(first);
  return () => source?.close();
}

function follow(
  asked: URLSearchParams,
  { lines, state }: { readonly lines: HTMLElement; readonly state: HTMLElement },
): EventSource {
  const source = new EventSource(`logs?${asked}`);
  source.addEventListener("opened", () => {
    state.textContent = "the last 15 minutes, and what follows";
    lines.replaceChildren();
  });
  source.addEventListener("lines", ({ data }: MessageEvent<string>) => {
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    const told: readonly ShownLine[] = JSON.parse(data);
    lines.append(...told.map(lineOf));
    while (lines.childElementCount > linesAtMost) lines.firstElementChild?.remove();
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
  });
  // The browser tries again by itself.
  source.addEventListener("error", () => {
    state.textContent = "npm run dashboard does not answer";
  });
  source.addEventListener("closed", ({ data }: MessageEvent<string>) => {
    source.close();
    state.textContent = `ended: ${JSON.parse(data)}`;
  });
  return source;
}

function lineOf({ at, source, text }: ShownLine): HTMLElement {
  return element(
    "p",
    {},
    element("time", {}, clockWords(at)),
    element("span", { class: "log-source" }, source),
    text,
  );
}
