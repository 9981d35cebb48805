/** Each web server serves on its own, seen from the host itself: who of two is broken. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import {
  applicationHosts,
  asApplication,
  drainFilesOf,
  type EndpointHost,
  type Endpoints,
  type Service,
  serviceOf,
} from "../endpoints";
import { askHost, type HostAnswer } from "./host-http";

export function hostServingChecks(endpoints: Endpoints): readonly Check[] {
  return endpoints.applications.flatMap(({ name }) => {
    const seen = asApplication(endpoints, name);
    return applicationHosts(seen).flatMap((host) =>
      (["web-server", "application"] as const).flatMap((role) => {
        const { unit, port } = serviceOf(host, role) ?? {};
        // One that listens on a socket is asked by the web server before it; that one is asked for paths by the load balancers.
        if (unit === undefined || port === undefined) return [];
        if (role === "web-server" && seen.paths.length > 0) return [];
        return [servingCheck(seen, host, { role, unit, port })];
      }),
    );
  });
}

/** A host that serves is not drained. */
export function takingPartChecks(endpoints: Endpoints): readonly Check[] {
  return endpoints.hosts.flatMap((host) => {
    const files = drainFilesOf(endpoints, host);
    return files.length === 0 ? [] : [takingPartCheck(endpoints.stack, host, files)];
  });
}

function takingPartCheck(stack: string, host: EndpointHost, files: readonly string[]): Check {
  return {
    name: `${host.name}: takes part`,
    expected: "it is not drained",
    remedy: `npm run undrain -- ${host.name} --stack ${stack}`,
    deadlineSeconds: 25,
    failsWhileDrained: true,
    run: async (site) => {
      const said = await site.run(host, sh`ls -d -- ${files} 2>/dev/null || true`.text, 10);
      const found = files.filter((file) => said.split("\n").includes(file));
      return found.length === 0
        ? passed("not drained")
        : failed(`drained: ${found.join(" and ")} is there`);
    },
  };
}

function servingCheck(
  endpoints: Endpoints,
  host: EndpointHost,
  service: Service & { readonly port: number },
): Check {
  const { unit, port, role } = service;
  const { healthPath: path, domain, scheme, isGuestBook } = endpoints;
  const forWhom = endpoints.isFurther ? ` for ${domain}` : "";
  const isWebServer = role === "web-server";
  return {
    name: `${host.name}: ${unit.replace(/\.service$/, "")} answers${isWebServer ? forWhom : ""}`,
    expected: `a status from 200 to 299 at port ${port}, from ${host.name}`,
    remedy: `journalctl -u ${unit} on ${host.name}${isWebServer ? ", and the application behind it" : ""}`,
    deadlineSeconds: 25,
    // Nginx tells the load balancers 404 then.
    failsWhileDrained: isWebServer,
    run: async (site) => {
      const [answer] = await askHost(site, host, { port, path, domain, scheme, times: 1 });
      return judgeServing(answer ?? { body: "" }, {
        ...(isWebServer && { header: host.name }),
        ...(isGuestBook && { body: host.name }),
      });
    },
  };
}

/** `header`, `body`: the name that the web server, and the guest book, gives itself there. */
export function judgeServing(
  answer: HostAnswer,
  names: { readonly header?: string; readonly body?: string },
): Finding {
  const { status, fault, servedBy, body } = answer;
  if (status === undefined) return failed(fault ?? "no answer");
  if (status < 200 || status > 299) return failed(`status ${status}`);
  if (names.header !== undefined && servedBy !== names.header) {
    return failed(`the web server calls itself ${servedBy ?? "nothing"}`);
  }
  const server = /"servedBy":"([^"]*)"/.exec(body)?.[1];
  if (names.body !== undefined && server !== names.body) {
    return failed(`the application calls itself ${server ?? "nothing"}`);
  }
  return passed(`status ${status}`);
}
