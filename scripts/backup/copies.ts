/** The copies that machines have in their repositories, as restic lists them. */
import * as v from "valibot";

export interface Copy {
  readonly machine: string;
  /** Where its repository is. */
  readonly place: string;
  /** `full`, `logs` or `folders`. */
  readonly what: string;
  /** As in `2026-11-30T02:30:09Z`. */
  readonly at: string;
  readonly id: string;
}

const snapshots = v.array(
  v.object({
    time: v.string(),
    short_id: v.string(),
    tags: v.optional(v.nullable(v.array(v.string())), []),
  }),
);

/** A line for each place: its name, and a list of JSON. */
export function parseCopies(machine: string, said: string): readonly Copy[] {
  const lines = said.split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const [, place = "", json = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    return v.parse(snapshots, JSON.parse(json)).map(({ time, short_id: id, tags }) => ({
      ...{ machine, place, id, what: tags?.join(",") ?? "" },
      at: new Date(time).toISOString().replace(/\.\d+Z$/, "Z"),
    }));
  });
}

/** Of logs the newest alone: there is one each minute. */
export function renderCopies(copies: readonly Copy[]): string {
  if (copies.length === 0) return "no copies\n";
  const sorted = [...copies].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const newest = (one: Copy) =>
    sorted.findLast(
      ({ machine, place, what }) =>
        machine === one.machine && place === one.place && what === one.what,
    );
  const shown = sorted.filter((one) => one.what !== "logs" || newest(one) === one);
  const rows = [
    ["when", "what", "machine", "place", "id"],
    ...shown.map(({ at, what, machine, place, id }) => [at, what, machine, place, id]),
  ];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd())
    .map((row) => `${row}\n`)
    .join("");
}

export function renderCopiesJson(stack: string, copies: readonly Copy[]): string {
  return `${JSON.stringify({ stack, copies }, undefined, 2)}\n`;
}
