/** Which host of a stack a command is for. */
import { NotReached } from "../../provider/ssh/live-command";
import { UsageError } from "../command-line";
import { findHost } from "../maintenance/drain";
import { type EndpointHost, type Endpoints, type Service, serviceOf } from "../verify/endpoints";

/** Those with a service, in the settings' order; or the one that is named, which has to have it. */
export function hostsServing(
  endpoints: Endpoints,
  role: Service["role"],
  name: string | undefined,
): readonly EndpointHost[] {
  const serving = endpoints.hosts.filter((host) => serviceOf(host, role) !== undefined);
  const names = serving.map((host) => host.name).join(", ");
  const what = role.replace("-", " ");
  if (name === undefined) {
    if (serving.length > 0) return serving;
    const away = endpoints.away.length > 0 ? ` (away: ${endpoints.away.join(", ")})` : "";
    throw new UsageError(`stack ${endpoints.stack}: no host has the ${what}${away}`);
  }
  const host = findHost({ endpoints }, name);
  if (serving.includes(host)) return [host];
  throw new UsageError(`${name}: it has no ${what}: expected one of ${names || "none"}`);
}

/** Whether the stack's application has that name. */
export function applicationNamed({ hosts }: Endpoints, name: string): boolean {
  return hosts.some((host) => serviceOf(host, "application")?.unit === `${name}.service`);
}

export function tellAway({ away }: Endpoints): void {
  for (const name of away) process.stderr.write(`${name}: it is away, and left out\n`);
}

interface Candidates {
  readonly hosts: readonly EndpointHost[];
  readonly tell: (message: string) => void;
}

/** Of a host that cannot be reached it is told, and the next one is tried. */
export async function onFirstThatAnswers<Result>(
  { hosts: [host, ...others], tell }: Candidates,
  work: (host: EndpointHost) => Promise<Result>,
): Promise<Result> {
  if (host === undefined) throw new Error("no host to ask");
  try {
    return await work(host);
  } catch (error) {
    if (!(error instanceof NotReached) || others.length === 0) throw error;
    tell(error.message);
    return onFirstThatAnswers({ hosts: others, tell }, work);
  }
}
