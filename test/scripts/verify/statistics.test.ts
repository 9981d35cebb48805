import test from "ava";
import { parseStatistics } from "../../../scripts/verify/statistics";

const line = (proxy: string, name: string, state: string) =>
  [proxy, name, ...Array.from({ length: 15 }, () => "0"), state, "1", "1"].join(",");

test("HAProxy's statistics say of each server how it is", (t) => {
  const csv = [
    `# pxname,svname,${"x,".repeat(15)}status,weight`,
    line("web", "FRONTEND", "OPEN"),
    line("web_servers", "web-01", "UP 1/2"),
    line("web_servers", "web-02", "NOLB"),
    line("web_servers", "BACKEND", "UP"),
    line("web_servers_once", "web-01", "no check"),
    "",
  ].join("\n");
  t.deepEqual(parseStatistics(csv), [
    { proxy: "web", name: "FRONTEND", sessions: 0, state: "OPEN" },
    { proxy: "web_servers", name: "web-01", sessions: 0, state: "UP 1/2" },
    { proxy: "web_servers", name: "web-02", sessions: 0, state: "NOLB" },
    { proxy: "web_servers", name: "BACKEND", sessions: 0, state: "UP" },
    { proxy: "web_servers_once", name: "web-01", sessions: 0, state: "no check" },
  ]);
});
