/** A running stack, reached from outside: HTTP to the load balancer, SSH with pinned host keys to the hosts. */
import { Session } from "../../provider/ssh/session";
import type { Site } from "./check";
import type { EndpointHost, Endpoints } from "./endpoints";
import { request } from "./http";

export interface OpenSite extends Site {
  close(): Promise<void>;
}

/** `privateKeys`: host name to private key. */
export function openSite(
  endpoints: Endpoints,
  privateKeys: Readonly<Record<string, string>>,
): OpenSite {
  const sessions = new Map<string, Session>();
  const session = (host: EndpointHost): Session => {
    const existing = sessions.get(host.name);
    if (existing !== undefined) return existing;
    const privateKey = privateKeys[host.name];
    if (privateKey === undefined) throw new Error(`${host.name}: the stack gives no private key`);
    const { name, sshAddress, sshPort, user, hostKey } = host;
    const opened = new Session({
      ...{ name, user, hostKey, privateKey },
      address: sshAddress,
      port: sshPort,
    });
    sessions.set(name, opened);
    return opened;
  };
  return {
    endpoints,
    request: (question) =>
      request({ ...question, headers: { Host: endpoints.domain, ...question.headers } }),
    run: async (host, script, deadlineSeconds) =>
      session(host).run({ script, deadlineSeconds, doing: "checking" }),
    close: async () => {
      await Promise.all([...sessions.values()].map((opened) => opened.close()));
    },
  };
}
