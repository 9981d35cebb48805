/** Who is the primary, how far the others are behind, and when the certificates end that members show each other. */
import { databaseHosts, type Endpoints } from "../verify/endpoints";
import type { askMembers } from "../verify/mysql";
import { describeEnd } from "./certificates";
import { wordsOf } from "./reach";
import type { Status } from "./schema";

export function describeMembers(
  endpoints: Endpoints,
  states: Awaited<ReturnType<typeof askMembers>>,
  now: Date,
): Pick<Status, "database" | "certificates"> {
  const hosts = databaseHosts(endpoints).map(({ name }) => name);
  const primaries = states.flatMap((one) =>
    one instanceof Error || !one.isPrimary ? [] : [one.host.name],
  );
  const certificates = states.flatMap((one) =>
    one instanceof Error || one.certificateEnds === undefined
      ? []
      : [
          {
            ...{ name: one.host.name, at: "mysql", reason: null },
            ...describeEnd(one.certificateEnds, now),
          },
        ],
  );
  if (hosts.length === 0) return { database: null, certificates };
  const members = states.map((one, index) => describeMember(hosts[index] ?? "", one));
  const primary = primaries.length === 1 ? (primaries[0] ?? null) : null;
  return { database: { name: endpoints.database ?? "", primary, members }, certificates };
}

type Member = NonNullable<Status["database"]>["members"][number];

function describeMember(host: string, one: Awaited<ReturnType<typeof askMembers>>[number]): Member {
  if (one instanceof Error) {
    return { host, role: "unknown", state: "unknown", lagSeconds: null, reason: wordsOf(one) };
  }
  if (one.isPrimary) {
    return { host, role: "primary", state: "open", lagSeconds: null, reason: null };
  }
  const state = one.isFollowing ? "follows" : "does not follow";
  return { host, role: "replica", state, lagSeconds: one.lagSeconds ?? null, reason: null };
}
