/** Numbers and times as the page says them. */

/** `3 s`, `12 min`, `5 h`, `3 d` */
export function ageWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  if (whole < 172_800) return `${Math.round(whole / 3600)} h`;
  return `${Math.round(whole / 86_400)} d`;
}

/** Of what is told each second, so that it does not change each second. */
export function minutesWords(seconds: number): string {
  return seconds < 60 ? "under a minute" : ageWords(Math.max(120, seconds));
}

export function percentWords(part: number): string {
  return `${Math.round(part * 100)} %`;
}

const steps = ["", "k", "M", "G", "T"] as const;

function scaled(value: number, base: number): string {
  let at = 0;
  let left = Math.abs(value);
  for (; left >= base && at < steps.length - 1; at += 1) left /= base;
  const digits = left >= 100 || Number.isInteger(left) ? 0 : left >= 10 ? 1 : 2;
  return `${value < 0 ? "-" : ""}${left.toFixed(digits)}${at > 0 || base === 1024 ? " " : ""}${steps[at]}`;
}

/** In the unit of a panel. */
export function valueWords(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return "-";
  switch (unit) {
    case "ratio": {
      const percent = value * 100;
      return `${percent !== 0 && Math.abs(percent) < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
    }
    case "seconds":
      return secondsWords(value);
    case "bytes":
      return `${scaled(value, 1024)}B`;
    case "bytes per second":
      return `${scaled(value, 1024)}B/s`;
    case "per second":
      return `${scaled(value, 1000)}/s`;
    default:
      return scaled(value, 1000);
  }
}

function secondsWords(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (size < 1) return `${(value * 1000).toFixed(size < 0.01 ? 1 : 0)} ms`;
  if (size < 120) return `${value.toFixed(size < 10 ? 1 : 0)} s`;
  return ageWords(value);
}

/** `10:31:02`, by the clock of the browser. */
export function clockWords(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString([], { hour12: false });
}

/** `2026-11-30 10:31` */
export function dateWords(milliseconds: number): string {
  const at = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

const roleWords: Readonly<Record<string, string>> = {
  "load-balancer": "load balancer",
  "database-primary": "database",
  "database-replica": "database",
  "name-server": "name server",
};

/** Who is the primary is told by the members, and not by the settings. */
export function roleName(role: string): string {
  return roleWords[role] ?? role;
}

/** `nginx` */
export function unitName(unit: string): string {
  return unit.replace(/\.service$/, "");
}
