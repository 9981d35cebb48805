/** The page: hears the picture, and shows it. */
import type { Happening, Picture } from "../picture";
import { showAges, showBoxes } from "./boxes";
import { showCharts } from "./charts";
import { openDetails, showDetails } from "./details";
import { byId, element, fill } from "./element";
import { badge, healthWords } from "./health";
import {
  showAlerts,
  showBackups,
  showCertificates,
  showFaults,
  showHappenings,
  showStations,
} from "./lists";
import { listen, type Tick } from "./live";
import { ageWords, clockWords } from "./words";

// The token has become a cookie: what is left in the history opens nothing.
history.replaceState(null, "", location.pathname + location.hash);

let picture: Picture | undefined;
let lastTick: Tick = { now: Date.now(), answeredAt: {} };
let announced: number | undefined;

listen({
  picture: (next) => {
    picture = next;
    show(next);
  },
  tick: (tick) => {
    lastTick = tick;
    if (picture !== undefined) showTimes(picture);
  },
  lost: (since) => {
    const lost = byId("lost");
    lost.hidden = false;
    lost.textContent = `npm run dashboard does not answer: all that is shown is as it was at ${clockWords(since)}.`;
    document.body.dataset.lost = "";
    byId("live").textContent = "not live";
  },
  found: () => {
    byId("lost").hidden = true;
    delete document.body.dataset.lost;
  },
});

function show(next: Picture): void {
  const { stack, url, health, words } = next;
  document.title = `${healthWords[health]}: ${stack}`;
  byId("stack").textContent = stack;
  fill(byId("site"), url, () => [
    // Whatever the stack says, it opens a page and runs nothing.
    /^https?:/.test(url) ? element("a", { href: url, rel: "noreferrer" }, url) : url,
  ]);
  const state = byId("state");
  state.dataset.health = health;
  fill(state, [health, words], () => [badge(health), words]);
  showStations(next.stations);
  showFaults(next);
  showAlerts(next);
  showBoxes(next, (host) => {
    if (picture !== undefined) openDetails(host, picture);
  });
  showCharts(next);
  showCertificates(next);
  showHappenings(next.happenings);
  showDetails(next);
  announce(next.happenings);
  showTimes(next);
}

function showTimes(shown: Picture): void {
  const { now, answeredAt } = lastTick;
  showAges(shown, lastTick);
  showBackups(shown, now);
  const ages = Object.values(answeredAt).filter((at) => at !== null);
  const age =
    ages.length === 0 ? "" : `, last answer ${ageWords((now - Math.max(...ages)) / 1000)} ago`;
  const checks =
    shown.checkedAt === null ? "" : `; all checks ${ageWords((now - shown.checkedAt) / 1000)} ago`;
  byId("live").textContent = `live${age}${checks}`;
}

/** What changed since the last time, once. */
function announce(happenings: readonly Happening[]): void {
  const [latest] = happenings;
  const since = announced;
  announced = latest?.id ?? 0;
  if (since === undefined) return;
  const fresh = happenings.filter(({ id }) => id > since).toReversed();
  if (fresh.length === 0) return;
  byId("announcer").textContent = fresh
    .map(({ host, health, words }) => `${host ?? "stack"}: ${healthWords[health]}: ${words}`)
    .join(". ");
}
