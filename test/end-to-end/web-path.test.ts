/** What becomes of requests and answers between a browser and an application, through real daemons. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import test from "ava";
import { haproxyOverrides, shareOf } from "../../components/render/haproxy-running";
import { sh } from "../../provider/ssh/shell";
import {
  type Answer,
  echoes,
  furtherHost,
  partHost,
  type Request,
  WebPath,
} from "./support/web-path";

const style = "body { color: black }\n".repeat(100);

const running = WebPath.start({
  rawLines: ["add_header X-From-Raw-Lines yes always;"],
  files: {
    "public/index.html": "the start page\n",
    "public/docs/index.html": "the documentation\n",
    "public/100% new/index.html": "what is new\n",
    "public/app.css": style,
    "public/static/app-ABCDEF12.css": style,
    "public/photo-20250102.jpg": "a photo\n",
    "public/.git/config": "hidden\n",
    "public/.well-known/security.txt": "Contact: us\n",
    "public/index.php": "<?php $password = 'planted';\n",
    "public/notes.PY": "password = 'planted'\n",
    "public/page.html~": "planted\n",
    "shop/public/app.css": "of the shop\n",
    "cart/public/app.css": "of the cart\n",
    "cart/public/assets/app.js": "of the cart as well\n",
    "cart/public/docs/index.html": "about the cart\n",
    "cart/public/uploads/photo.jpg": "an upload of the cart\n",
    "cart/public/index.php": "<?php $password = 'planted';\n",
    "public/uploads/photo-ABCDEF12.jpg": "an upload\n",
    "public/uploads/shell.php": "<?php $password = 'planted';\n",
    "public/uploads/.htaccess": "planted\n",
    "former/public/uploads/deleted.jpg": "of the version itself\n",
    "public/.env": "SECRET=planted\n",
    "public/config.yml": "password: planted\n",
    "public/composer.lock": "planted\n",
    "public/dump.SQL.gz": "planted\n",
    "former/public/static/app-0LDERONE.css": "the former version's\n",
  },
});

test.after.always(async () => (await running.catch(() => undefined))?.remove());

interface Case {
  readonly title: string;
  readonly path: string;
  readonly request?: Request;
  readonly status: number;
  /** Headers with these values; "" for one that must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp>>;
  readonly body?: string | RegExp;
}

const served = { "x-application": "", "x-from-raw-lines": "yes" };
const short = { "cache-control": "public, max-age=300" };
const asked = { "x-application": /^web-0[12]$/, "cache-control": "" };

const cases: readonly Case[] = [
  { title: "a file", path: "/app.css", status: 200, headers: { ...served, ...short }, body: style },
  {
    title: "a file with its hash in its name",
    path: "/static/app-ABCDEF12.css",
    status: 200,
    headers: { ...served, "cache-control": "public, max-age=31536000, immutable" },
  },
  { title: "a date is no hash", path: "/photo-20250102.jpg", status: 200, headers: short },
  {
    title: "a file that only the former version has",
    path: "/static/app-0LDERONE.css",
    status: 200,
    headers: { ...served, "cache-control": /immutable/ },
    body: "the former version's\n",
  },
  {
    title: "index.html of the start",
    path: "/",
    status: 200,
    headers: served,
    body: "the start page\n",
  },
  { title: "index.html of a folder", path: "/docs/", status: 200, body: "the documentation\n" },
  {
    title: "a folder without its slash",
    path: "/docs?a=1",
    status: 301,
    headers: { location: "/docs/?a=1" },
  },
  {
    title: "a folder without its slash, whose name has to be encoded",
    path: "/100%25%20new?a=1",
    status: 301,
    headers: { location: "/100%25%20new/?a=1" },
  },
  {
    title: "a folder without its slash, asked for as if it were of another site",
    path: "//other.example/../docs",
    status: 301,
    headers: { location: "/docs/" },
  },
  { title: "a folder without an index", path: "/static/", status: 404, headers: asked },
  {
    title: "HEAD of a file",
    path: "/app.css",
    request: { method: "HEAD" },
    status: 200,
    headers: { "content-length": String(style.length) },
    body: "",
  },
  {
    title: "HEAD of a page",
    path: "/echo",
    request: { method: "HEAD" },
    status: 200,
    headers: asked,
    body: "",
  },
  {
    title: "OPTIONS of a file",
    path: "/app.css",
    request: { method: "OPTIONS" },
    status: 404,
    headers: asked,
  },
  {
    title: "POST to a file",
    path: "/app.css",
    request: { method: "POST", body: "x" },
    status: 404,
    headers: asked,
  },
  {
    title: "a range",
    path: "/app.css",
    request: { headers: { range: "bytes=0-3" } },
    status: 206,
    headers: { "content-range": `bytes 0-3/${style.length}` },
    body: "body",
  },
  {
    title: "a compressed file",
    path: "/app.css",
    request: { headers: { "accept-encoding": "gzip" } },
    status: 200,
    headers: { "content-encoding": "gzip", vary: "Accept-Encoding" },
  },
  {
    title: "a compressed page",
    path: "/page",
    request: { headers: { "accept-encoding": "gzip" } },
    status: 200,
    headers: { ...asked, "content-encoding": "gzip" },
  },
  { title: "a file behind a dot", path: "/.git/config", status: 404, headers: asked },
  {
    title: "a file of .well-known",
    path: "/.well-known/security.txt",
    status: 200,
    headers: served,
  },
  {
    title: "a source",
    path: "/index.php",
    status: 404,
    headers: asked,
    body: "no route /index.php\n",
  },
  {
    title: "a file that the application wrote is never kept for long",
    path: "/uploads/photo-ABCDEF12.jpg",
    status: 200,
    headers: { ...served, ...short },
    body: "an upload\n",
  },
  { title: "one that it deleted", path: "/uploads/deleted.jpg", status: 404, headers: asked },
  { title: "a source that it wrote", path: "/uploads/shell.php", status: 404, headers: asked },
  { title: "one behind a dot", path: "/uploads/.htaccess", status: 404, headers: asked },
  { title: "what it wrote as a list", path: "/uploads/", status: 404, headers: asked },
  { title: "a source in upper case", path: "/notes.PY", status: 404, headers: asked },
  { title: "a file of variables", path: "/.env", status: 404, headers: asked },
  { title: "a configuration", path: "/config.yml", status: 404, headers: asked },
  { title: "a lock file", path: "/composer.lock", status: 404, headers: asked },
  { title: "a compressed dump", path: "/dump.SQL.gz", status: 404, headers: asked },
  { title: "an editor's copy", path: "/page.html~", status: 404, headers: asked },
  {
    title: "an answer's header of 6 KB",
    path: "/headers?bytes=6000",
    status: 200,
    headers: { "set-cookie": /^big=x{6000}$/ },
  },
  {
    title: "an answer's header of 16 KB",
    path: "/headers?bytes=16384",
    status: 200,
    headers: { "set-cookie": /^big=x{16384}$/ },
  },
  {
    title: "a header of 12 KB",
    path: "/echo",
    request: { headers: { "x-big": "x".repeat(12_000) } },
    status: 200,
    body: /x{12000}/,
  },
  {
    title: "a header of 31 KB for a file",
    path: "/app.css",
    request: { headers: { "x-big": "x".repeat(31_000) } },
    status: 200,
  },
  {
    title: "more than may be uploaded",
    path: "/echo",
    request: { method: "POST", body: "x".repeat(10 * 1024 * 1024 + 1) },
    status: 413,
  },
  {
    title: "headers for all answers",
    path: "/nowhere",
    status: 404,
    headers: { ...asked, "x-from-raw-lines": "yes", "x-served-by": /^web-0[12]$/ },
  },
  {
    title: "a failure that the application gave",
    path: "/status?is=500",
    status: 500,
    headers: asked,
    body: "on purpose\n",
  },
  {
    title: "Nginx's counters",
    path: "/.trilithon/status",
    request: { headers: { "x-forwarded-for": "127.0.0.1" } },
    status: 403,
  },
];

for (const { title, path, request, status, headers = {}, body } of cases) {
  test.serial(title, async (t) => {
    const answer = await (await running).send(path, request);
    t.is(answer.status, status);
    for (const [name, value] of Object.entries(headers)) {
      const found = answer.headers[name]?.toString() ?? "";
      if (typeof value === "string") t.is(found, value, name);
      else t.regex(found, value, name);
    }
    if (typeof body === "string") t.is(answer.body, body);
    else if (body) t.regex(answer.body, body);
  });
}

test.serial("a server gets the share of the requests that it is to have", async (t) => {
  const path = await running;
  const count = async (method: string) => {
    let own = 0;
    for (let n = 0; n < 100; n++) {
      const { headers } = await path.send("/echo", { method });
      if (headers["x-application"] === "web-01") own += 1;
    }
    return own;
  };
  /** On a busy machine a server may miss a health check, and the other one gets all for a moment. */
  const isAbout = async (method: string, expected: number, what: string) => {
    const counts: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const own = await count(method);
      if (Math.abs(own - expected) <= 2) return t.pass();
      counts.push(own);
    }
    return t.fail(`${what}: ${counts.join(", ")}, not ${expected}`);
  };
  for (const percent of [10, 25, 80]) {
    const { begin, end } = shareOf({ server: "web-01", backend: "web_servers", percent });
    t.regex(
      await path.inside(sh`${begin}`.text),
      new RegExp(`^web-01 gets about ${percent} % of the requests `),
    );
    for (const method of ["GET", "POST"]) await isAbout(method, percent, method);
    t.regex(
      await path.inside(sh`${haproxyOverrides.find}`.text),
      /^web_servers\/web-0. has the weight /,
    );
    t.is(await path.inside(sh`${end}`.text), "");
    for (const method of ["GET", "POST"]) await isAbout(method, 50, method);
    t.is(await path.inside(sh`${haproxyOverrides.find}`.text), "");
  }
  // What an `up` left that was killed.
  const { begin } = shareOf({ server: "web-01", backend: "web_servers", percent: 1 });
  await path.inside(sh`${begin}`.text);
  await isAbout("GET", 1, "left");
  await path.inside(sh`${haproxyOverrides.reset}`.text);
  await isAbout("GET", 50, "put back");
});

interface Echo {
  readonly url: string;
  readonly method: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly rawHeaders: readonly string[];
}

function echoOf({ body }: Answer): Echo & { readonly all: Readonly<Record<string, string[]>> } {
  const echo: Echo = JSON.parse(body);
  const all: Record<string, string[]> = {};
  for (let index = 0; index < echo.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = echo.rawHeaders.slice(index);
    all[name.toLowerCase()] = [...(all[name.toLowerCase()] ?? []), value];
  }
  return { ...echo, all };
}

test.serial("an upload arrives whole, with Expect: 100-continue too", async (t) => {
  const path = await running;
  const body = Buffer.alloc(3 * 1024 * 1024, "upload");
  const sha256 = createHash("sha256").update(body).digest("hex");
  for (const headers of [{}, { expect: "100-continue" }]) {
    const echo = echoOf(await path.send("/echo", { method: "POST", headers, body }));
    t.like(echo, { method: "POST", bytes: body.length, sha256 });
  }
});

test.serial("a file is sent again only when it is another one", async (t) => {
  const path = await running;
  const { headers } = await path.send("/app.css");
  for (const [name, value] of [
    ["if-none-match", headers.etag],
    ["if-modified-since", headers["last-modified"]],
  ] as const) {
    t.is((await path.send("/app.css", { headers: { [name]: value ?? "" } })).status, 304, name);
  }
  t.is((await path.send("/app.css", { headers: { "if-none-match": '"other"' } })).status, 200);
});

test.serial("a file that was compressed before is sent as it is", async (t) => {
  const path = await running;
  const content = gzipSync("compressed before").toString("base64");
  await path.inside(
    `echo plain >/srv/public/big.js && echo '${content}' | base64 -d >/srv/public/big.js.gz`,
  );
  const { headers } = await path.send("/big.js", { headers: { "accept-encoding": "gzip" } });
  t.is(headers["content-encoding"], "gzip");
  t.is(headers["content-length"], String(Buffer.from(content, "base64").length));
  t.is((await path.send("/big.js")).body, "plain\n");
});

test.serial("what is its owner's alone, or somebody else's by a link, is not sent", async (t) => {
  const path = await running;
  await path.inside(`cd /srv/public/uploads
echo planted >private.txt && chmod 0600 private.txt
ln -s photo-ABCDEF12.jpg own.jpg
ln -s /etc/passwd passwd.txt && chown -h www-data passwd.txt`);
  for (const name of ["private.txt", "passwd.txt"]) {
    const { status, body } = await path.send(`/uploads/${name}`);
    t.deepEqual([status, body], [404, `no route /uploads/${name}\n`]);
  }
  t.is((await path.send("/uploads/own.jpg")).body, "an upload\n");
});

test.serial("what a client says of itself reaches no application", async (t) => {
  const path = await running;
  const claimed = Object.fromEntries(
    [
      ...["Forwarded", "X-Real-IP", "X-Client-IP", "X-Original-URL", "X-Rewrite-URL", "Proxy"],
      ...["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"],
      ...["X-Forwarded-Prefix", "X-Forwarded-Ssl", "X-Forwarded-Whatever", "X_Forwarded_For"],
      ...["True-Client-IP", "CF-Connecting-IP", "Front-End-Https"],
    ].map((name) => [name, ["planted", "planted too"]]),
  );
  const headers = { ...claimed, "X-Request-ID": ["planted", "planted too"], "X-Kept": "kept" };
  const { all } = echoOf(await path.send("/echo", { headers }));
  t.false(JSON.stringify(all).includes("planted"), JSON.stringify(all));
  t.deepEqual(all["x-kept"], ["kept"]);
  t.deepEqual(all["x-forwarded-proto"], ["http"]);
  t.deepEqual(all["x-forwarded-host"], ["www.foobar.com"]);
  t.deepEqual(all["x-forwarded-port"], ["80"]);
  t.is(all["x-forwarded-for"]?.length, 1);
  t.is(all["x-request-id"]?.length, 1);
});

test.serial("events and streams arrive as they are made", async (t) => {
  const path = await running;
  t.is(await path.inTurns("/events"), "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n");
  t.is(await path.inTurns("/stream"), "0\n1\n2\n3\n");
});

test.serial("a WebSocket is carried, and no other protocol", async (t) => {
  const path = await running;
  const socket = await path.webSocket();
  t.true(await echoes(socket));
  socket.destroy();
  const headers = {
    connection: "Upgrade, HTTP2-Settings",
    upgrade: "h2c",
    "http2-settings": "AAM",
  };
  const { all } = echoOf(await path.send("/echo", { headers }));
  t.is(all.upgrade, undefined);
});

const once: readonly [title: string, path: string, status: number | undefined][] = [
  ["a crash in mid-request", "/crash?a", 502],
  ["a 502 by an application's own hand", "/status?is=502", 502],
  ["a 503 by an application's own hand", "/status?is=503", 503],
  ["a 504 by an application's own hand", "/status?is=504", 504],
  ["an answer that had begun", "/begin", undefined],
];

for (const [title, path, status] of once) {
  for (const method of ["GET", "POST"]) {
    test.serial(`${title} is asked for once: ${method}`, async (t) => {
      const web = await running;
      // On a connection that was used before as well.
      await web.send("/page");
      await web.asked();
      const answer = await web.send(path, { method }).catch(() => undefined);
      t.is(answer?.status, status);
      const asked = await web.asked();
      t.is(asked.filter((line) => line.includes(path)).length, 1, asked.join("\n"));
      await web.isUp();
    });
  }
}

test.serial("what no application was asked is asked of another: none of them fails", async (t) => {
  const web = await running;
  await web.asked();
  await web.inside("touch /run/web-01.off");
  await web.send("/crash", {}, web.directPort);
  await web.asked();
  // The health check has not found it yet.
  const answers = await Promise.all(
    ["GET", "POST", "GET", "POST", "GET", "POST"].map((method) =>
      web.send("/echo", { method, body: method === "POST" ? "x" : "" }),
    ),
  );
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  t.is((await web.asked()).length, 6);
  await web.inside("rm /run/web-01.off");
  await web.isUp();
});

test.serial("a file that one server does not have yet is asked of another one, once", async (t) => {
  const web = await running;
  // The load balancer may not have noticed that it was away.
  while ((await web.send("/page", {}, web.directPort)).status !== 200);
  for (let turn = 0; turn < 6; turn += 1) {
    const { status, body } = await web.send("/uploads/of-web-02");
    t.deepEqual([status, body], [200, "of web-02\n"]);
  }
  const askedFor = async (path: string, request: Request) => {
    await web.asked();
    t.is((await web.send(path, request)).status, 404);
    return (await web.asked()).map((line) => line.slice(0, 6)).sort();
  };
  t.deepEqual(await askedFor("/uploads/none", {}), ["web-01", "web-02"]);
  t.is((await askedFor("/uploads/none", { method: "POST" })).length, 1);
  t.is((await askedFor("/none", {})).length, 1);
});

test.serial("what never changes is what the settings name, in any bundler's naming", async (t) => {
  const web = await running;
  const kept = async (path: string) => {
    const { status, headers } = await web.send(path);
    return `${status} ${headers["cache-control"] ?? ""}`;
  };
  const [short, long] = ["200 public, max-age=300", "200 public, max-age=31536000, immutable"];
  await web.reconfigureSites({
    immutablePaths: ["/assets/*", "/static/*.????????????.*"],
    files: {
      "public/assets/index-BxY3z9_a.js": "vite\n",
      "public/static/base.27e20196a850.css": "django\n",
      "public/static/base.css": "django\n",
    },
  });
  t.is(await kept("/assets/index-BxY3z9_a.js"), long);
  t.is(await kept("/static/base.27e20196a850.css"), long);
  t.is(await kept("/static/base.css"), short);
  t.is(await kept("/static/app-ABCDEF12.css"), short);
  t.is(await kept("/assets/none.js"), "404 ", "what the application answers is its own");
  await web.reconfigureSites({});
  t.is(await kept("/static/app-ABCDEF12.css"), long);
});

test.serial("a page for people when nobody can serve", async (t) => {
  const web = await running;
  await web.inside("touch /run/web-01.drain /run/web-02.drain; sleep 2.5");
  const answer = await web.send("/page");
  t.is(answer.status, 503);
  t.regex(answer.body, /Back in a moment/);
  await web.inside("rm /run/web-01.drain /run/web-02.drain");
  await web.isUp();
});

const toFurther = (path: string, request: Request = {}) => {
  const headers = { host: furtherHost.domain, ...request.headers };
  return running.then((web) => web.send(path, { ...request, headers }));
};

test.serial(
  "a further application is asked for by its names, and has files of its own",
  async (t) => {
    const web = await running;
    for (const host of ["shop.foobar.com", "www.Shop.foobar.com:8080"]) {
      for (const method of ["GET", "POST"]) {
        const { status, headers } = await toFurther("/echo", { method, headers: { host } });
        t.deepEqual([status, headers["x-application"]], [200, "shop"], `${method} ${host}`);
      }
    }
    for (const host of ["www.foobar.com", "nobody.foobar.com", "shop.foobar.com.foobar.com"]) {
      const { headers } = await web.send("/page", { headers: { host } });
      t.regex(String(headers["x-application"]), /^web-0[12]$/, host);
    }
    t.is((await toFurther("/app.css")).body, "of the shop\n");
    t.is((await web.send("/app.css")).body, style);
  },
);

test.serial(
  "an application that has a path of the site is asked for what is below it",
  async (t) => {
    const web = await running;
    const { base } = partHost;
    for (const method of ["GET", "POST"]) {
      const headers = { host: "www.foobar.com:8080" };
      const answer = await web.send(`${base}/echo?a=1`, { method, headers });
      t.deepEqual([answer.status, answer.headers["x-application"]], [200, "cart"], method);
      const { url, all } = echoOf(answer);
      t.is(url, `${base}/echo?a=1`);
      t.deepEqual([all.host, all["x-forwarded-host"]], [[headers.host], [headers.host]]);
    }
    const body = async (path: string) => (await web.send(`${base}${path}`)).body;
    t.is(await body("/app.css"), "of the cart\n");
    t.is(await body("/uploads/photo.jpg"), "an upload of the cart\n");
    t.is(await body("/docs/"), "about the cart\n");
    t.is((await web.send(`${base}/docs`)).headers.location, `${base}/docs/`);
    t.is(await body("/index.php"), `no route ${base}/index.php\n`);
    t.is(await body(""), `no route ${base}\n`);
    const kept = async (path: string) =>
      (await web.send(`${base}${path}`)).headers["cache-control"];
    t.regex(String(await kept("/assets/app.js")), /immutable/);
    t.is(await kept("/app.css"), "public, max-age=300");
    for (const path of ["/basketball", "/app.css", "/x/basket/app.css", "/BASKET/app.css"]) {
      const { headers, body } = await web.send(path);
      t.not(headers["x-application"], "cart", path);
      t.notRegex(body, /cart/, path);
    }
    const inside = await web.send("/page", { headers: { host: "Cart.trilithon.internal:80" } });
    t.deepEqual([inside.status, inside.headers["x-served-by"]], [404, undefined]);
    // On a domain of another application the path is that one's.
    t.is((await toFurther(`${base}/echo`)).headers["x-application"], "shop");
  },
);

test.serial("a path's application that is away takes nothing else with it", async (t) => {
  const web = await running;
  await web.inside("touch /run/cart.drain; sleep 2.5");
  t.is((await web.send(`${partHost.base}/page`)).status, 503);
  t.is((await web.send("/page")).status, 200);
  await web.inside("rm /run/cart.drain");
  await web.isUp();
  t.is((await web.send(`${partHost.base}/page`)).status, 200);
});

test.serial("what becomes of a further application is not the first one's matter", async (t) => {
  const web = await running;
  const both = () =>
    Promise.all([toFurther("/page"), ...[1, 2, 3, 4].map(() => web.send("/page"))]);
  for (const [breaks, mends] of [
    ["touch /run/shop.off; sleep 0.1", "rm /run/shop.off"],
    ["touch /run/shop.drain; sleep 2.5", "rm /run/shop.drain"],
  ] as const) {
    await web.inside(breaks);
    if (breaks.includes(".off")) await toFurther("/crash");
    const [further, ...first] = await both();
    t.is(further?.status, 503, breaks);
    t.regex(further?.body ?? "", /shop\.foobar\.com cannot answer/);
    t.deepEqual(
      first.map(({ status }) => status),
      [200, 200, 200, 200],
      breaks,
    );
    await web.inside(mends);
    await web.isUp();
  }
});

test.serial(
  "a WebSocket outlives a reload, and a trusted proxy is believed from then on",
  async (t) => {
    const web = await running;
    const socket = await web.webSocket();
    await web.reconfigure({ trustedProxies: ["0.0.0.0/0"] });
    t.true(await echoes(socket));
    socket.destroy();
    const headers = {
      "X-Forwarded-For": "203.0.113.9",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "shop.example.com",
      "X-Forwarded-Port": "443",
      "X-Real-IP": "planted",
    };
    const { all } = echoOf(await web.send("/echo", { headers }));
    t.deepEqual(all["x-forwarded-proto"], ["https"]);
    t.deepEqual(all["x-forwarded-for"], ["203.0.113.9"]);
    t.deepEqual(all["x-forwarded-host"], ["shop.example.com"]);
    t.deepEqual(all["x-forwarded-port"], ["443"]);
    t.is(all["x-real-ip"], undefined);
    await web.reconfigure({});
  },
);
