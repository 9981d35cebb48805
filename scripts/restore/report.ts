/** What a restored database holds, as the host tells it. */

export interface Table {
  readonly name: string;
  readonly rows: number;
  /** As `CHECKSUM TABLE` has it. */
  readonly checksum: string;
}

export interface RestoreReport {
  /** The full copy that it began with. */
  readonly copy: { readonly at: string; readonly place: string; readonly id: string };
  /** When the last transaction that was replayed committed; left out where none was. */
  readonly until?: string | undefined;
  readonly gtidSet: string;
  readonly tables: readonly Table[];
  /** Also those without a table. */
  readonly databases: readonly string[];
  /** Transactions that were left out although they bear an earlier time than was wanted. */
  readonly early: number;
  /** Older copies of another history, and what they have that is not in this one. */
  readonly others: readonly {
    readonly at: string;
    readonly place: string;
    readonly id: string;
    readonly gtidSet: string;
  }[];
  readonly socket: string;
  readonly port: number;
}

export function parseReport(said: string): RestoreReport {
  const rows = said.split("\n").map((line) => line.split(/[\t ]/));
  const first = (word: string) => rows.find(([one]) => one === word) ?? [];
  const [, copied = "", place = "", id = ""] = first("copy");
  const [, until = "0"] = first("until");
  const [, gtidSet = ""] = first("gtid");
  const [, , port = "", socket = ""] = first("scratch");
  if (socket === "") throw new Error(`expected what was restored, got: ${said.slice(-200)}`);
  return {
    copy: { at: timeOf(copied), place, id },
    ...(until !== "0" && { until: timeOf(until) }),
    gtidSet,
    tables: parseTables(said),
    databases: cells(said, "database").map(([name]) => name),
    early: rows.reduce((sum, [word, count]) => sum + (word === "early" ? Number(count) : 0), 0),
    others: rows.flatMap(([word, at = "0", place = "", id = "", gtidSet = ""]) =>
      word === "other" ? [{ at: timeOf(at), place, id, gtidSet }] : [],
    ),
    ...{ socket, port: Number(port) },
  };
}

export function parseTables(said: string): readonly Table[] {
  const checksums = new Map(cells(said, "checksum"));
  return cells(said, "rows").map(([name, count]) => {
    return { name, rows: Number(count), checksum: checksums.get(name) ?? "" };
  });
}

/** Between tabs: names of tables may have blanks. */
function cells(said: string, word: string): readonly (readonly [string, string])[] {
  return said.split("\n").flatMap((line) => {
    const [first, name = "", value = ""] = line.split("\t");
    return first === word ? [[name, value] as const] : [];
  });
}

/** Of microseconds since 1970. */
function timeOf(microseconds: string): string {
  const date = new Date(Number(BigInt(microseconds) / 1000n));
  return date.toISOString().replace("Z", `${microseconds.slice(-3)}Z`);
}

export function renderReport(report: RestoreReport, host: string): string {
  const { copy, until, gtidSet, tables, early, others, socket } = report;
  const width = Math.max(5, ...tables.map(({ name }) => name.length));
  const digits = Math.max(4, ...tables.map(({ rows }) => String(rows).length));
  const table = tables.map(
    ({ name, rows, checksum }) =>
      `  ${name.padEnd(width)}  ${String(rows).padStart(digits)}  ${checksum}\n`,
  );
  const left =
    early > 0
      ? `left out: ${early} transactions that bear an earlier time, as they committed after one that does not: clocks differed\n`
      : "";
  const beside = others.map(
    ({ at, place, id, gtidSet }) =>
      `not in it: ${gtidSet} of the copy of ${at} (${place}, ${id}), which is of another history: --copied-before leads there\n`,
  );
  return `copy of ${copy.at} (${copy.place}, ${copy.id})${until === undefined ? "" : `, and logs until ${until}`}
GTID: ${gtidSet}
${left}${beside.join("")}
  ${"table".padEnd(width)}  ${"rows".padStart(digits)}  checksum
${table.join("")}
on ${host}: mysql --socket=${socket}
`;
}
