/** Folders that outlive versions, variables, what a unit may do besides, and the files of former versions. On real hosts. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 102);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}folders`;
const publish = 8620;
const hosts = ["web-01", "web-02"];
const image = process.env.TRILITHON_HOST_IMAGE;
let stack: TestStack;
let source: string;

/** What it was given, what it may do, and uploads as an application takes them: into its own folder, with its own umask. */
const server = `
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { appendFile, writeFile } from "node:fs/promises";
createServer(async ({ method, url }, response) => {
  const { pathname, searchParams } = new URL(url, "http://x");
  const end = (status, text) => { response.writeHead(status); response.end(text); };
  try {
    if (pathname === "/alive") return end(200, "");
    if (method === "POST" && pathname === "/upload") {
      await writeFile("public/uploads/" + searchParams.get("name"), "uploaded\\n");
      await appendFile("storage/log", "an upload\\n");
      return end(201, "");
    }
    if (pathname === "/variable") return end(200, String(process.env[searchParams.get("name")]));
    if (pathname === "/namespace") {
      return execFile("unshare", ["--user", "--map-root-user", "id", "-u"], (error, out, said) =>
        end(200, error ? "refused: " + said : "uid " + out));
    }
    end(404, "no route\\n");
  } catch (error) { end(500, String(error)); }
}).listen(process.env.PORT, process.env.HOST);
`;

let more: Record<string, unknown> = {
  persistent: ["storage", "public/uploads"],
  assets: { keepVersions: 2, immutable: ["/assets/*"] },
};

function settings() {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:hosts": [
      { name: "lb-01", address: `172.31.${number}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `172.31.${number}.21`, roles: ["web", "database"] },
      { name: "web-02", address: `172.31.${number}.22`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_500 },
      ...(image && { image }),
    },
    "trilithon:database": { name: "shop" },
    "trilithon:application": {
      ...{ name: "shop", source, start: ["node", "server.mjs"], healthPath: "/alive" },
      packages: { nodejs: "present" },
      environment: {
        ...{ DB_HOST: { database: "host" }, database__connection__user: { database: "user" } },
        RAILS_URL: { database: "mysql2://{user}:{password}@{host}:{port}/{name}" },
      },
      ...more,
    },
  };
}

async function configure(change: Record<string, unknown>): Promise<void> {
  more = { ...more, ...change };
  await stack.configure(settings());
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(source, path)), { recursive: true });
  await writeFile(join(source, path), content);
}

/** Another content, with another name for its one asset. */
async function writeVersion(name: string): Promise<void> {
  await rm(join(source, "public/assets"), { recursive: true, force: true });
  await write("server.mjs", `// ${name}\n${server}`);
  await write(`public/assets/app-${name}.js`, `${name}\n`);
}

/** Prints the status, how long it may be kept, and the text. */
const asking = `
const [path, method] = process.argv.slice(1);
const headers = { host: "www.foobar.com" };
require("http").request({ port: 80, path, method, headers }, (response) => {
  let text = "";
  response.on("data", (data) => (text += data));
  response.on("end", () => {
    const cache = response.headers["cache-control"] ?? "";
    console.log(response.statusCode + " " + cache + "|" + text.trim());
  });
}).end();`;

/** Of one host, past the load balancer. */
async function ask(host: string, path: string, method = "GET"): Promise<string> {
  return (await stack.on(host, `node -e '${asking}' '${path}' ${method}`)).trim();
}

const short = "public, max-age=300";
const long = "public, max-age=31536000, immutable";

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-folders-"));
  await writeVersion("one");
  await write("storage/views/.keep", "");
  stack = await TestStack.make(stackName, settings());
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("what the application writes is served, and no source of it", async (t) => {
  for (const host of hosts) {
    for (const name of ["photo.jpg", "shell.php"]) {
      t.is(await ask(host, `/upload?name=${name}`, "POST"), "201 |", `${host} ${name}`);
    }
    t.is(await ask(host, "/uploads/photo.jpg"), `200 ${short}|uploaded`);
    t.is(await ask(host, "/uploads/shell.php"), "404 |no route");
    t.is(
      await stack.on(host, "cd /var/lib/shop && stat -c '%n %U %a' storage/views public/uploads/*"),
      "storage/views shop 755\npublic/uploads/photo.jpg shop 644\npublic/uploads/shell.php shop 644\n",
    );
  }
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("it outlives releases, a failed one and a way back", async (t) => {
  await writeVersion("two");
  await stack.up();
  await write("server.mjs", "process.exit(1);\n");
  t.regex(await stack.mustFail(), /put back as it was/);
  await writeVersion("one");
  await stack.up();
  for (const host of hosts) {
    t.is(await ask(host, "/uploads/photo.jpg"), `200 ${short}|uploaded`);
    t.is(await stack.on(host, "cat /srv/shop/current/storage/log"), "an upload\nan upload\n");
  }
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("the files of so many former versions are served, and are kept for long", async (t) => {
  await writeVersion("three");
  await stack.up();
  await writeVersion("four");
  await stack.up();
  for (const host of hosts) {
    for (const [name, answer] of [
      ["four", `200 ${long}|four`],
      ["three", `200 ${long}|three`],
      ["one", `200 ${long}|one`],
      ["two", "404 |no route"],
    ]) {
      t.is(await ask(host, `/assets/app-${name}.js`), answer ?? "", `${host} ${name}`);
    }
  }
});

test.serial("what somebody did to a folder is drift, and is mended", async (t) => {
  await stack.on("web-01", "rm /srv/shop/current/storage && mkdir /srv/shop/current/storage");
  await stack.on("web-02", "chown -R root:root /var/lib/shop/public/uploads");
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /send version \w+, keep storage of all versions in \/var\/lib\/shop\/storage, switch .*edited in place.*\[drift\]$/,
  );
  t.regex(
    sentences["application-web-02"] ?? "",
    /^web-02: give \/var\/lib\/shop\/public\/uploads to shop \(now root\) \[drift\]$/,
  );
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  t.is(await ask("web-02", "/upload?name=again.jpg", "POST"), "201 |");
  t.is(await stack.on("web-01", "cat /srv/shop/current/storage/log"), "an upload\nan upload\n");
});

/** Of a file in the application's uploads. */
const upload = (host: string, name: string) =>
  stack.on(host, `cat /var/lib/shop/public/uploads/${name} 2>/dev/null || true`);

async function arrives(host: string, name: string, content: string): Promise<boolean> {
  for (let turn = 0; turn < 100; turn += 1) {
    if ((await upload(host, name)) === content) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

test.serial("shared folders have the same content on both servers", async (t) => {
  await stack.on("web-02", "echo 'of web-02' >/var/lib/shop/public/uploads/older.txt");
  await configure({ shared: { folders: ["public/uploads"] } });
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  t.true(await arrives("web-01", "older.txt", "of web-02\n"));
  t.is(await ask("web-01", "/upload?name=first.jpg", "POST"), "201 |");
  t.true(await arrives("web-02", "first.jpg", "uploaded\n"));
  t.is(await ask("web-02", "/uploads/first.jpg"), `200 ${short}|uploaded`);
  t.is(
    await stack.on("web-02", "stat -c '%U %a' /var/lib/shop/public/uploads/first.jpg"),
    "shop 644\n",
  );
  await stack.on("web-02", "rm /var/lib/shop/public/uploads/first.jpg");
  t.true(await arrives("web-01", "first.jpg", ""));
  t.is(await ask("web-01", "/uploads/.stfolder/"), "404 |no route");
});

test.serial("a server that was down gets what it lacks", async (t) => {
  await stack.on("web-02", "systemctl stop shop.shared");
  t.is(await ask("web-01", "/upload?name=missed.jpg", "POST"), "201 |");
  t.regex(
    (await readPreview(stack)).sentences["application-web-02-shared"] ?? "",
    /^web-02: start shop\.shared, .*\[drift\]$/,
  );
  await stack.up();
  t.true(await arrives("web-02", "missed.jpg", "uploaded\n"));
});

test.serial("a folder that was emptied by hand deletes nothing, and is filled again", async (t) => {
  await stack.on("web-02", "cd /var/lib/shop/public/uploads && rm -rf .stfolder *");
  await new Promise((resolve) => setTimeout(resolve, 5000));
  t.is(await upload("web-01", "missed.jpg"), "uploaded\n");
  t.regex(
    (await readPreview(stack)).sentences["application-web-02-shared"] ?? "",
    /\/var\/lib\/shop\/public\/uploads is not shared, as its \.stfolder is missing/,
  );
  await stack.up();
  t.true(await arrives("web-02", "missed.jpg", "uploaded\n"));
  await stack.on("web-02", "rm -rf /var/lib/shop/public/uploads");
  await stack.up();
  t.true(await arrives("web-02", "missed.jpg", "uploaded\n"));
  t.is(await upload("web-01", "missed.jpg"), "uploaded\n");
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("variables are of any name, and a preview names those that change", async (t) => {
  const variable = (name: string) => ask("web-02", `/variable?name=${name}`);
  const [, port] = (await variable("DATABASE_PORT")).split("|");
  t.is(await variable("DB_HOST"), await variable("DATABASE_PRIMARY_HOST"));
  t.is(await variable("database__connection__user"), "200 |shop");
  t.regex(
    await variable("RAILS_URL"),
    new RegExp(`^200 \\|mysql2://shop:\\w{32}@[0-9.]+:${port}/shop$`),
  );
  t.regex(await variable("DATABASE_READ_URL"), /^200 \|mysql:\/\/shop:\w{32}@[0-9.]+:\d+\/shop$/);
  t.is(await variable("STATE_DIRECTORY"), "200 |/var/lib/shop");
  t.is(await variable("HOME"), "200 |/var/lib/shop");
  await configure({
    environment: { DB_HOST: { database: "readHost" }, PASS: { database: "password" } },
  });
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /write \/etc\/shop\/environment \(DB_HOST changed, database__connection__user gone\), write \/etc\/shop\/secrets \(PASS new, RAILS_URL gone\), /,
  );
  await stack.up();
  t.false(/mysql2?:\/\/shop:\w/.test(stack.said.join("")), "no password was shown");
});

test.serial("what a unit may do besides is allowed by name", async (t) => {
  t.regex(await ask("web-01", "/namespace"), /^200 \|refused: unshare: /);
  await configure({ unit: { allow: ["namespaces"], rawLines: ["LimitNOFILE=4242"] } });
  await stack.up();
  t.is(await ask("web-01", "/namespace"), "200 |uid 0");
  t.is((await stack.on("web-01", "systemctl show -P LimitNOFILE shop")).trim(), "4242");
});

test.serial("a folder that is taken out stays, and so do all when the stack goes", async (t) => {
  await configure({ persistent: ["public/uploads"], shared: undefined });
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /keep storage in the version only \(\/var\/lib\/shop\/storage is left as it is\)/,
  );
  await stack.up();
  t.is(await stack.on("web-01", "ls -A /srv/shop/current/storage"), "views\n");
  t.is(await stack.on("web-01", "cat /var/lib/shop/storage/log"), "an upload\nan upload\n");
  t.deepEqual((await readPreview(stack)).sentences, {});
});
