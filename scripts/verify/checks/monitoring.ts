/** Whether each Prometheus hears all that tells metrics: what it does not hear it raises no alarm about. */
import * as v from "valibot";
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type Endpoints, hostsWith, startCommand } from "../endpoints";
import { prometheusPort } from "../monitoring";

const prometheus = `http://127.0.0.1:${prometheusPort}`;

export function monitoringChecks(endpoints: Endpoints): readonly Check[] {
  const question = sh`promtool query instant -o json ${prometheus} up`;
  return hostsWith(endpoints, "monitoring").map((host) => ({
    name: `${host.name}: Prometheus hears all that tells metrics`,
    expected: "an answer of each target",
    remedy: `${startCommand(endpoints.stack)}; why: ${prometheus}/targets, through ssh -L ${prometheusPort}:127.0.0.1:${prometheusPort}`,
    // What is new is asked within a quarter of a minute.
    deadlineSeconds: 40,
    run: async (site) => judgeTargets(await site.run(host, question.text, 10)),
  }));
}

const answer = v.array(
  v.object({
    metric: v.object({ job: v.string(), host: v.optional(v.string(), "?") }),
    value: v.tuple([v.unknown(), v.string()]),
  }),
);

/** A line for each that is silent. */
export function judgeTargets(json: string): Finding {
  const targets = v.parse(answer, JSON.parse(json));
  const silent = targets.filter(({ value: [, up] }) => up !== "1");
  const seen = `${targets.length - silent.length} of ${targets.length} answer`;
  if (silent.length === 0 && targets.length > 0) return passed(seen);
  const lines = silent.map(({ metric: { job, host } }) => `${host}: ${job} does not answer`);
  return { ...failed(seen), lines };
}
