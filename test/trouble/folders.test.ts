/** Folders that outlive versions, variables, what a unit may do besides, and the files of former versions. On real hosts. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { request } from "../../scripts/verify/http";
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

/** Waits for it, and says for how long. */
async function arrives(
  t: ExecutionContext,
  host: string,
  [name, content]: readonly [name: string, content: string],
): Promise<void> {
  const begun = performance.now();
  const seconds = () => ((performance.now() - begun) / 1000).toFixed(1);
  while ((await upload(host, name)) !== content) {
    if (Number(seconds()) > 60) return t.fail(`${name} is not on ${host} after ${seconds()} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.log(`${name} is on ${host} after ${seconds()} s`);
}

/** As a visitor. */
async function visit(path: string, method: "GET" | "POST" = "GET"): Promise<string> {
  const headers = { Host: "www.foobar.com" };
  const url = `http://127.0.0.1:${publish}${path}`;
  const { status, body } = await request({ url, method, headers, deadlineSeconds: 30 });
  return `${status} ${body}`.trim();
}

const docker = (...words: string[]) => must(words.join(" "), "docker", words);

test.serial("shared folders have the same content on both servers", async (t) => {
  await stack.on("web-02", "echo 'of web-02' >/var/lib/shop/public/uploads/older.txt");
  await configure({ shared: { folders: ["public/uploads"] } });
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  await arrives(t, "web-01", ["older.txt", "of web-02\n"]);
  t.is(await ask("web-01", "/upload?name=first.jpg", "POST"), "201 |");
  await arrives(t, "web-02", ["first.jpg", "uploaded\n"]);
  t.is(await ask("web-02", "/uploads/first.jpg"), `200 ${short}|uploaded`);
  t.is(
    await stack.on("web-02", "stat -c '%U %a' /var/lib/shop/public/uploads/first.jpg"),
    "shop 644\n",
  );
  await stack.on("web-02", "rm /var/lib/shop/public/uploads/first.jpg");
  await arrives(t, "web-01", ["first.jpg", ""]);
  t.is(await ask("web-01", "/uploads/.stfolder/"), "404 |no route");
});

test.serial("who uploads a file sees it at once, whichever server is asked", async (t) => {
  for (const turn of [1, 2, 3, 4, 5]) {
    const name = `at-once-${turn}.jpg`;
    t.is(await visit(`/upload?name=${name}`, "POST"), "201");
    const answers = await Promise.all([1, 2, 3, 4].map(() => visit(`/uploads/${name}`)));
    t.deepEqual([...new Set(answers)], ["200 uploaded"]);
  }
  t.is(await visit("/uploads/none.jpg"), "404 no route");
});

test.serial("Syncthing speaks with the other server alone", async (t) => {
  const addresses = { "web-01": `172.31.${number}.21`, "web-02": `172.31.${number}.22` };
  for (const [host, other] of [
    ["web-01", "web-02"],
    ["web-02", "web-01"],
  ] as const) {
    // Its own user sees which sockets are of which process.
    const sockets = await stack.on(
      host,
      "setpriv --reuid shop --regid shop --clear-groups ss -Hnptua | grep syncthing",
    );
    const all = sockets
      .trim()
      .split("\n")
      .map((line) => line.split(/ +/));
    const isWaiting = ([, state = ""]: string[]) => /LISTEN|UNCONN/.test(state);
    t.deepEqual(
      all.filter(isWaiting).map(([protocol, , , , local]) => `${protocol} ${local}`),
      [`tcp ${addresses[host]}:22000`],
    );
    const peers = all.filter((one) => !isWaiting(one)).map((one) => one[5]?.replace(/:\d+$/, ""));
    t.deepEqual([...new Set(peers)], [addresses[other]]);
  }
});

test.serial("a server that was dead gets what it lacks, without anybody's doing", async (t) => {
  await docker("kill", `trilithon-${stackName}-web-02`);
  t.is(await ask("web-01", "/upload?name=meanwhile.jpg", "POST"), "201 |");
  await stack.on("web-01", "rm /var/lib/shop/public/uploads/at-once-1.jpg");
  await docker("start", `trilithon-${stackName}-web-02`);
  await arrives(t, "web-02", ["meanwhile.jpg", "uploaded\n"]);
  await arrives(t, "web-02", ["at-once-1.jpg", ""]);
  t.is(await upload("web-01", "at-once-1.jpg"), "");
});

test.serial(
  "where both changed a file, the later change counts, and the other one is told",
  async (t) => {
    const both = (command: string) =>
      Promise.all(hosts.map((host) => stack.on(host, `systemctl ${command} shop.shared`)));
    const write = (host: string, content: string) =>
      stack.on(host, `echo '${content}' >/var/lib/shop/public/uploads/meanwhile.jpg`);
    await both("stop");
    await write("web-01", "the former");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await write("web-02", "the later");
    await both("start");
    await arrives(t, "web-01", ["meanwhile.jpg", "the later\n"]);
    await arrives(t, "web-02", ["meanwhile.sync-conflict-*.jpg", "the former\n"]);
    const { warnings } = await readPreview(stack);
    t.regex(
      warnings.join("\n"),
      /\/var\/lib\/shop\/public\/uploads\/meanwhile\.sync-conflict-\S+\.jpg \(new\)\n\+ another host changed the same file/,
    );
    await stack.on("web-01", "rm /var/lib/shop/public/uploads/*.sync-conflict-*");
    await arrives(t, "web-02", ["meanwhile.sync-conflict-*.jpg", ""]);
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);

test.serial("one that does not run is drift, and gets what it lacks", async (t) => {
  await stack.on("web-02", "systemctl stop shop.shared");
  t.is(await ask("web-01", "/upload?name=missed.jpg", "POST"), "201 |");
  t.regex(
    (await readPreview(stack)).sentences["application-web-02-shared"] ?? "",
    /^web-02: start shop\.shared, .*\[drift\]$/,
  );
  await stack.up();
  await arrives(t, "web-02", ["missed.jpg", "uploaded\n"]);
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
  await arrives(t, "web-02", ["missed.jpg", "uploaded\n"]);
  // Syncthing may be writing there.
  await stack.on("web-02", "until rm -rf /var/lib/shop/public/uploads; do sleep 0.2; done");
  await stack.up();
  await arrives(t, "web-02", ["missed.jpg", "uploaded\n"]);
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
  t.regex(await stack.on("web-01", "cat /var/lib/shop/storage/log"), /^(an upload\n)+$/);
  t.deepEqual((await readPreview(stack)).sentences, {});
});
