/** What is said of a host, as rows of words. */
import type { HostLook, HostPicture } from "../picture";
import { dateWords, minutesWords } from "./words";

/** One word where all load balancers say the same. */
export function trafficRows(
  traffic: HostPicture["traffic"],
): readonly (readonly [string, string])[] {
  if (traffic.length === 0) return [];
  const words = { up: "arrive", drained: "nothing new" } as const;
  const said = traffic.map(({ state }) =>
    state === "up" || state === "drained" ? words[state] : state,
  );
  const [first = ""] = said;
  const isOne = said.every((one) => one === first);
  const each = traffic.map(({ by, application, state }) => `${state} for ${application} at ${by}`);
  return [["Requests", isOne ? first : each.join("; ")]];
}

export function memberWords({ role, state, lagSeconds }: NonNullable<HostLook["member"]>): string {
  switch (role) {
    case "primary":
      return "primary, takes writes";
    case "replica":
      if (state !== "follows") return `replica, ${state}`;
      return `replica, ${lagSeconds === null ? "follows" : `${lagSeconds.toFixed(1)} s behind`}`;
    case "unknown":
      return "does not answer";
  }
}

const copyWords: Readonly<Record<string, string>> = {
  full: "Database, full copy",
  logs: "Database, binary logs",
  folders: "Folders",
};

export function backupRows(
  hosts: readonly HostPicture[],
  now: number,
): readonly (readonly string[])[] {
  const row = (what: string, host: string, at: number) => [
    ...[what, host, dateWords(at * 1000), minutesWords(now / 1000 - at)],
  ];
  return hosts.flatMap(({ name, look }) => {
    const { copies = {}, tried = null, repositories = {}, checkedAt = null } = look?.backup ?? {};
    return [
      ...Object.entries(copies).map(([what, at]) => row(copyWords[what] ?? what, name, at)),
      ...(tried === null
        ? []
        : [row(`Restored on trial, up to ${dateWords(tried.until * 1000)}`, name, tried.at)]),
      ...Object.entries(repositories).map(([machine, isGood]) =>
        row(`Repository of ${machine}: ${isGood ? "sound" : "NOT SOUND"}`, name, checkedAt ?? 0),
      ),
    ];
  });
}
