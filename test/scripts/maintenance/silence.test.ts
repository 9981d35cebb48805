import test from "ava";
import { addCommand } from "../../../scripts/maintenance/silence";

const alertmanager = "amtool --alertmanager.url=http://127.0.0.1:9093 silence add";

test("in a maintain what is about one part is silent, in a drill all but the watchdog", (t) => {
  t.is(
    addCommand({ why: "npm run maintain", what: "parts", minutes: 20 }).replaceAll("'", ""),
    `${alertmanager} --duration=20m --author=trilithon --comment=npm run maintain scope=part`,
  );
  t.regex(
    addCommand({ why: "npm run drill", what: "all", minutes: 10 }).replaceAll("'", ""),
    / alertname!=Watchdog$/,
  );
});
