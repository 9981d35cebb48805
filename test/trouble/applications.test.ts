/** Applications as their people write them, from the words of the documentation alone, on hosts that have MySQL as well. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { hostsThatTrust } from "./applications/hosts-that-trust";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 101);
const publish = 8610;
const url = `http://127.0.0.1:${publish}`;

let folder: string;
let image: string;
let stack: TestStack;

function settings(application: object) {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_400, image },
    },
    "trilithon:database": { name: "shop" },
    "trilithon:application": application,
  };
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-applications-"));
  for (const name of ["laravel", "django"]) {
    await cp(join(__dirname, "applications", name), join(folder, name), { recursive: true });
  }
  // What must never be seen.
  await writeFile(join(folder, "laravel/.env"), "APP_KEY=planted\n");
  await writeFile(join(folder, "laravel/public/.env"), "APP_KEY=planted\n");
  await writeFile(join(folder, "laravel/public/config.yml"), "password: planted\n");
  image = await hostsThatTrust();
  stack = await TestStack.make("php-django", settings(laravel()));
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

const laravel = () => ({
  name: "shop",
  source: join(folder, "laravel"),
  runtime: "php-fpm",
  packages: { "php-mysql": "present" },
  release: { command: ["php", "artisan", "migrate"] },
  processes: { queue: { command: ["php", "artisan", "queue:work"] } },
  jobs: { schedule: { command: ["php", "artisan", "schedule:run"], schedule: "*:*:0/10" } },
  healthPath: "/up",
});

const django = () => ({
  name: "store",
  source: join(folder, "django"),
  build: {
    command: `${join(folder, "django/build.sh")} ${join(folder, "django.out")}`,
    output: join(folder, "django.out"),
  },
  runtime: "python",
  start: ["gunicorn", "shop.wsgi"],
  release: { command: ["python", "manage.py", "migrate"] },
  processes: { worker: { command: ["python", "manage.py", "worker"] } },
  jobs: { remind: { command: ["python", "manage.py", "remind"], schedule: "*:*:0/10" } },
  healthPath: "/up",
});

async function configure(application: object): Promise<void> {
  await stack.configure(settings(application));
  await stack.setSecretAt("trilithon:application.environment.SECRET_KEY", "hushhush");
}

/** `fetch` sends no `Host` but the address's. */
function ask(
  path: string,
  { method = "GET", body = "" }: { readonly method?: string; readonly body?: string } = {},
): Promise<{ readonly status: number; readonly version: unknown; readonly body: string }> {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const headers = { host: "www.foobar.com", ...(body && type) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: publish, path, method, headers, agent: false };
    const call = httpRequest(options, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then(
        (said) => resolve({ status, version: headers["x-version"], body: said }),
        reject,
      );
    });
    call.on("error", reject);
    call.end(body);
  });
}

const textOf = async (path: string) => (await ask(path)).body;

/** Asks for pages until stopped, each on a connection of its own. */
function visit(paths: readonly string[]) {
  const failures: string[] = [];
  let [count, isOver] = [0, false];
  const one = async () => {
    for (let at = 0; !isOver; at += 1) {
      const path = paths[at % paths.length] ?? "/";
      try {
        const page = await ask(path);
        if (page.status !== 200) failures.push(`${path}: ${page.status}`);
      } catch (error) {
        failures.push(String(error));
      }
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const running = Promise.all([one(), one()]);
  return async () => {
    isOver = true;
    await running;
    return { count, failures };
  };
}

async function order(t: ExecutionContext, product: string): Promise<void> {
  const body = `${new URLSearchParams({ product })}`;
  t.is((await ask("/orders", { method: "POST", body })).status, 201);
}

/** Waits for a run of a job that is due every ten seconds. */
async function hasRun(t: ExecutionContext, product: string): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await textOf("/orders")).split("\n").includes(product)) {
      t.pass();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  t.fail(`no ${product}`);
}

test.serial("a PHP application as Laravel lays it out is up at the first attempt", async (t) => {
  await stack.up();
  t.is(await textOf("/up"), "up\n");
  await order(t, "a book");
  t.regex(await textOf("/orders"), /^a book$/m);
  await hasRun(t, "by schedule");
  const migrated = await stack.on("web-01", "journalctl -q -o cat -u shop-release");
  t.regex(migrated, /creating the table orders/);
  const units = await stack.on("web-01", "systemctl is-active shop shop-queue mysql");
  t.deepEqual(units.trim().split("\n"), ["active", "active", "active"]);
  t.is(
    (await stack.on("web-01", "stat -c %U /proc/$(systemctl show -P MainPID shop)")).trim(),
    "shop",
  );
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("nothing of it is sent as text, and what was uploaded is not run", async (t) => {
  const paths = ["/index.php", "/uploads/shell.php?c=id", "/.env", "/.git/config", "/config.yml"];
  for (const path of [...paths, "/artisan", "/bootstrap/app.php", "/../.env"]) {
    const said = await textOf(path);
    t.regex(said, /^no route /, path);
  }
  t.regex(await textOf("/app.css"), /color: black/);
});

test.serial("it has sessions and uploads, and says in the journal what goes wrong", async (t) => {
  t.is(await textOf("/session"), "1");
  const body = new FormData();
  body.set("file", new Blob(["x".repeat(3_000_000)]), "large.bin");
  t.is(await (await fetch(`${url}/upload`, { method: "POST", body })).text(), "3000000");
  t.is((await stack.try("web-01", "runuser -u nobody -- ls /var/lib/shop/php-sessions")).status, 2);
});

test.serial("a release loses no page, and one that does not start is taken back", async (t) => {
  const version = join(folder, "laravel/bootstrap/version.php");
  const stop = visit(["/orders", "/app.css"]);
  await writeFile(version, "<?php\nconst VERSION = 'two';\n");
  await stack.up();
  t.is((await ask("/up")).version, "two");
  const broken = "if (PHP_SAPI === 'fpm-fcgi') broken();";
  await writeFile(version, `<?php\nconst VERSION = 'three';\n${broken}\n`);
  const said = await stack.mustFail();
  t.regex(said, /shop was not ready[\s\S]*500/);
  t.regex(said, /PHP Fatal error: +Uncaught Error: Call to undefined function broken\(\)/);
  t.is((await ask("/up")).version, "two");
  // The static files of the version that failed are there beside.
  await writeFile(version, "<?php\nconst VERSION = 'two';\n");
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  const { count, failures } = await stop();
  t.true(count > 100);
  t.deepEqual(failures, []);
});

test.serial("a Django application takes its place", async (t) => {
  await configure(django());
  await stack.up();
  t.is(await textOf("/up"), "up\n");
  await order(t, "a chair");
  t.regex(await textOf("/orders"), /^a chair$/m);
  await hasRun(t, "by schedule");
  t.regex(await textOf(await textOf("/style")), /color: black/);
  const units = await stack.on("web-01", "systemctl is-active store store-worker mysql");
  t.deepEqual(units.trim().split("\n"), ["active", "active", "active"]);
  t.regex(await stack.on("web-01", "ss -Hltn sport = :3000"), /127\.0\.0\.1:3000/);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

/** Debian links them with MariaDB's library. */
for (const driver of ["ruby-mysql2", "python3-mysqldb"]) {
  test.serial(`${driver} beside MySQL removes nothing`, async (t) => {
    const database = async () => [
      await stack.on("web-01", "dpkg -l 'mysql-server*' | grep ^ii"),
      await stack.on("web-01", "systemctl show -P InvocationID mysql"),
    ];
    const before = await database();
    const packages = { [driver]: "present" };
    await configure({ ...django(), packages });
    const preview = await stack.pulumi("preview");
    const up = await stack.pulumi("up", "--yes", "--skip-preview");
    t.log(up.status === 0 ? "installed" : "refused");
    if (up.status !== 0) {
      t.regex(preview.stdout + preview.stderr, /apt would remove [^;]*mysql-server/);
    }
    t.deepEqual(await database(), before);
    t.is(await textOf("/up"), "up\n");
  });
}

test.serial("a release with the same packages makes none, one without them says so", async (t) => {
  await configure(django());
  const stop = visit(["/orders", await textOf("/style")]);
  const keys = () => stack.on("web-01", "ls /srv/store/dependencies");
  const before = await keys();
  await writeFile(join(folder, "django/assets/app.css"), "body { color: blue; }\n");
  const { sentences } = await readPreview(stack);
  t.notRegex(JSON.stringify(sentences), /make its dependencies/);
  await stack.up();
  t.is(await keys(), before);
  t.regex(await textOf(await textOf("/style")), /color: blue/);
  // What is not to be had.
  const requirements = join(folder, "django/requirements.txt");
  await writeFile(requirements, "Django>=5.2,<7\nno-such-package-of-trilithon==1\n");
  // The build makes its own; the hosts would be next.
  await writeFile(
    join(folder, "django/build.sh"),
    '#!/bin/sh\nrm -rf "$1"; cp -R "$(dirname "$0")" "$1"\n',
  );
  t.regex(
    await stack.mustFail(),
    /of store ended with status 1 for version [0-9a-f]{16}; nothing was switched to it:[\s\S]*no-such-package-of-trilithon/,
  );
  t.is(await keys(), before);
  const { failures } = await stop();
  t.deepEqual(failures, []);
});
