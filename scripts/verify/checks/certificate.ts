/** What visitors are shown over TLS: a certificate that they trust, that has the site's names, and that does not end soon. */
import { connect } from "node:tls";
import { type Check, type Finding, failed, passed, wait } from "../check";
import { type Endpoints, hostsWith, serviceOf, startCommand } from "../endpoints";
import { type Trust, tlsOptions } from "../http";
import { askHost } from "./host-http";

/**
 * Nobody renews one that is given, so there has to be time to. The stack's own is renewed by `up` months before, and one of an authority
 * that is asked by the host itself in the last third of its life.
 */
const leastDays = 14;
/** Of its life, where that is short. */
const leastPart = 1 / 4;

export function certificateChecks(endpoints: Endpoints): readonly Check[] {
  if (endpoints.tlsPort === undefined) return [];
  return [
    ...certificatesOf(endpoints).map(({ at, trust }) => certificateCheck(at, trust, endpoints)),
    ...redirectChecks(endpoints),
  ];
}

/** Where visitors are shown a certificate, and for which name. */
export function certificatesOf({
  url,
  loadBalancerUrls,
  areContainers,
  tlsPort,
  applications,
  ca,
}: Endpoints): readonly { readonly at: string; readonly trust: Trust }[] {
  if (tlsPort === undefined) return [];
  // A machine's own address need not be reachable from here.
  const urls = areContainers ? Object.values(loadBalancerUrls) : [];
  const names = new Set(applications.map(({ domain }) => domain));
  return [...new Set([url, ...urls])].flatMap((at) =>
    [...names].map((name) => ({ at, trust: { name, ca } })),
  );
}

export function certificateCheckName(url: string, name: string): string {
  return `${url}: its certificate is good for ${name}`;
}

function certificateCheck(url: string, trust: Trust, { stack, certificateUnit }: Endpoints): Check {
  // The first one of an authority that hosts ask by themselves comes some seconds after `up`.
  const patienceSeconds = certificateUnit === undefined ? 0 : 20;
  return {
    name: certificateCheckName(url, trust.name),
    expected: `one for that name, of an authority that is trusted, for ${leastDays} days or more, or a quarter of its life`,
    remedy: `${startCommand(stack)}; a given one: set a new one in trilithon:https`,
    deadlineSeconds: 15 + patienceSeconds,
    run: async () => judgeCertificate(await readPatiently(url, trust, patienceSeconds), new Date()),
  };
}

export interface ShownCertificate {
  /** As OpenSSL says it: `Nov 29 20:00:00 2027 GMT` */
  readonly validFrom: string;
  readonly validTo: string;
  /** `TLSv1.3` */
  readonly protocol: string;
}

async function readPatiently(url: string, trust: Trust, seconds: number) {
  for (let left = seconds; ; left -= 1) {
    try {
      return await readCertificate(url, trust);
    } catch (error) {
      if (left <= 0) throw error;
      await wait(1);
    }
  }
}

/** Throws where it is not trusted, or has another name. */
export function readCertificate(url: string, trust: Trust): Promise<ShownCertificate> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port || 443), ...tlsOptions(trust) });
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      const { valid_from: validFrom, valid_to: validTo } = socket.getPeerCertificate();
      resolve({ validFrom, validTo, protocol: socket.getProtocol() ?? "" });
      socket.destroy();
    });
  });
}

export function judgeCertificate(
  { validFrom, validTo, protocol }: ShownCertificate,
  now: Date,
): Finding {
  const end = new Date(validTo);
  const days = (end.getTime() - now.getTime()) / day;
  const life = (end.getTime() - new Date(validFrom).getTime()) / day;
  const seen = `ends on ${end.toISOString().slice(0, 10)}, in ${daysUntil(end, now)} days; ${protocol}`;
  return days >= Math.min(leastDays, life * leastPart) ? passed(seen) : failed(seen);
}

const day = 24 * 3600 * 1000;

export function daysUntil(end: Date, now: Date): number {
  return Math.floor((end.getTime() - now.getTime()) / day);
}

/** Asked from the load balancer's own host. */
function redirectChecks(endpoints: Endpoints): readonly Check[] {
  const { domain } = endpoints;
  return hostsWith(endpoints, "load-balancer").map((host) => ({
    name: `${host.name}: who comes without TLS is led to it`,
    expected: "status 301",
    remedy: `see HAProxy's configuration on ${host.name}: rawLines may answer before`,
    deadlineSeconds: 25,
    run: async (site) => {
      const port = serviceOf(host, "load-balancer")?.port ?? 80;
      const question = { port, path: "/", domain, scheme: "http", times: 1 } as const;
      const [answer] = await askHost(site, host, question);
      const { status, fault = "no answer" } = answer ?? {};
      const seen = status === undefined ? fault : `status ${status}`;
      return status === 301 ? passed(seen) : failed(seen);
    },
  }));
}
