import { request } from "node:http";
import test from "ava";
import { type Access, judgeRequest, makeAccess } from "../../../scripts/dashboard/access";
import { chartReader, seriesOf } from "../../../scripts/dashboard/charts";
import { type HostReader, Silence } from "../../../scripts/dashboard/host-reader";
import { judge } from "../../../scripts/dashboard/judge";
import { type Dashboard, serve } from "../../../scripts/dashboard/serve";
import { openWatch, type Watch } from "../../../scripts/dashboard/watch";
import { endpoints, known, lookOf } from "./sample";

const host = "127.0.0.1:4000";
const access: Access = {
  ...makeAccess(),
  path: "/abc/",
  token: "t".repeat(48),
  cookie: "c".repeat(48),
};
const judged = (url: string, headers: Record<string, string> = {}, method = "GET") => {
  const verdict = judgeRequest({ method, url, headers: { host, ...headers } }, { access, host });
  return typeof verdict === "object" ? verdict.refused : verdict;
};
const cookie = `other=1; trilithon-dashboard=${access.cookie}`;
const tokened = `/abc/?token=${access.token}`;

test("only who has the token or the cookie, at this address, is answered", (t) => {
  t.is(judged(tokened), "token");
  t.is(judged("/abc/feed", { cookie }), "cookie");
  t.is(judged("/abc/feed", { cookie, "sec-fetch-site": "same-origin" }), "cookie");
  t.is(judged("/abc/"), "no cookie");
  t.is(judged("/abc/?token=wrong"), "no cookie");
  t.is(judged("/abc/", { cookie: "trilithon-dashboard=wrong" }), "no cookie");
  t.is(judged("/abd/", { cookie }), "another path");
  t.is(judged("/abc/../feed", { cookie }), "another path");
  // Any page may ask for these, and no URL is made of them.
  for (const url of ["//", "/\\", "*", "http://[", `http://${host}/abc/`]) {
    t.is(judged(url), "another path", url);
  }
  // The token opens the page, and nothing else by itself.
  t.is(judged(`/abc/feed?token=${access.token}`), "no cookie");
  t.is(judged(tokened, { host: "www.foobar.com:4000" }), "another host name");
  t.is(judged(tokened, { host: "127.0.0.1:4001" }), "another host name");
  t.is(judged(tokened, {}, "POST"), "another method than GET");
  t.is(judged("/abc/feed", { cookie, origin: "http://127.0.0.1:4001" }), "another origin");
  t.is(judged("/abc/feed", { cookie, "sec-fetch-site": "same-site" }), "another site");
  t.is(judged("/abc/feed", { cookie, "sec-fetch-site": "cross-site" }), "another site");
});

const silentReader: HostReader = {
  ask: () => Promise.reject(new Silence("not asked")),
  askBeside: () => Promise.reject(new Silence("not asked")),
  askSlowly: () => Promise.reject(new Silence("not asked")),
  close: async () => undefined,
};

/** What hosts say comes from a table that a test changes; one that is not in it never answers. */
function watchOf(
  said: Map<string, ReturnType<typeof lookOf> | "silent">,
  forgetMilliseconds?: number,
): Watch {
  return openWatch(
    { endpoints, privateKeys: {} },
    {
      openReader: () => silentReader,
      pauseMilliseconds: 10,
      ...(forgetMilliseconds !== undefined && { forgetMilliseconds }),
      lookAt: (_, { name }) => {
        const look = said.get(name);
        if (look === undefined) return new Promise(() => undefined);
        return look === "silent" ? Promise.reject(new Silence("gone")) : Promise.resolve(look);
      },
      readChecks: async () => ({ checks: [], certificates: [] }),
    },
  );
}

test("what was seen while another page was open is not shown as live", async (t) => {
  const watch = watchOf(new Map(endpoints.hosts.map(({ name }) => [name, lookOf(name)])), 0);
  t.teardown(() => watch.close());
  let stop = () => undefined as unknown;
  await new Promise<void>((resolve) => {
    stop = watch.listen(() => watch.picture().health === "well" && resolve());
  });
  stop();
  watch.listen(() => undefined);
  const { health, hosts } = watch.picture();
  t.deepEqual([health, ...hosts.map((one) => one.health)], Array(4).fill("unknown"));
});

/** Events of the feed, as they come. */
async function* eventsOf({ url }: Dashboard) {
  const opened = await fetch(url);
  const [given = ""] = opened.headers.getSetCookie();
  const response = await fetch(new URL("feed", url), {
    headers: { Cookie: given.split(";")[0] ?? "" },
  });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event === "picture") yield JSON.parse(data ?? "");
    }
  }
}

test("the page is told of a change, and a host that never answers holds no other back", async (t) => {
  const said = new Map<string, ReturnType<typeof lookOf> | "silent">([
    ["lb-01", lookOf("lb-01")],
    ["web-01", lookOf("web-01")],
  ]);
  const watch = watchOf(said);
  const dashboard = await serve({
    ...{ watch, files: new Map([["", { type: "text/html", text: "page" }]]), port: 0 },
    readCharts: async () => ({ charts: [], reason: null }),
  });
  t.teardown(dashboard.close);
  const healths = [];
  for await (const { hosts } of eventsOf(dashboard)) {
    const seen = hosts.map(({ health }: { health: string }) => health).join();
    healths.push(seen);
    if (seen === "well,well,unknown") said.set("web-01", "silent");
    if (seen !== "well,silent,unknown") continue;
    t.is(hosts[1].look.units.length, 2, "what it said before stays");
    break;
  }
  t.true(healths.includes("well,well,unknown"), healths.join(" "));
  t.is(healths.at(-1), "well,silent,unknown");
});

test("the page is served with a policy that loads nothing from elsewhere, and its cookie is for it alone", async (t) => {
  const dashboard = await serve({
    ...{ watch: watchOf(new Map()), files: new Map([["", { type: "text/html", text: "page" }]]) },
    ...{ port: 0, readCharts: async () => ({ charts: [], reason: null }) },
  });
  t.teardown(dashboard.close);
  const { headers } = await fetch(dashboard.url);
  t.regex(headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self';/);
  t.is(headers.get("cache-control"), "no-store");
  const { pathname, port } = new URL(dashboard.url);
  t.regex(
    headers.getSetCookie().join(),
    new RegExp(`^trilithon-dashboard=\\w{48}; Path=${pathname}; HttpOnly; SameSite=Strict$`),
  );
  const status = await new Promise((resolve) => {
    const asked = { port, path: pathname, headers: { Host: "www.foobar.com" } };
    request(asked, (response) => resolve(response.resume().statusCode)).end();
  });
  t.is(status, 403);
  const taken = serve({
    ...{ watch: watchOf(new Map()), files: new Map(), port: Number(port) },
    readCharts: async () => ({ charts: [], reason: null }),
  });
  await t.throwsAsync(taken, {
    message: `--port: something listens at 127.0.0.1:${port} already: name another one, or none`,
  });
});

test("charts come from a monitor that answers, without those whose query fails", async (t) => {
  const asked: string[] = [];
  const body = JSON.stringify({ data: { result: [{ metric: {}, values: [] }] } });
  const reader = (name: string, said: string): HostReader => ({
    ...silentReader,
    askSlowly: async () => {
      asked.push(name);
      return said;
    },
  });
  const roles = ["monitoring"] as const;
  const hosts = endpoints.hosts.map((one) => (one.name === "lb-01" ? one : { ...one, roles }));
  const judged = judge({ ...endpoints, hosts }, known({ "web-01": { silence: "gone" } }), []);
  const good = `200 ${body.length}\n${body}`;
  const read = chartReader({
    endpoints: { ...endpoints, hosts },
    readers: new Map([
      ["web-01", reader("web-01", "")],
      ["web-02", reader("web-02", `422 1\nx${good}`)],
    ]),
    picture: () => judged,
  });
  const { charts, reason } = await read("hour");
  t.deepEqual(asked, ["web-02"]);
  t.is(charts.length, 1);
  t.regex(reason ?? "", /^web-02: \d+ of \d+ queries failed$/);
});

test("what Prometheus saw has a value for each step, or none", (t) => {
  const body = JSON.stringify({
    data: {
      result: [
        {
          metric: { host: "web-01" },
          values: [
            [115, "1.5"],
            [130, "NaN"],
            [145, "2"],
          ],
        },
      ],
    },
  });
  t.deepEqual(seriesOf(body, "{{host}}: {{ what }}", { start: 100, end: 145, step: 15 }), [
    { legend: "web-01: ", values: [null, 1.5, null, 2] },
  ]);
});
