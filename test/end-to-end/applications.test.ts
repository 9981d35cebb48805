/**
 * Five applications as their people lay them out, in a small form, side by side on one host that has MySQL as well: Django, Laravel,
 * WordPress, Rails and Ghost. In full they are in `npm run trouble`.
 */
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import { hostsThatTrust } from "../trouble/applications/hosts-that-trust";
import { readPreview } from "./support/preview";
import { TestStack } from "./support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 85);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}applications`;
const publish = 8000 + number;
const host = "all-01";

const inFull = join(__dirname, "../trouble/applications");
const small = join(__dirname, "applications");

const django = {
  name: "store",
  source: join(inFull, "django"),
  runtime: "python",
  start: ["gunicorn", "shop.wsgi"],
  release: { command: ["python", "manage.py", "migrate"] },
  processes: { worker: { command: ["python", "manage.py", "worker"] } },
  healthPath: "/up",
};

/** What the application says itself once it serves. */
const warming =
  'require "net/http"; puts "warmed: " + Net::HTTP.get_response(URI("http://127.0.0.1:3003/up")).code';

const applications = {
  shop: {
    source: join(inFull, "laravel"),
    runtime: "php-fpm",
    packages: { "php-mysql": "present" },
    release: { command: ["php", "artisan", "migrate"] },
    processes: { queue: { command: ["php", "artisan", "queue:work"] } },
    environment: { DB_CONNECTION: "mysql", DB_URL: { database: "url" } },
    healthPath: "/up",
    domains: ["shop.foobar.com"],
  },
  blog: {
    source: join(small, "blog"),
    runtime: {
      name: "php-fpm",
      entryScripts: ["wp-login.php", "wp-comments-post.php", "wp-admin/*.php"],
    },
    packages: { "php-mysql": "present" },
    release: { command: ["php", "install.php"] },
    persistent: ["public/wp-content/uploads"],
    environment: {
      WORDPRESS_DB_HOST: { database: "{host}:{port}" },
      WORDPRESS_DB_NAME: { database: "name" },
      WORDPRESS_DB_USER: { database: "user" },
      WORDPRESS_DB_PASSWORD: { database: "password" },
    },
    healthPath: "/wp-login.php",
    ...{ port: 3002, domains: ["blog.foobar.com"] },
  },
  board: {
    source: join(small, "board"),
    start: ["puma", "--bind", "tcp://127.0.0.1:3003"],
    packages: { puma: "present", "ruby-rack": "present" },
    release: { command: ["ruby", "migrate.rb"], after: { command: ["ruby", "-e", warming] } },
    healthPath: "/up",
    ...{ port: 3003, domains: ["board.foobar.com"] },
  },
  notes: {
    source: join(small, "notes"),
    runtime: "node",
    start: ["node", "server.js"],
    environment: {
      database__connection__host: { database: "host" },
      database__connection__port: { database: "port" },
      database__connection__database: { database: "name" },
      database__connection__user: { database: "user" },
      database__connection__password: { database: "password" },
    },
    healthPath: "/ghost/api/admin/site/",
    ...{ port: 3004, domains: ["notes.foobar.com"] },
  },
};

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [
      {
        name: host,
        address: `172.31.${number}.11`,
        roles: ["load-balancer", "web", "database"],
      },
    ],
    "trilithon:containers": {
      ...{ subnet: `172.31.${number}.0/24`, publish, sshPortBase: 10_000 + number * 256 },
      image: await hostsThatTrust(),
    },
    "trilithon:web": { port: 8080 },
    "trilithon:database": { name: "store" },
    "trilithon:application": django,
    "trilithon:applications": applications,
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly type?: string;
}

/** `fetch` sends no `Host` but the address's. */
function ask(
  name: string,
  path: string,
  { method = "GET", body = "", type = "application/x-www-form-urlencoded" }: Asked = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const headers = { host: `${name}.foobar.com`, ...(body !== "" && { "content-type": type }) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: publish, path, method, headers, agent: false };
    const call = httpRequest(options, (response) => {
      text(response).then(
        (said) => resolve({ status: response.statusCode ?? 0, body: said }),
        reject,
      );
    });
    call.on("error", reject);
    call.end(body);
  });
}

test.serial("all are up at the first attempt, and a preview has nothing to do", async (t) => {
  await stack.up();
  t.regex(await stack.on(host, "journalctl -q -o cat -u board-release"), /^warmed: 200$/m);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

/** Where each takes what is written to MySQL, and where it shows it. */
const pages = [
  { of: "Django", name: "www", write: "/orders", field: "product", read: "/orders" },
  { of: "Laravel", name: "shop", write: "/orders", field: "product", read: "/orders" },
  { of: "WordPress", name: "blog", write: "/wp-comments-post.php", field: "text", read: "/notes" },
  { of: "Rails", name: "board", write: "/notes", field: "text", read: "/notes" },
  { of: "Ghost", name: "notes", write: "/notes", field: "text", read: "/notes" },
];

for (const { of, name, write, field, read } of pages) {
  test.serial(`an application like those of ${of} writes to MySQL and reads it`, async (t) => {
    const body = `${new URLSearchParams({ [field]: `by ${of}` })}`;
    t.is((await ask(name, write, { method: "POST", body })).status, 201);
    t.deepEqual(await ask(name, read), { status: 200, body: `by ${of}\n` });
  });
}

test.serial("what WordPress is sent is served, and neither run nor shown as source", async (t) => {
  const upload = (name: string, content: string) =>
    ask("blog", "/wp-admin/async-upload.php", {
      method: "POST",
      type: "multipart/form-data; boundary=end",
      body: `--end\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${content}\r\n--end--\r\n`,
    });
  t.is((await upload("a.txt", "uploaded")).status, 201);
  t.is((await upload("evil.php", "<?php echo 'planted';")).status, 201);
  t.deepEqual(await ask("blog", "/wp-content/uploads/a.txt"), { status: 200, body: "uploaded" });
  for (const path of ["/wp-content/uploads/evil.php", "/wp-includes/load.php"]) {
    t.deepEqual(await ask("blog", path), { status: 404, body: `no page ${path}\n` });
  }
  t.is(await stack.on(host, "cat /var/lib/blog/public/wp-content/uploads/a.txt"), "uploaded");
});

test.serial("each is run by a unit and a user of its own, and MySQL stays as it is", async (t) => {
  const units = ["store", "store-worker", "shop", "shop-queue", "blog", "board", "notes"];
  const active = await stack.on(host, `systemctl is-active ${units.join(" ")} mysql`);
  t.deepEqual(new Set(active.trim().split("\n")), new Set(["active"]));
  const users = await stack.on(
    host,
    `for unit in ${units.join(" ")}; do stat -c %U /proc/$(systemctl show -P MainPID $unit); done`,
  );
  t.deepEqual(
    users.trim().split("\n"),
    units.map((unit) => unit.replace(/-.*/, "")),
  );
});
