/** A running stack, reached from outside: HTTP to the load balancer, SSH with pinned host keys to the hosts. */
import { Session, type SessionOptions } from "../../provider/ssh/session";
import type { Site } from "./check";
import { type EndpointHost, type Endpoints, trustOf } from "./endpoints";
import { request } from "./http";
import type { StackOutputs } from "./outputs";
import { makePass } from "./pass";

export interface OpenSite extends Site {
  close(): Promise<void>;
  /** Its connection is left: the next question makes another one. */
  drop(host: EndpointHost): void;
}

/** For as long as `use` takes. */
export async function withSite<Result>(
  { endpoints, privateKeys }: StackOutputs,
  doing: string,
  use: (site: Site) => Promise<Result>,
): Promise<Result> {
  const site = openSite(endpoints, privateKeys, doing);
  try {
    return await use(site);
  } finally {
    await site.close();
  }
}

/** `privateKeys`: host name to private key. `doing` stands in the error of a command that fails. */
export function openSite(
  endpoints: Endpoints,
  privateKeys: StackOutputs["privateKeys"],
  doing = "checking",
  options: SessionOptions = {},
): OpenSite {
  const sessions = new Map<string, Session>();
  const session = (host: EndpointHost): Session => {
    const existing = sessions.get(host.name);
    if (existing !== undefined) return existing;
    const opened = new Session(reached(host, privateKeys), options);
    sessions.set(host.name, opened);
    return opened;
  };
  const run: Site["run"] = async (host, script, deadlineSeconds) =>
    session(host).run({ script, deadlineSeconds, doing });
  const pass = makePass(endpoints, run);
  return {
    endpoints,
    request: async (question) =>
      request({
        ...question,
        headers: { Host: endpoints.domain, ...(await pass.headers()), ...question.headers },
        trust: trustOf(endpoints),
      }),
    passHeaders: pass.headers,
    run,
    drop: ({ name }) => {
      void sessions.get(name)?.close();
      sessions.delete(name);
    },
    close: async () => {
      await pass.end();
      await Promise.all([...sessions.values()].map((opened) => opened.close()));
    },
  };
}

/** How SSH reaches a host, with its key pinned. */
export function reached(host: EndpointHost, privateKeys: StackOutputs["privateKeys"]) {
  const { name, sshAddress: address, sshPort: port, user, hostKey } = host;
  const privateKey = privateKeys[name];
  if (privateKey === undefined) throw new Error(`${name}: the stack gives no private key`);
  return { name, address, port, user, hostKey, privateKey };
}
