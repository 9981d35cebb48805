/** The processes of an application beside the one that serves: workers. */
import * as pulumi from "@pulumi/pulumi";
import { asApplication, renderApplicationUnit } from "./render/application-unit";
import type { UnitOptions } from "./render/confinement";

/** A process beside the one that serves: a worker. */
export interface ProcessArgs {
  /** The command that runs it, as words, in the application's folder. */
  readonly command: pulumi.Input<readonly pulumi.Input<string>[]>;
  /**
   * How many of it run on each host, at most 100: `shop-mail@1.service` and so on. Default: one, `shop-mail.service`.
   */
  readonly count?: number;
  /** What it may use of memory; more is killed. Default no limit. */
  readonly memoryMegabytes?: pulumi.Input<number>;
  /** What it may use of the processors; 100 is one of them. Default no limit. */
  readonly cpuPercent?: pulumi.Input<number>;
  /** How long it may take to end after its signal; then it is killed. Default 30. */
  readonly stopSeconds?: pulumi.Input<number>;
  /**
   * When it counts as ready, one of the two: `command`, run as the application, ends with 0; or it ran for `staySeconds` without
   * a restart. Default: 5 seconds.
   */
  readonly ready?: {
    readonly command?: pulumi.Input<readonly pulumi.Input<string>[]>;
    readonly staySeconds?: pulumi.Input<number>;
  };
}

/** Arguments that were checked, once they are known. */
export type Known<Args> = pulumi.Output<pulumi.Unwrap<Args>>;

/** What a process has of its application. */
export interface ProcessPlace {
  readonly name: string;
  readonly root: string;
  readonly environmentFiles: readonly string[];
  /** A folder in it where programs are looked for first. */
  readonly programs: string | undefined;
  readonly readySeconds: pulumi.Input<number>;
  readonly options?: UnitOptions | undefined;
}

/** Its units, and the files of them. What is not `count` may be known later. */
export function describeProcess(
  process: string,
  { count, known }: { readonly count: number | undefined; readonly known: Known<ProcessArgs> },
  { name, root, environmentFiles, programs, readySeconds, options }: ProcessPlace,
) {
  const folder = `${root}/current`;
  const content = known.apply(({ command, memoryMegabytes, cpuPercent, stopSeconds = 30 }) =>
    renderApplicationUnit({
      ...{ name, process, root, environmentFiles, programs, options },
      ...{ start: command, memoryMegabytes, cpuPercent, stopSeconds },
    }),
  );
  const ready = pulumi
    .all([known, readySeconds])
    .apply(([{ ready: { command, staySeconds = 5 } = {} }, deadlineSeconds]) => ({
      ...(command === undefined
        ? { staySeconds }
        : { command: asApplication({ name, folder, command, environmentFiles, programs }) }),
      deadlineSeconds,
    }));
  const unit = `${name}-${process}`;
  if (count === undefined) {
    return { ready, units: [`${unit}.service`], files: { [`${unit}.service`]: content } };
  }
  return {
    ready,
    units: Array.from({ length: count }, (_, at) => `${unit}@${at + 1}.service`),
    // A template is what systemd has for several of one kind.
    files: { [`${unit}@.service`]: content },
  };
}
