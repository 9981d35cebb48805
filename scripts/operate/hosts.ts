/** Which host of a stack a command is for. */
import { NotReached } from "../../provider/ssh/live-command";
import { UsageError } from "../command-line";
import { findHost } from "../maintenance/drain";
import {
  asApplication,
  type EndpointHost,
  type Endpoints,
  type Service,
  serviceOf,
} from "../verify/endpoints";

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

/** For commands that are about one application. */
export const applicationOption = {
  application: { type: "string", value: "NAME", about: "this application (default: the first)" },
} as const;

/** Whether the stack has an application of that name. */
export function applicationNamed({ applications }: Endpoints, name: string): boolean {
  return applications.some((application) => application.name === name);
}

/** The stack as that application's; without a name as the first one's. */
export function ofApplication<Outputs extends { readonly endpoints: Endpoints }>(
  outputs: Outputs,
  name: string | undefined,
): Outputs {
  const { endpoints } = outputs;
  if (name !== undefined && !applicationNamed(endpoints, name)) {
    const names = endpoints.applications.map((one) => one.name).join(", ");
    throw new UsageError(`--application: expected one of ${names}, got "${name}"`);
  }
  return { ...outputs, endpoints: asApplication(endpoints, name) };
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
