/** What a visitor gets through the load balancers, whatever the application is. */
import { type Check, type Finding, failed, passed, type Site, wait } from "../check";
import {
  applicationHosts,
  asApplication,
  type EndpointHost,
  type Endpoints,
  hostsWith,
  serviceOf,
} from "../endpoints";
import type { Answer } from "../http";
import { askBalancer } from "./host-http";

const rounds = 6;
const attempts = 4;

export function siteCheck(endpoints: Endpoints): Check {
  const { url } = endpoints;
  const names = applicationHosts(asApplication(endpoints)).map(({ name }) => name);
  return {
    name: "the site is answered by a web server",
    expected: `a status below 500 at ${url}/, with X-Served-By from ${names.join(" or ")}`,
    remedy: "see the application's unit and Nginx's error log on the web servers",
    deadlineSeconds: 20,
    run: async ({ request }) => judgeSite(await request({ url: `${url}/` }), names),
  };
}

/** An application may redirect to its login, or have no page at `/`. */
export function judgeSite(answer: Answer, names: readonly string[]): Finding {
  const text = `status ${answer.status} from ${servedBy(answer)}`;
  return answer.status < 500 && names.includes(servedBy(answer)) ? passed(text) : failed(text);
}

/** Seen from each load balancer's own host: its address need not be reachable from here. */
export function balanceChecks(endpoints: Endpoints): readonly Check[] {
  return endpoints.applications.flatMap((application) => {
    const seen = asApplication(endpoints, application.name);
    const names = applicationHosts(seen).map(({ name }) => name);
    return hostsWith(seen, "load-balancer").map((host) => balanceCheck(seen, host, names));
  });
}

function balanceCheck(endpoints: Endpoints, host: EndpointHost, names: readonly string[]): Check {
  const port = serviceOf(host, "load-balancer")?.port ?? 80;
  const { domain, healthPath: path, paths } = endpoints;
  const forWhom = endpoints.isFurther ? ` for ${domain}${paths[0] ?? ""}` : "";
  const question = { port, path, domain, scheme: "http", times: names.length * rounds } as const;
  const countAnswers = async (site: Site): Promise<Finding> => {
    const answers = await askBalancer(site, host, question);
    return judgeBalance(
      answers.map(({ status, servedBy, fault }) =>
        status !== undefined && isAnswered(status)
          ? (servedBy ?? nobody)
          : (fault ?? `status ${status}`),
      ),
      names,
    );
  };
  return {
    name: `${host.name}: ${names.join(" and ")} ${names.length > 1 ? "answer in turn" : "answers"}${forWhom}`,
    expected: `haproxy on ${host.name} passes requests to each about equally often`,
    remedy:
      "the load balancer has taken out who is missing: see that host's other checks; where none answers, the load balancer's own",
    deadlineSeconds: 90,
    run: async (site) => {
      let finding = await countAnswers(site);
      // A server that has just come back gets its full share after some seconds only.
      for (let attempt = 1; attempt < attempts && !finding.passed; attempt += 1) {
        await wait(4);
        finding = await countAnswers(site);
      }
      return finding;
    },
  };
}

/** Other visitors' requests take turns as well, so that no strict order is to be seen from here. */
export function judgeBalance(servers: readonly string[], names: readonly string[]): Finding {
  const count = (name: string) => servers.filter((server) => server === name).length;
  const seen = [...new Set([...names, ...servers])].map((name) => `${name} ${count(name)}`);
  const fair = servers.length / names.length;
  const isBalanced =
    servers.every((server) => names.includes(server)) &&
    names.every((name) => count(name) > 0 && count(name) >= fair / 2);
  const text = `of ${servers.length} answers: ${seen.join(", ")}`;
  return isBalanced ? passed(text) : failed(text);
}

export function publicFileChecks({ url, staticPath }: Endpoints): readonly Check[] {
  if (staticPath === undefined) return [];
  const path = staticPath.split("/").map(encodeURIComponent).join("/");
  return [
    {
      name: "static files are served",
      expected: `status 200 at ${url}${path}`,
      remedy: "see Nginx's configuration and its error log on the web servers",
      deadlineSeconds: 20,
      run: async ({ request }) => {
        const { status } = await request({ url: `${url}${path}` });
        const text = `${path}: status ${status}`;
        return status === 200 ? passed(text) : failed(text);
      },
    },
  ];
}

/** An application that wants HTTPS redirects who comes to the load balancer itself. */
export function isAnswered(status: number): boolean {
  return status >= 200 && status < 400;
}

const nobody = "nobody in particular";

export function servedBy({ headers }: Answer): string {
  const name = headers["x-served-by"];
  return typeof name === "string" ? name : nobody;
}
