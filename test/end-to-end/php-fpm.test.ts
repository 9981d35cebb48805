/** PHP behind a real Nginx and PHP-FPM, with the configurations as they are rendered, in one container without systemd. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { renderNginx } from "../../components/render/nginx";
import { askOverFastCgi, renderPhpFpm } from "../../components/render/php-fpm";
import { removeLabelled } from "../../scripts/setup/labelled";
import { capture, must } from "../../scripts/setup/run";

const stack = `${process.env.TRILITHON_TEST_PREFIX ?? ""}php-fpm`;
const container = `trilithon-${stack}`;
/** Another one with the packages installed saves the time that installing them takes. */
const image = process.env.TRILITHON_HOST_IMAGE ?? "trilithon-host:latest";
const root = "/srv/blog/releases/1/public";
const fastCgi = {
  socket: "/run/blog/php-fpm.sock",
  entryScripts: ["wp-login.php", "wp-admin/*.php"],
};

/** Answers what it was asked. */
const script = (name: string) => `<?php // planted
error_log("logged by ${name}");
if ($_SERVER["REQUEST_URI"] === "/broken") { http_response_code(500); exit("no database"); }
if ($_SERVER["REQUEST_URI"] === "/moved") { header("Location: https://elsewhere/"); exit; }
header("X-Script: ${name}");
echo json_encode(["variable" => getenv("COLOUR"), "body" => file_get_contents("php://input")] + $_SERVER);
`;

const files = {
  "index.php": script("index"),
  "wp-login.php": script("login"),
  "wp-admin/index.php": script("admin"),
  "wp-admin/.hidden.php": script("hidden"),
  "wp-admin/includes/file.php": script("included"),
  "uploads/evil.php": script("uploaded"),
  "uploads/evil.PHP": script("uploaded"),
  "uploads/evil.phtml": script("uploaded"),
  "config.yml": "password: planted\n",
  ".env": "SECRET=planted\n",
  ".git/config": "planted\n",
  "app.css": "body {}\n",
};

let port: number;

test.before(async () => {
  await removeLabelled(stack);
  await must(container, "docker", [
    ...["run", "--detach", "--name", container, "--label", `trilithon.stack=${stack}`],
    ...["--publish", "127.0.0.1::80", "--entrypoint", "sleep", image, "infinity"],
  ]);
  await inside(`printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install nginx php-fpm >/dev/null
rm -f /etc/nginx/sites-enabled/default; useradd --system blog
mkdir -p ${root} /run/blog && chown blog: /run/blog && ln -s releases/1 /srv/blog/current`);
  const folder = await mkdtemp(join(tmpdir(), "trilithon-php-"));
  try {
    for (const [path, content] of Object.entries({ ...configuration(), ...published() })) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await must(container, "docker", ["cp", `${folder}/.`, `${container}:/`]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await inside(`chmod -R a+rX /srv; nginx -q
COLOUR=blue setpriv --reuid blog --regid blog --clear-groups /usr/sbin/php-fpm[0-9]* --nodaemonize --fpm-config /etc/blog.conf >/tmp/fpm 2>&1 &
n=0; until [ -S ${fastCgi.socket} ]; do n=$((n + 1)); [ "$n" -lt 100 ] || { cat /tmp/fpm; exit 1; }; sleep 0.1; done`);
  const published80 = await must(container, "docker", ["port", container, "80/tcp"]);
  port = Number(published80.trim().split("\n")[0]?.split(":").at(-1));
});

test.after.always(() => removeLabelled(stack));

const inside = (command: string) =>
  must(container, "docker", ["exec", container, "sh", "-ec", command]);

function configuration(paths: readonly string[] = []) {
  const application = {
    paths,
    ...{ port: 3000, fastCgi, healthPath: "/up", drainFile: "/run/blog.drain", writtenPaths: [] },
    accessLog: "/var/log/nginx/trilithon.access.log",
    ...{
      publicFolder: "/srv/blog/current/public",
      otherPublicFolders: ["/srv/blog.assets/current"],
    },
  };
  return {
    "/etc/nginx/conf.d/trilithon.conf": renderNginx({
      ...{ domain: "blog.example.com", hostName: "web-01", port: 80, application },
      ...{ loadBalancers: [], uploadLimitMegabytes: 1, responseTimeoutSeconds: 60 },
      ...{ rawLines: [], sites: [] },
    }),
    "/etc/blog.conf": renderPhpFpm({
      ...{ name: "blog", socket: fastCgi.socket, children: 2, memoryMegabytes: 77 },
      ...{ uploadLimitMegabytes: 1, stopSeconds: 30, ini: { "date.timezone": "Asia/Tokyo" } },
    }),
  };
}

function published() {
  const all = Object.entries(files).flatMap(([path, content]) => [
    [`${root}/${path}`, content],
    // Static files of other versions lie beside.
    [`/srv/blog.assets/current/${path}`, content],
  ]);
  return Object.fromEntries(all) as Record<string, string>;
}

interface Answer {
  readonly status: number | undefined;
  readonly script: string | undefined;
  readonly body: string;
}

function ask(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      {
        ...{ host: "127.0.0.1", port, path, agent: false },
        ...{ method: body === undefined ? "GET" : "POST" },
        headers: { host: "blog.example.com", ...headers },
      },
      (response) => {
        const script = response.headers["x-script"];
        text(response).then(
          (said) =>
            resolve({ status: response.statusCode, script: script?.toString(), body: said }),
          reject,
        );
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

const ran: readonly (readonly [path: string, script: string])[] = [
  ["/", "index"],
  ["/posts/1?a=b", "index"],
  ["/index.php", "index"],
  ["/index.php/posts", "index"],
  ["/wp-login.php", "login"],
  ["/wp-admin/", "admin"],
  ["/wp-admin/index.php?page=1", "admin"],
  // There is none, or it is no entry.
  ["/wp-admin/none.php", "index"],
  ["/wp-admin/.hidden.php", "index"],
  ["/wp-admin/includes/file.php", "index"],
  ["/wp-login.php/x", "index"],
  ["/uploads/evil.php", "index"],
  ["/uploads/evil.PHP", "index"],
  ["/uploads/evil.phtml", "index"],
  ["/uploads/evil.php/x.css", "index"],
  ["/uploads/", "index"],
  // Neither run nor sent.
  ["/config.yml", "index"],
  ["/.env", "index"],
  ["/.git/config", "index"],
];

for (const [path, name] of ran) {
  test(`${path} is answered by ${name}.php`, async (t) => {
    const { status, script: answered, body } = await ask(path);
    t.deepEqual([status, answered], [200, name]);
    t.notRegex(body, /planted/);
    t.is(JSON.parse(body).REQUEST_URI, path);
  });
}

test("a file is sent by Nginx", async (t) => {
  t.deepEqual(await ask("/app.css"), { status: 200, script: undefined, body: "body {}\n" });
});

test("a script learns of the request, of the release's own folder and of its environment", async (t) => {
  const { body } = await ask("/form?x=1", { "X-Real-IP": "203.0.113.9", Proxy: "evil" }, "a=1");
  const { HTTP_X_REAL_IP, HTTP_PROXY, ...told } = JSON.parse(body);
  t.like(told, {
    ...{ REQUEST_METHOD: "POST", QUERY_STRING: "x=1", SCRIPT_NAME: "/index.php", body: "a=1" },
    ...{ DOCUMENT_ROOT: root, SCRIPT_FILENAME: `${root}/index.php`, variable: "blue" },
    ...{ HTTP_HOST: "blog.example.com", HTTP_X_FORWARDED_PROTO: "http", REQUEST_SCHEME: "http" },
  });
  t.deepEqual([HTTP_X_REAL_IP, HTTP_PROXY, told.HTTPS], [undefined, undefined, undefined]);
});

test("the load balancer's question is that for the application's health", async (t) => {
  t.is(JSON.parse((await ask("/.trilithon/health")).body).REQUEST_URI, "/up");
});

test("nobody but Nginx may write to the socket", async (t) => {
  const others = await inside(
    `setpriv --reuid nobody --clear-groups perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new(Peer => "${fastCgi.socket}") ? "open" : $!'`,
  );
  t.is(others, "Permission denied");
});

async function health(
  t: ExecutionContext,
  path: string,
  publicFolder = "/srv/blog/current/public",
  base = "",
) {
  const question = { socket: fastCgi.socket, publicFolder, base, script: "/index.php", path };
  const words = askOverFastCgi({ ...question, host: "blog.example.com", scheme: "https" });
  const { status, stdout, stderr } = await capture("docker", ["exec", container, ...words]);
  t.is(stdout, "");
  return [status === 0, stderr.trim()];
}

test("a release is ready when it answers so over FastCGI, and else says why", async (t) => {
  t.deepEqual(await health(t, "/up"), [true, ""]);
  t.deepEqual(await health(t, "/broken"), [
    false,
    `${root}/index.php for /broken: 500 Internal Server Error: no database`,
  ]);
  t.deepEqual(await health(t, "/moved"), [
    false,
    `${root}/index.php for /moved: 302 Found, a redirect to https://elsewhere/, is not healthy`,
  ]);
  t.deepEqual(await health(t, "/up", "/srv/nothing"), [
    false,
    "/srv/nothing/index.php for /up: 404 Not Found: Primary script unknown",
  ]);
});

const ranBelow: readonly (readonly [path: string, script: string, base: string])[] = [
  ["/blog", "index", "/blog"],
  ["/blog/", "index", "/blog"],
  ["/blog/posts/1?a=b", "index", "/blog"],
  ["/blog/wp-login.php", "login", "/blog"],
  ["/blog/wp-admin/", "admin", "/blog"],
  ["/b.2/wp-admin/index.php?page=1", "admin", "/b.2"],
  ["/blog/uploads/evil.php", "index", "/blog"],
  ["/blog/config.yml", "index", "/blog"],
];

async function configure(paths: readonly string[]): Promise<void> {
  const { "/etc/nginx/conf.d/trilithon.conf": text } = configuration(paths);
  await inside(
    `cat >/etc/nginx/conf.d/trilithon.conf <<'__END__'\n${text}__END__\nnginx -s reload; sleep 1`,
  );
}

test.serial("below paths it has the same scripts and files, and learns of the path", async (t) => {
  await configure(["/blog", "/b.2"]);
  const headers = { host: "blog.trilithon.internal", "X-Forwarded-Host": "www.example.com" };
  for (const [path, name, base] of ranBelow) {
    for (const body of [undefined, "x=1"]) {
      const answer = await ask(path, headers, body);
      t.deepEqual([answer.status, answer.script], [200, name], `${path} ${body}`);
      t.notRegex(answer.body, /planted/);
      const script = { index: "/index.php", login: "/wp-login.php", admin: "/wp-admin/index.php" }[
        name
      ];
      t.like(JSON.parse(answer.body), {
        ...{ REQUEST_URI: path, SCRIPT_NAME: `${base}${script}`, DOCUMENT_URI: script },
        ...{ SCRIPT_FILENAME: `${root}${script}`, HTTP_HOST: "blog.example.com" },
        SERVER_NAME: "blog.example.com",
      });
    }
  }
  t.is((await ask("/blog/app.css", headers)).body, "body {}\n");
  t.is((await ask("/b.2/app.css", headers)).body, "body {}\n");
  // No file of it lies elsewhere.
  t.is((await ask("/app.css", headers)).script, "index");
  t.is((await ask("/b_2/app.css", headers)).script, "index");
  t.is(JSON.parse((await ask("/.trilithon/health")).body).REQUEST_URI, "/up");
  t.deepEqual(await health(t, "/blog/up", "/srv/blog/current/public", "/blog"), [true, ""]);
  // The other tests come after it.
  await configure([]);
});
