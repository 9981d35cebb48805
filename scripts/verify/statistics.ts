/** What HAProxy on a host says of its servers: a load balancer's, or that of the proxy to the database. */
import type { Site } from "./check";
import type { EndpointHost } from "./endpoints";

export interface Row {
  readonly proxy: string;
  /** A server, or `FRONTEND` or `BACKEND` for all of the proxy. */
  readonly name: string;
  /** Under way at present. */
  readonly sessions: number;
  /** `UP`, `NOLB` (drained), `DOWN`, `MAINT`. */
  readonly state: string;
}

const folders = { haproxy: "/run/haproxy", "database-proxy": "/run/trilithon-database-proxy" };

export async function readStatistics(
  site: Site,
  host: EndpointHost,
  of: keyof typeof folders = "haproxy",
): Promise<readonly Row[]> {
  const script = `echo 'show stat' | socat -t 2 stdio ${folders[of]}/admin.sock`;
  return parseStatistics(await site.run(host, script, 10));
}

/** A line for each, with the proxy, the name, two numbers of the queue, the sessions, and as the 18th field the state. */
export function parseStatistics(csv: string): readonly Row[] {
  return csv
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(","))
    .map((fields) => ({
      proxy: fields[0] ?? "",
      name: fields[1] ?? "",
      sessions: Number(fields[4] ?? 0),
      state: fields[17] ?? "",
    }));
}
