/** Django by the settings of docs/applications/django.md, on hosts that have MySQL as well. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { hostsThatTrust } from "./applications/hosts-that-trust";
import { hasRun, order } from "./applications/orders";
import { recipe, writeFilesOf } from "./applications/recipe";
import { ask, visit } from "./applications/visitors";
import { goBack } from "./go-back";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 101);
const publish = 8610;
const site = { port: publish, domain: "www.foobar.com" };

let folder: string;
let image: string;
let stack: TestStack;

/** Its build writes beside it: `django.out`. */
async function settings(application: object = {}): Promise<Settings> {
  const standard = threeHosts(number);
  const told = await recipe("django", { "./store": join(folder, "django") });
  return {
    ...standard,
    ...told,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_400, image },
    },
    "trilithon:application": { ...Object(told["trilithon:application"]), ...application },
  };
}

const setSecret = () =>
  stack.setSecretAt("trilithon:application.environment.SECRET_KEY", "hushhush");

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-django-"));
  await cp(join(__dirname, "applications/django"), join(folder, "django"), { recursive: true });
  await writeFilesOf("django", join(folder, "django"));
  image = await hostsThatTrust();
  stack = await TestStack.make("django", await settings());
  await setSecret();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function configure(application: object = {}): Promise<void> {
  await stack.configure(await settings(application));
  await setSecret();
}

const textOf = async (path: string) => (await ask(site, path)).body;

test.serial("it is up at the first attempt", async (t) => {
  await stack.up();
  t.is(await textOf("/up"), "up\n");
  await order(t, site, "a chair");
  t.regex(await textOf("/orders"), /^a chair$/m);
  await hasRun(t, site);
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
    await configure({ packages });
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

const live = () =>
  Promise.all(
    ["web-01", "web-02"].map((host) => stack.on(host, "basename $(readlink /srv/store/current)")),
  );

/** A file of the application is another one for a while. */
async function withFile(
  path: string,
  content: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const file = join(folder, "django", path);
  const before = await readFile(file, "utf8").catch(() => undefined);
  await writeFile(file, content);
  await work();
  if (before === undefined) await rm(file);
  else await writeFile(file, before);
}

test.serial("whatever is wrong with a version costs no page, nor does the way back", async (t) => {
  await configure();
  const stop = visit(site, ["/orders", await textOf("/style")]);
  t.teardown(async () => {
    await stop();
  });
  const first = await live();
  await withFile("assets/app.css", "body { color: green; }\n", () => stack.up());
  const second = await live();
  t.notDeepEqual(second, first);
  const migration = `from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL("SELECT none_such FROM orders_order")]
`;
  await withFile("orders/migrations/0002_fail.py", migration, async () => {
    t.regex(
      await stack.mustFail(),
      /`python manage.py migrate` of store ended with status 1 for version [0-9a-f]{16}; nothing was switched to it, [\s\S]*Unknown column 'none_such'/,
    );
  });
  await withFile("shop/wsgi.py", "import none_such\n", async () => {
    t.regex(
      await stack.mustFail(),
      /store (ended 5 times by itself|was not ready)[\s\S]*No module named 'none_such'/,
    );
  });
  await configure({ strategy: { canary: { seconds: 60 } } });
  const worker = `import time
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, *args, **options):
        time.sleep(20)
        raise SystemExit("out of cheese")
`;
  await withFile("orders/management/commands/worker.py", worker, async () => {
    t.regex(
      await stack.mustFail(),
      /failed as a canary: store-worker ended by itself within \d+ seconds; all is put back as it was\. What it said first:\n[\s\S]*out of cheese/,
    );
  });
  await configure();
  t.deepEqual(await live(), second);
  t.true(await goBack(stack, t.log));
  t.deepEqual(await live(), first);
  t.regex(await textOf(await textOf("/style")), /color: black/);
  const { count, failures } = await stop();
  t.log(`${count} pages`);
  t.deepEqual(failures, []);
});

test.serial("a release with the same packages makes none, one without them says so", async (t) => {
  await configure();
  const stop = visit(site, ["/orders", await textOf("/style")]);
  t.teardown(async () => {
    await stop();
  });
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
