/** What only the sample application has: its page and its own static files. The entries are in `write.ts`. */
import { type Check, type Finding, failed, passed, type Site } from "../check";
import { type Endpoints, hostsWith } from "../endpoints";
import type { Answer } from "../http";
import { servedBy } from "./serving";

export function guestBookChecks(endpoints: Endpoints): readonly Check[] {
  return [pageCheck(endpoints), staticFileCheck(endpoints)];
}

function pageCheck(endpoints: Endpoints): Check {
  const names = hostsWith(endpoints, "web").map(({ name }) => name);
  return {
    name: "the page comes from the application",
    expected: "status 200, HTML, made anew for each visitor by the application of a web server",
    remedy: "see the application's unit and Nginx's error log on the host named",
    deadlineSeconds: 20,
    run: async ({ request }) => judgePage(await request({ url: `${endpoints.url}/` }), names),
  };
}

export function judgePage(answer: Answer, names: readonly string[]): Finding {
  const { status, headers, body } = answer;
  if (status !== 200) return failed(`status ${status} from ${servedBy(answer)}`);
  const type = String(headers["content-type"] ?? "no content type");
  if (!type.startsWith("text/html")) return failed(type);
  const server = /Answered by <strong>([^<]+)</.exec(body)?.[1];
  if (server === undefined) return failed("the page does not say which server answered");
  if (!names.includes(server)) return failed(`the page calls its server "${server}"`);
  const trouble = /role="alert">([^<]+)</.exec(body)?.[1];
  if (trouble !== undefined) return failed(`${server} says: ${trouble}`);
  if (headers["cache-control"] !== "no-store") return failed("caches may keep it");
  return passed(`from ${server}`);
}

function staticFileCheck({ url }: Endpoints): Check {
  return {
    name: "static files come from Nginx",
    expected: "status 200 from Nginx itself, compressed, to be kept for a year",
    remedy: "see Nginx's configuration and its error log on the web servers",
    deadlineSeconds: 20,
    run: async (site) => {
      const path = await findStaticFile(site, url);
      if (path === undefined) return failed("the page names no static file");
      const headers = { "Accept-Encoding": "gzip" };
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => site.request({ url: `${url}${path}`, headers })),
      );
      const findings = answers.map((answer) => judgeStaticFile(answer, path));
      return findings.find((finding) => !finding.passed) ?? findings[0] ?? failed("no answer");
    },
  };
}

export function judgeStaticFile({ status, headers }: Answer, path: string): Finding {
  if (status !== 200) return failed(`${path}: status ${status}`);
  const server = String(headers.server ?? "");
  if (!/^nginx/i.test(server)) return failed(`${path}: the server calls itself "${server}"`);
  // Nginx tells it of each file; the application tells it of none.
  if (headers["last-modified"] === undefined) return failed(`${path}: came from the application`);
  const cache = String(headers["cache-control"] ?? "no Cache-Control");
  const seconds = Number(/max-age=(\d+)/.exec(cache)?.[1] ?? 0);
  if (seconds < 30 * 86400) return failed(`${path}: ${cache}`);
  if (headers["content-encoding"] !== "gzip") return failed(`${path}: not compressed`);
  return passed(`${path}: ${cache}`);
}

async function findStaticFile({ request }: Site, url: string): Promise<string | undefined> {
  const { status, body } = await request({ url: `${url}/` });
  if (status !== 200) throw new Error(`${url}/ answered with status ${status}`);
  return /(?:href|src)="(\/static\/[^"]+)"/.exec(body)?.[1];
}
