/** Ghost on two web servers that have MySQL as well, by the settings and files of docs/applications/ghost.md. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { hostsThatTrust } from "./applications/hosts-that-trust";
import { readPage, recipe, writeFilesOf } from "./applications/recipe";
import { type Answer, ask, eventually, underVisits } from "./applications/visitors";
import { goBack } from "./go-back";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 118);
const publish = 8765;
/** No name server knows it. */
const domain = "blog.test";
/** As the proxy that speaks TLS passes it on: this machine is it. */
const site = { port: publish, domain, headers: { "x-forwarded-proto": "https" } };
const webHosts = ["web-01", "web-02"];

/** A picture of one pixel. */
const dot = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

let folder: string;
let blog: string;
let image: string;
let stack: TestStack;
/** What Ghost is told beside that of the page: nothing of a trial goes elsewhere. */
const alone = {
  url: `https://${domain}`,
  privacy: { useTinfoil: true },
  explore: { update_url: "" },
  security: { staffDeviceVerification: false },
  mail: { transport: "stub" },
};

/** A Ghost that was before that of the page, with its pnpm. */
const former = { ghost: "6.64.0", pnpm: "pnpm@12.4.0" };

interface Other {
  readonly pnpm?: string;
  readonly strategy?: object;
}

async function settings({ pnpm, ...application }: Other = {}): Promise<Settings> {
  const standard = threeHosts(number);
  const told = await recipe("ghost", {
    ...{ "./blog": blog, "203.0.113.0/24": `172.31.${number}.1/32` },
    ...(pnpm !== undefined && { [/pnpm@[\d.]+/.exec(await readPage("ghost"))?.[0] ?? ""]: pnpm }),
  });
  return {
    ...standard,
    "trilithon:domain": domain,
    ...told,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 13_200, image },
    },
    "trilithon:application": { ...Object(told["trilithon:application"]), ...application },
  };
}

async function tell(more: object = {}): Promise<void> {
  const file = join(blog, "config.production.json");
  const told = JSON.parse(await readFile(join(folder, "page.json"), "utf8"));
  await writeFile(file, JSON.stringify({ ...told, ...alone, ...more }));
}

/** A file of the theme that is active, which makes another version. */
const writeVersion = (name: string) =>
  writeFile(join(blog, "themes/source/assets/version.css"), `/* ${name} */\n`);

const versionServed = async () => (await ask(site, "/assets/version.css")).body;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-ghost-"));
  blog = join(folder, "blog");
  await mkdir(join(blog, "themes/source/assets"), { recursive: true });
  await writeFilesOf("ghost", blog);
  await writeFile(
    join(folder, "page.json"),
    await readFile(join(blog, "config.production.json"), "utf8"),
  );
  await tell();
  await writeVersion("one");
  image = await hostsThatTrust();
  stack = await TestStack.make("ghost", await settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

let cookie = "";

/** As the editor in a browser asks. */
function askAdmin(path: string, body: object | FormData): Promise<Answer> {
  return body instanceof FormData
    ? send(path, new Response(body))
    : send(
        path,
        new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } }),
      );
}

async function send(path: string, content: Response): Promise<Answer> {
  const headers = {
    origin: `https://${domain}`,
    "content-type": content.headers.get("content-type") ?? "",
    cookie,
  };
  const body = new Uint8Array(await content.arrayBuffer());
  return ask(site, `/ghost/api/admin/${path}`, { method: "POST", headers, body });
}

/** What Ghost itself answers on a host. */
async function readOn(host: string, path: string): Promise<string> {
  const options = '{ headers: { "x-forwarded-proto": "https" } }';
  const program = `fetch("http://127.0.0.1:3000${path}", ${options}).then((a) => a.text()).then(console.log)`;
  return stack.on(host, `node -e '${program}'`);
}

/** A setting, which one of the servers was told. */
const titles = () =>
  Promise.all(
    webHosts.map(async (host) => /<title>(.*?)</.exec(await readOn(host, "/"))?.[1] ?? "none"),
  );

test.serial("it is up at the first attempt", async (t) => {
  await stack.up();
  t.regex((await ask(site, "/")).body, /<title>Ghost/);
  const { body } = await ask(site, "/ghost/api/admin/authentication/setup/");
  t.deepEqual(JSON.parse(body), { setup: [{ status: false }] });
  t.is((await ask(site, "/ghost/")).status, 200);
  t.is(await versionServed(), "/* one */\n");
  for (const host of webHosts) {
    t.regex(await stack.on(host, "ss -Hltn sport = :3000"), /127\.0\.0\.1:3000/);
    const units = await stack.on(host, "systemctl is-active blog mysql");
    t.deepEqual(units.trim().split("\n"), ["active", "active"]);
  }
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial(
  "its owner signs in, and a post that was written is read on both servers",
  async (t) => {
    const owner = { name: "Ann", email: "ann@blog.test", password: "open sesame, 2 times" };
    const setup = { setup: [{ ...owner, blogTitle: "Furniture" }] };
    const made = await askAdmin("authentication/setup/", setup);
    t.is(made.status, 201, made.body);
    const { email: username, password } = owner;
    const session = await askAdmin("session/", { username, password });
    t.is(session.status, 201, session.body);
    cookie = (session.headers["set-cookie"] ?? []).map((one) => one.replace(/;.*/s, "")).join("; ");
    const post = { title: "A chair", html: "<p>Four legs.</p>", status: "published" };
    const written = await askAdmin("posts/?source=html", { posts: [post] });
    t.is(written.status, 201, written.body);
    t.regex((await ask(site, "/a-chair/")).body, /Four legs\./);
    for (const host of webHosts) t.regex(await readOn(host, "/a-chair/"), /Four legs\./);
    t.log("the title, as each has it:", await titles());
  },
);

let picture = "";

test.serial("an upload is served at once, and from both servers", async (t) => {
  const form = new FormData();
  form.append("file", new Blob([dot], { type: "image/gif" }), "dot.gif");
  const { status, body } = await askAdmin("images/upload/", form);
  t.is(status, 201, body);
  picture = new URL(JSON.parse(body).images[0].url).pathname;
  for (let times = 0; times < 4; times += 1) {
    const answer = await ask(site, picture);
    t.is(answer.status, 200);
    t.deepEqual(Buffer.from(answer.bytes), dot);
  }
  for (const host of webHosts) {
    const isThere = async () =>
      (await stack.try(host, `test -e /var/lib/blog/public${picture}`)).status === 0;
    await eventually(t, isThere, `on ${host}`);
  }
});

/** What visitors got meanwhile, and who has the editor open. */
async function whileVisited(
  t: ExecutionContext,
  work: () => Promise<void>,
  options?: { readonly isCutOff: boolean },
): Promise<void> {
  const { body } = await ask(site, "/ghost/");
  const [, script = ""] = /src="[^"]*?(assets\/[^"]+\.js)"/.exec(body) ?? [];
  t.not(script, "");
  const admin = ["/ghost/", `/ghost/${script}`, "/ghost/api/admin/site/"];
  const paths = ["/", "/a-chair/", picture, "/assets/version.css", ...admin];
  await underVisits(t, site, paths, work, options);
}

test.serial("another version comes and loses no page", async (t) => {
  await whileVisited(t, async () => {
    await writeVersion("two");
    t.notRegex(JSON.stringify((await readPreview(stack)).sentences), /make its dependencies/);
    await stack.up();
  });
  t.is(await versionServed(), "/* two */\n");
  t.deepEqual(await titles(), ["Furniture", "Furniture"]);
});

test.serial("one whose migration fails is switched to nowhere", async (t) => {
  await whileVisited(t, async () => {
    await tell({ url: domain });
    t.regex(
      await stack.mustFail(),
      /`knex-migrator migrate --init` of blog ended with status 1 for version [0-9a-f]{16}; nothing was switched to it, [\s\S]*URL in config must be provided with protocol/,
    );
  });
  t.is(await versionServed(), "/* two */\n");
});

test.serial("one that does not start is taken back, and nobody sees it", async (t) => {
  await whileVisited(t, async () => {
    await tell({ scheduling: { active: "none-such" } });
    await writeVersion("three");
    t.regex(
      await stack.mustFail(),
      /blog ended 5 times by itself; all is put back as it was\. What it said first:\n[\s\S]*Unable to find scheduling adapter none-such/,
    );
  });
  t.is(await versionServed(), "/* two */\n");
});

test.serial("a canary that crashes after a minute is taken back, and nobody sees it", async (t) => {
  await tell();
  const script = join(blog, "build.sh");
  const current = await readFile(script, "utf8");
  const crash = 'setTimeout(() => { console.error("out of cheese"); process.exit(9); }, 60_000);';
  await stack.configure(await settings({ strategy: { canary: { seconds: 90 } } }));
  const canary = async () => {
    await writeFile(script, `${current}echo '${crash}' >> "$output/index.js"\n`);
    t.regex(
      await stack.mustFail(),
      /failed as a canary: blog ended by itself within \d+ seconds; all is put back as it was\.[\s\S]*out of cheese/,
    );
  };
  await whileVisited(t, canary, { isCutOff: true });
  await writeFile(script, current);
  await stack.configure(await settings());
  t.is(await versionServed(), "/* two */\n");
});

const ghostServed = async () =>
  JSON.parse((await ask(site, "/ghost/api/admin/site/")).body).site.version;

test.serial("the way back loses no page either", async (t) => {
  await tell();
  await whileVisited(t, async () => {
    t.true(await goBack(stack, t.log));
  });
  t.is(await versionServed(), "/* one */\n");
});

test.serial(
  "a Ghost of before works with the newer database, and its update loses no page",
  async (t) => {
    const script = join(blog, "build.sh");
    const current = await readFile(script, "utf8");
    const [, version = ""] = /^version=(\d+\.\d+)/m.exec(current) ?? [];
    t.is(await ghostServed(), version);
    await whileVisited(t, async () => {
      await writeFile(script, current.replace(/^version=.*$/m, `version=${former.ghost}`));
      await stack.configure(await settings({ pnpm: former.pnpm }));
      await stack.up();
    });
    t.is(await ghostServed(), former.ghost.replace(/\.\d+$/, ""));
    await whileVisited(t, async () => {
      await writeFile(script, current);
      await stack.configure(await settings());
      await stack.up();
    });
    t.is(await ghostServed(), version);
    t.regex((await ask(site, "/a-chair/")).body, /Four legs\./);
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);
