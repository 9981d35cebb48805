/** Jobs that note their runs in a table, and what is to be said of these. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Run {
  readonly job: string;
  readonly host: string;
  /** Milliseconds, all of them by the database's clock; a run that was cut off has no end. */
  readonly scheduled: number;
  readonly began: number;
  readonly ended: number | undefined;
}

/** Of the database `shop`. */
export const createRuns =
  "CREATE TABLE runs (id INT AUTO_INCREMENT PRIMARY KEY, run CHAR(36) UNIQUE, job VARCHAR(64), host VARCHAR(64), scheduled DATETIME, began DATETIME(3), ended DATETIME(3))";

export const selectRuns = "SELECT job, host, scheduled, began, ended FROM runs ORDER BY id";

export const at = (text: string) => Date.parse(`${text.replace(" ", "T")}Z`);

export function parseRuns(lines: string): Run[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => {
      const [job = "", host = "", scheduled = "", began = "", ended = ""] = line.split("\t");
      return {
        ...{ job, host, scheduled: at(scheduled), began: at(began) },
        ended: ended === "NULL" ? undefined : at(ended),
      };
    });
}

export interface Job {
  readonly name: string;
  readonly from: number;
  readonly step: number;
}

/** The runs of a job beside its schedule. */
export function judge(
  { name, from, step }: Job,
  all: readonly Run[],
  [begin, end]: readonly [number, number],
) {
  const runs = all.filter(
    ({ job, scheduled }) => job === name && scheduled >= begin && scheduled <= end,
  );
  const due = Array.from(
    { length: (end - begin) / 1000 + 1 },
    (_, second) => begin + second * 1000,
  );
  const times = due.filter((time) => (time / 1000) % step === from % step);
  const had = runs.map(({ scheduled }) => scheduled);
  const sorted = runs.toSorted((one, other) => one.began - other.began);
  return {
    count: runs.length,
    missed: times.filter((time) => !had.includes(time)),
    outside: had.filter((time) => !times.includes(time)),
    twice: had.filter((time, place) => had.indexOf(time) !== place),
    cut: runs.filter(({ ended }) => ended === undefined),
    together: sorted.filter((run, place) => run.began < (sorted[place - 1]?.ended ?? 0)),
  };
}

export const seconds = (count: number) =>
  new Promise((resolve) => setTimeout(resolve, count * 1000));

export async function until(
  condition: () => Promise<boolean>,
  patienceSeconds: number,
): Promise<void> {
  const end = Date.now() + patienceSeconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${patienceSeconds} seconds: ${condition}`);
    await seconds(0.1);
  }
}

/** An application whose `bin/job NAME SECONDS` notes its run. */
export async function writeJobs(source: string): Promise<void> {
  await mkdir(join(source, "bin"));
  await writeFile(
    join(source, "server.mjs"),
    `import { createServer } from "node:http";
createServer((_, response) => response.end("fine\\n")).listen(process.env.PORT, process.env.HOST);
`,
  );
  await writeFile(
    join(source, "bin/job"),
    `#!/bin/sh
# Notes its run beside the one that was claimed, however long the database is away.
sql() { until mysql --defaults-file=/etc/shop/jobs.cnf --batch --skip-column-names --execute="$1"; do sleep 0.5; done; }
run=$(sql "SELECT run FROM trilithon_jobs WHERE job = '$1'")
sql "INSERT IGNORE INTO runs (run, job, host, scheduled, began) SELECT run, job, host, scheduled, UTC_TIMESTAMP(3) FROM trilithon_jobs WHERE run = '$run'"
sleep "$2"
sql "UPDATE runs SET ended = UTC_TIMESTAMP(3) WHERE run = '$run'"
`,
  );
  await chmod(join(source, "bin/job"), 0o755);
}
