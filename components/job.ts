/** The scheduled jobs of an application. */
import type * as pulumi from "@pulumi/pulumi";
import type { Known, ProcessPlace } from "./process";
import { renderClaimedUnit, renderCommandUnit } from "./render/application-unit";
import { jobClaimFiles } from "./render/job-claim";
import { renderTimer } from "./render/timer";
import { withTimeZone } from "./schedule";

/** A command that is run at certain times. One that still runs is not started again. */
export interface JobArgs {
  /** The command, as words, in the application's folder. */
  readonly command: pulumi.Input<readonly pulumi.Input<string>[]>;
  /**
   * When it runs, as systemd's `OnCalendar` has it: `*-*-* 02:30`, `Mon..Fri 08:00 Europe/Berlin`, `*:0/5`, `daily`. Without a time
   * zone it is UTC.
   */
  readonly schedule: pulumi.Input<string>;
  /**
   * Whether it runs on each host. Default: once. With a database on any of the hosts, the one that is first to claim the run there;
   * without one on the first that is not away.
   */
  readonly perHost?: boolean;
  /** How long it may take, at most 86400; then it is killed. Default 3600. */
  readonly deadlineSeconds?: pulumi.Input<number>;
  /** Whether a run that was missed, as the host was down, is made up for when it is back: one, however many. Default false. */
  readonly persistent?: pulumi.Input<boolean>;
}

/** Its timer, and the files of it. */
export function describeJob(
  job: string,
  known: Known<JobArgs>,
  { name, root, environmentFiles, programs, readySeconds, options }: ProcessPlace,
  run: "claimed" | "at once",
) {
  const service = known.apply(({ command, schedule, deadlineSeconds = 3600 }) => {
    const unit = {
      ...{ name, folder: `${root}/current`, environmentFiles, programs, process: job },
      ...{ command, deadlineSeconds, options },
    };
    if (run === "at once") return renderCommandUnit(unit);
    const { script } = jobClaimFiles(name);
    const claim = [script, job, withTimeZone(schedule), String(deadlineSeconds)];
    return renderClaimedUnit({ ...unit, claim });
  });
  const timer = known.apply(({ schedule, persistent = false }) =>
    renderTimer({ name, job, schedule: withTimeZone(schedule), persistent }),
  );
  const unit = `${name}-${job}`;
  return {
    units: [`${unit}.timer`],
    ready: { deadlineSeconds: readySeconds },
    files: { [`${unit}.service`]: service, [`${unit}.timer`]: timer },
  };
}
