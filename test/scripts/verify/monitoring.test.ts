import test from "ava";
import { factsFolder as folderOfComponents } from "../../../components/render/monitoring/exporters";
import { monitoringPorts } from "../../../components/render/monitoring/prometheus";
import { judgeTargets, monitoringChecks } from "../../../scripts/verify/checks/monitoring";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { alertmanagerPort, factsFolder, prometheusPort } from "../../../scripts/verify/monitoring";
import { sampleOutput } from "./sample";

test("what is asked is where the components put it", (t) => {
  const { prometheus, alertmanager } = monitoringPorts;
  t.deepEqual([prometheusPort, alertmanagerPort], [prometheus, alertmanager]);
  t.is(factsFolder, folderOfComponents);
});

const up = (job: string, host: string, value: string) => ({
  metric: { __name__: "up", instance: "10.0.0.11:9100", job, host },
  value: [1_700_000_000, value],
});

test("each target that is silent is named", (t) => {
  const all = [up("node", "lb-01", "1"), up("mysqld", "web-01", "0")];
  t.deepEqual(judgeTargets(JSON.stringify(all)), {
    ...{ passed: false, seen: "1 of 2 answer" },
    lines: ["web-01: mysqld does not answer"],
  });
  t.true(judgeTargets(JSON.stringify(all.slice(0, 1))).passed);
});

test("a Prometheus that knows of no target hears nobody", (t) => {
  t.false(judgeTargets("[]").passed);
});

test("one that has just started is asked again, and one that hears only some is not", async (t) => {
  const { hosts, ...rest } = sampleOutput;
  const monitor = { ...hosts["lb-01"], roles: ["load-balancer", "monitoring"] };
  const endpoints = parseEndpoints({ ...rest, hosts: { ...hosts, "lb-01": monitor } });
  const [check] = monitoringChecks(endpoints);
  const answers = [[], [up("node", "lb-01", "0")], [up("node", "lb-01", "1")]];
  const run = async () => JSON.stringify(answers.shift());
  const request = () => Promise.reject(new Error("nobody is asked over HTTP"));
  t.is((await check?.run({ endpoints, run, request }))?.seen, "0 of 1 answer");
  t.is(answers.length, 1);
});
