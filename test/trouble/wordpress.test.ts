/** WordPress on two web servers that have MySQL as well, by the settings and files of docs/applications/wordpress.md. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { recipe } from "./applications/recipe";
import { ask, eventually, type Question, underVisits } from "./applications/visitors";
import { unpackWordPress } from "./applications/wordpress";
import { goBack } from "./go-back";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 112);
const publish = 8720;
/** No name server knows it, so that nothing of a trial goes elsewhere. */
const domain = "blog.test";
const site = { port: publish, domain };
const servers = [21, 22].map((host) => ({ address: `172.31.${number}.${host}`, port: 80, domain }));
const image = "/wp-content/uploads/dot.gif";
const script = "/wp-includes/js/jquery/jquery.min.js";

/** A picture of one pixel. */
const dot = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

let folder: string;
let stack: TestStack;

async function settings(application: object = {}): Promise<Settings> {
  const standard = threeHosts(number);
  const told = await recipe("wordpress", {
    "./blog": join(folder, "blog"),
    "https://blog.example.com": `http://${domain}`,
  });
  return {
    ...standard,
    ...told,
    "trilithon:domain": domain,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_600 },
    },
    "trilithon:application": { ...Object(told["trilithon:application"]), ...application },
  };
}

async function setSecrets(): Promise<void> {
  const environment = "trilithon:application.environment";
  await stack.setSecretAt(`${environment}.ADMIN_PASSWORD`, "open sesame, 2 times");
  await stack.setSecretAt(`${environment}.SECRET_KEY`, "0123456789abcdef");
}

async function configure(application: object = {}): Promise<void> {
  await stack.configure(await settings(application));
  await setSecrets();
}

test.before(async (t) => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-wordpress-"));
  const blog = join(folder, "blog");
  t.log(`WordPress ${await unpackWordPress(blog)}`);
  stack = await TestStack.make("wordpress", await settings());
  await setSecrets();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** A plugin that is always there: what makes another version. */
const writePlugin = (code: string) =>
  writeFile(join(folder, "blog/public/wp-content/mu-plugins/version.php"), `<?php\n${code}\n`);

const versionServed = async () => (await ask(site, "/a-chair/")).headers["x-version"];

let cookies = "wordpress_test_cookie=WP%20Cookie%20check";

/** As the administrator, once signed in. */
const askSignedIn = (path: string, { headers, ...question }: Question = {}) =>
  ask(site, path, { ...question, headers: { ...headers, cookie: cookies } });

async function signIn(t: ExecutionContext): Promise<void> {
  const form = { log: "admin", pwd: "open sesame, 2 times", testcookie: "1" };
  const answer = await askSignedIn("/wp-login.php", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: `${new URLSearchParams(form)}`,
  });
  t.is(answer.status, 302, answer.body);
  const given = answer.headers["set-cookie"] ?? [];
  cookies = [cookies, ...given.map((cookie) => cookie.replace(/;.*/s, ""))].join("; ");
}

/** Over WordPress's own interface, as its editor does it. */
async function create(kind: "posts" | "media", question: Question): Promise<number> {
  const nonce = (await askSignedIn("/wp-admin/admin-ajax.php?action=rest-nonce")).body;
  const headers = { ...question.headers, "x-wp-nonce": nonce };
  const path = `/wp-json/wp/v2/${kind}`;
  return (await askSignedIn(path, { method: "POST", ...question, headers })).status;
}

test.serial("it is up at the first attempt, with its administrator", async (t) => {
  await stack.up();
  t.regex((await ask(site, "/")).body, /<title>Blog/);
  t.regex(
    await stack.on("web-01", "journalctl -q -o cat -u blog-release"),
    /the database has version \d+/,
  );
  await signIn(t);
  t.regex((await askSignedIn("/wp-admin/")).body, /Dashboard/);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("a post that was written is read on both servers", async (t) => {
  const post = { title: "A chair", content: "Four legs.", status: "publish" };
  const headers = { "content-type": "application/json" };
  t.is(await create("posts", { headers, body: JSON.stringify(post) }), 201);
  for (const server of servers) {
    t.regex((await ask(server, "/a-chair/")).body, /Four legs\./);
  }
});

test.serial("an upload through one server is read on both", async (t) => {
  const headers = {
    "content-type": "image/gif",
    "content-disposition": 'attachment; filename="dot.gif"',
  };
  t.is(await create("media", { headers, body: dot }), 201);
  const where = "cd /var/lib/blog/public/wp-content && find uploads -name dot.gif";
  for (const [at, server] of servers.entries()) {
    const host = `web-0${at + 1}`;
    await eventually(t, async () => (await stack.on(host, where)).trim() !== "", `on ${host}`);
    const path = (await stack.on(host, where)).trim();
    const answer = await ask(server, `/wp-content/${path}`);
    t.is(answer.status, 200);
    t.deepEqual(Buffer.from(answer.bytes), dot);
  }
});

test.serial("no source is sent, and nothing that was uploaded is run", async (t) => {
  const shell = "/var/lib/blog/public/wp-content/uploads/shell.php";
  await stack.on("web-01", `echo '<?php echo "ran";' >${shell}; chown blog: ${shell}`);
  const inside = [
    "/wp-settings.php",
    "/wp-includes/version.php",
    "/wp-content/plugins/akismet/akismet.php",
  ];
  const beside = ["/wp-config.php", "/../wp-config.php", "/install.php"];
  for (const path of ["/wp-content/uploads/shell.php", ...inside, ...beside]) {
    const { status, body } = await ask(servers[0] ?? site, path);
    t.true([301, 400, 404].includes(status), `${path}: ${status}`);
    t.notRegex(body, /<\?php|^ran/, path);
  }
});

/** What visitors got meanwhile. */
async function whileVisited(
  t: ExecutionContext,
  work: () => Promise<void>,
  options?: { readonly isCutOff: boolean },
): Promise<void> {
  await underVisits(t, site, ["/", "/a-chair/", script, image, "/wp-login.php"], work, options);
}

const two = "header('X-Version: two');";

test.serial("another version comes and loses no page", async (t) => {
  const uploads = "/var/lib/blog/public/wp-content/uploads";
  await stack.on("web-01", `cp -p $(find ${uploads} -name dot.gif | head -n 1) ${uploads}/dot.gif`);
  await eventually(
    t,
    async () => (await ask(servers[1] ?? site, image)).status === 200,
    "the picture is not shared",
  );
  await whileVisited(t, async () => {
    await writePlugin(two);
    await stack.up();
  });
  t.is(await versionServed(), "two");
});

test.serial("one that does not start is taken back, and nobody sees it", async (t) => {
  await whileVisited(t, async () => {
    await writePlugin(`${two}\nif (PHP_SAPI === 'fpm-fcgi') broken();`);
    t.regex(await stack.mustFail(), /Call to undefined function broken\(\)/);
  });
  t.is(await versionServed(), "two");
});

test.serial("one that cannot be installed is switched to nowhere", async (t) => {
  await whileVisited(t, async () => {
    await writePlugin(`${two}\nif (PHP_SAPI === 'cli') unwilling();`);
    const said = await stack.mustFail();
    t.regex(said, /nothing was switched to it[\s\S]*Call to undefined function unwilling\(\)/);
  });
  t.is(await versionServed(), "two");
});

/** Of PHP-FPM itself, when it has run for a minute. */
const crash = `
$master = posix_getppid();
$began = explode(' ', file_get_contents("/proc/$master/stat"))[21] / 100;
if (PHP_SAPI === 'fpm-fcgi' && (float) file_get_contents('/proc/uptime') - $began > 60) {
    error_log('out of cheese');
    posix_kill($master, 9);
}`;

test.serial("a canary that crashes after a minute is taken back, and nobody sees it", async (t) => {
  await configure({ strategy: { canary: { seconds: 90 } } });
  const canary = async () => {
    await writePlugin(`${two}${crash}`);
    t.regex(
      await stack.mustFail(),
      /failed as a canary: blog ended by itself within \d+ seconds; all is put back as it was\.[\s\S]*out of cheese/,
    );
  };
  await whileVisited(t, canary, { isCutOff: true });
  await configure();
  t.is(await versionServed(), "two");
});

test.serial("the way back loses no page either, and leaves nothing to do", async (t) => {
  await whileVisited(t, async () => {
    t.true(await goBack(stack, t.log));
  });
  t.is(await versionServed(), undefined);
  await whileVisited(t, async () => {
    await writePlugin(two);
    await stack.up();
  });
  t.is(await versionServed(), "two");
  t.deepEqual((await readPreview(stack)).sentences, {});
});
