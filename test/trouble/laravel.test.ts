/** An application that is laid out as Laravel's, by the settings of docs/applications/laravel.md, on hosts that have MySQL as well. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { hasRun, order } from "./applications/orders";
import { recipe } from "./applications/recipe";
import { ask, visit } from "./applications/visitors";
import { goBack } from "./go-back";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 101);
const publish = 8610;
const site = { port: publish, domain: "www.foobar.com" };

let folder: string;
let stack: TestStack;

async function settings(application: object = {}): Promise<Settings> {
  const standard = threeHosts(number);
  const told = await recipe("laravel", { "./shop": join(folder, "laravel") });
  return {
    ...standard,
    ...told,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_400 },
    },
    "trilithon:application": { ...Object(told["trilithon:application"]), ...application },
  };
}

const setSecret = () =>
  stack.setSecretAt("trilithon:application.environment.APP_KEY", "base64:aHVzaA==");

async function configure(application: object = {}): Promise<void> {
  await stack.configure(await settings(application));
  await setSecret();
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-laravel-"));
  const source = join(folder, "laravel");
  await cp(join(__dirname, "applications/laravel"), source, { recursive: true });
  // What must never be seen.
  await writeFile(join(source, ".env"), "APP_KEY=planted\n");
  await writeFile(join(source, "public/.env"), "APP_KEY=planted\n");
  await writeFile(join(source, "public/config.yml"), "password: planted\n");
  stack = await TestStack.make("laravel", await settings());
  await setSecret();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

const textOf = async (path: string) => (await ask(site, path)).body;
const versionServed = async () => (await ask(site, "/up")).headers["x-version"];

test.serial("it is up at the first attempt", async (t) => {
  await stack.up();
  t.is(await textOf("/up"), "up\n");
  await order(t, site, "a book");
  t.regex(await textOf("/orders"), /^a book$/m);
  await hasRun(t, site);
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
  for (const path of [...paths, "/artisan", "/bootstrap/app.php"]) {
    t.regex(await textOf(path), /^no route /, path);
  }
  t.is((await ask(site, "/../.env")).status, 400);
  t.regex(await textOf("/app.css"), /color: black/);
});

test.serial("it has sessions and uploads, and says in the journal what goes wrong", async (t) => {
  t.is(await textOf("/session"), "1");
  const body = new FormData();
  body.set("file", new Blob(["x".repeat(3_000_000)]), "large.bin");
  t.is(
    await (await fetch(`http://127.0.0.1:${publish}/upload`, { method: "POST", body })).text(),
    "3000000",
  );
  const kept = "cat /var/lib/shop/storage/app/large.bin 2>/dev/null | wc -c";
  const sizes = [await stack.on("web-01", kept), await stack.on("web-02", kept)];
  t.deepEqual(sizes.map(Number).toSorted(), [0, 3_000_000]);
  t.is((await stack.try("web-01", "runuser -u nobody -- ls /var/lib/shop/php-sessions")).status, 2);
});

const live = () =>
  Promise.all(
    ["web-01", "web-02"].map((host) => stack.on(host, "basename $(readlink /srv/shop/current)")),
  );

test.serial("whatever is wrong with a version costs no page, nor does the way back", async (t) => {
  const write = (name: string, code = "") =>
    writeFile(
      join(folder, "laravel/bootstrap/version.php"),
      `<?php\nconst VERSION = '${name}';\n${code}\n`,
    );
  const stop = visit(site, ["/orders", "/app.css"]);
  t.teardown(async () => {
    await stop();
  });
  const first = await live();
  await write("two");
  await stack.up();
  t.is(await versionServed(), "two");
  const second = await live();
  t.notDeepEqual(second, first);
  await write("three", "if (PHP_SAPI === 'fpm-fcgi') broken();");
  const said = await stack.mustFail();
  t.regex(said, /shop was not ready[\s\S]*500/);
  t.regex(said, /PHP Fatal error: +Uncaught Error: Call to undefined function broken\(\)/);
  await write(
    "four",
    "if (($argv[1] ?? '') === 'migrate') database()->exec('SELECT none_such FROM orders');",
  );
  t.regex(
    await stack.mustFail(),
    /`php artisan migrate --force` of shop ended with status 255 for version [0-9a-f]{16}; nothing was switched to it, [\s\S]*Unknown column 'none_such'/,
  );
  await configure({ strategy: { canary: { seconds: 90 } } });
  const crash = "sleep(60); fwrite(STDERR, 'out of cheese'); exit(9);";
  await write("five", `if (($argv[1] ?? '') === 'queue:work') { ${crash} }`);
  t.regex(
    await stack.mustFail(),
    /failed as a canary: shop-queue ended by itself within \d+ seconds; all is put back as it was\. What it said first:\n[\s\S]*out of cheese/,
  );
  await configure();
  t.deepEqual(await live(), second);
  // The static files of those that failed are there beside.
  await write("two");
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  t.true(await goBack(stack, t.log));
  t.deepEqual(await live(), first);
  t.is(await versionServed(), "one");
  const { count, failures } = await stop();
  t.log(`${count} pages`);
  t.deepEqual(failures, []);
});
