/** When a job runs, in the words of systemd's `OnCalendar`: checked here, so that a wrong one is told before any host is touched. */

const words = [
  ...["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually"],
  ...["yearly", "annually"],
];
const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

interface Range {
  readonly from: number;
  readonly to: number;
}

const year = { from: 1970, to: 2199 };
const month = { from: 1, to: 12 };
const day = { from: 1, to: 31 };
const hour = { from: 0, to: 23 };
const minute = { from: 0, to: 59 };

/** `*-*-* 02:30`, `Mon..Fri 08:00 Europe/Berlin`, `*:0/5`, `daily`. */
export function isSchedule(text: string): boolean {
  const parts = text.split(" ");
  const rest = isTimeZone(parts.at(-1) ?? "") ? parts.slice(0, -1) : parts;
  const [first = "", ...others] = rest;
  if (words.includes(first.toLowerCase())) return others.length === 0;
  const specification = isWeekdays(first) ? others : rest;
  if (specification.length === 0) return rest.length > 0;
  const [one = "", two, ...more] = specification;
  if (more.length > 0) return false;
  if (two === undefined) return isDate(one) || isTime(one);
  return isDate(one) && isTime(two);
}

/** With its time zone: systemd would take that of the host. */
export function withTimeZone(schedule: string): string {
  return isTimeZone(schedule.split(" ").at(-1) ?? "") ? schedule : `${schedule} UTC`;
}

/** systemd knows them by their exact names. */
function isTimeZone(text: string): boolean {
  if (text === "UTC") return true;
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)+$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/** `Mon`, `Mon,Thu`, `Mon..Fri`. */
function isWeekdays(text: string): boolean {
  const place = (name: string) =>
    days.findIndex((one) => [one, one.slice(0, 3)].includes(name.toLowerCase()));
  return text.split(",").every((part) => {
    const [first = -1, last = first, ...more] = part.split(/\.\.|-/).map(place);
    return more.length === 0 && first >= 0 && last >= first;
  });
}

/** `*-*-*`, `2026-12-24`, `12-24`; `~` counts days from the end of the month. */
function isDate(text: string): boolean {
  const [, years = "*", months = "", dayOfMonth = ""] =
    /^(?:([^-~]+)-)?([^-~]+)[-~]([^-~]+)$/.exec(text) ?? [];
  return isField(years, year) && isField(months, month) && isField(dayOfMonth, day);
}

/** `02:30`, `*:0/5`, `08,20:00:00`. */
function isTime(text: string): boolean {
  const [hours = "", minutes = "", seconds = "0", ...more] = text.split(":");
  if (more.length > 0) return false;
  return isField(hours, hour) && isField(minutes, minute) && isField(seconds, minute);
}

/** `*`, or a list of numbers and ranges, each with a step: `0/5`, `8..17/3`. */
function isField(text: string, { from, to }: Range): boolean {
  if (text === "*") return true;
  return text.split(",").every((part) => {
    const [, first, last, step] = /^(\d{1,4})(?:\.\.(\d{1,4}))?(?:\/(\d{1,4}))?$/.exec(part) ?? [];
    const isIn = (number: string) => Number(number) >= from && Number(number) <= to;
    if (first === undefined || !isIn(first) || step === "0") return false;
    return last === undefined || (isIn(last) && Number(last) >= Number(first));
  });
}
