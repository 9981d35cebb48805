/** Whether each Prometheus hears all that tells metrics: what it does not hear it raises no alarm about. */
import * as v from "valibot";
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed, wait } from "../check";
import { type Endpoints, hostsWith, startCommand } from "../endpoints";
import { prometheusPort } from "../monitoring";

/** Prometheus asks each target four times a minute: one that has just started has heard none by then. */
const firstAnswersSeconds = 20;

const prometheus = `http://127.0.0.1:${prometheusPort}`;

export function monitoringChecks(endpoints: Endpoints): readonly Check[] {
  const question = sh`promtool query instant -o json ${prometheus} up`;
  return hostsWith(endpoints, "monitoring").map((host) => ({
    name: `${host.name}: Prometheus hears all that tells metrics`,
    expected: "an answer of each target",
    remedy: `${startCommand(endpoints.stack)}; why: ${prometheus}/targets, through ssh -L ${prometheusPort}:127.0.0.1:${prometheusPort}`,
    deadlineSeconds: 40,
    run: async (site) => {
      for (let left = firstAnswersSeconds; ; left -= 1) {
        const json = await site.run(host, question.text, 10);
        if (left === 0 || readTargets(json).length > 0) return judgeTargets(json);
        await wait(1);
      }
    },
  }));
}

const answer = v.array(
  v.object({
    metric: v.object({ job: v.string(), host: v.optional(v.string(), "?") }),
    value: v.tuple([v.unknown(), v.string()]),
  }),
);

const readTargets = (json: string) => v.parse(answer, JSON.parse(json));

/** A line for each that is silent. */
export function judgeTargets(json: string): Finding {
  const targets = readTargets(json);
  const silent = targets.filter(({ value: [, up] }) => up !== "1");
  const seen = `${targets.length - silent.length} of ${targets.length} answer`;
  if (silent.length === 0 && targets.length > 0) return passed(seen);
  const lines = silent.map(({ metric: { job, host } }) => `${host}: ${job} does not answer`);
  return { ...failed(seen), lines };
}
