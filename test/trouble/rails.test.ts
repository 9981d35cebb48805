/** A Rails application with the settings of docs/applications/rails.md, on hosts that have MySQL as well. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { rubyFor, rubyProgram, vendorGems } from "./applications/gems";
import { hostsThatTrust } from "./applications/hosts-that-trust";
import { recipe, writeFilesOf } from "./applications/recipe";
import { ask as askSite } from "./applications/visitors";
import { goBack } from "./go-back";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 105);
const publish = 8600 + (number - 100) * 10;
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}rails`;
const domain = "www.foobar.com";

let folder: string;
let image: string;
let stack: TestStack;

/** Those of the page, with other paths and another address of the proxy that speaks TLS: this machine is it. */
async function settings(application: object = {}): Promise<Settings> {
  const standard = threeHosts(number);
  const told = await recipe("rails", {
    "./shop": join(folder, "shop"),
    "203.0.113.0/24": `172.31.${number}.1/32`,
  });
  return {
    ...standard,
    ...told,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_390 + (number - 100) * 10, image },
    },
    "trilithon:application": { ...Object(told["trilithon:application"]), ...application },
  };
}

const setSecret = () =>
  stack.setSecretAt("trilithon:application.environment.SECRET_KEY_BASE", "0123456789abcdef");

async function configure(application: object = {}): Promise<void> {
  await stack.configure(await settings(application));
  await setSecret();
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-rails-"));
  await cp(join(__dirname, "applications/rails"), join(folder, "shop"), { recursive: true });
  await writeFilesOf("rails", join(folder, "shop"));
  image = await hostsThatTrust();
  const ruby = await rubyFor(image, folder);
  await vendorGems(ruby, join(folder, "shop"));
  process.env.PATH = `${await rubyProgram(ruby)}:${process.env.PATH}`;
  stack = await TestStack.make(stackName, await settings());
  await setSecret();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** As the proxy that speaks TLS passes it on. */
function ask(
  path: string,
  { form, cookie }: { readonly form?: Record<string, string>; readonly cookie?: string } = {},
) {
  const headers = {
    "x-forwarded-proto": "https",
    ...(cookie !== undefined && { cookie }),
    ...(form && { "content-type": "application/x-www-form-urlencoded" }),
  };
  return askSite({ port: publish, domain }, path, {
    headers,
    ...(form && { method: "POST", body: `${new URLSearchParams(form)}` }),
  });
}

const styleOf = (page: string) => /href="(\/assets\/application-[^"]+\.css)"/.exec(page)?.[1] ?? "";
const version = async () => (await ask("/orders")).headers["x-version"];

/** By the form of the page, with the session that came with it. */
async function order(t: ExecutionContext, product: string): Promise<void> {
  const { body, headers } = await ask("/orders");
  const token = /name="authenticity_token" value="([^"]+)"/.exec(body)?.[1] ?? "";
  const cookie = (headers["set-cookie"] ?? []).map((one) => one.replace(/;.*/, "")).join("; ");
  const form = { authenticity_token: token, product };
  const { status, headers: answered } = await ask("/orders", { form, cookie });
  t.is(status, 303);
  t.is(answered.location, `https://${domain}/orders`);
}

/** Waits for a line of the page. */
async function comes(t: ExecutionContext, line: string): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await ask("/orders")).body.includes(`<li>${line}</li>`)) {
      t.pass();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  t.fail(`no ${line}`);
}

/** Reads the page, and the style sheets of this page and of the first one, until it is stopped. */
function visit(t: ExecutionContext) {
  const failures: string[] = [];
  const versions: Record<string, number> = {};
  let [isOver, first] = [false, ""];
  const get = async (path: string) => {
    const answer = await ask(path);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return answer;
  };
  const one = async () => {
    while (!isOver) {
      try {
        const { body, headers } = await get("/orders");
        const told = String(headers["x-version"]);
        versions[told] = (versions[told] ?? 0) + 1;
        first ||= styleOf(body);
        await get(styleOf(body));
        await get(first);
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const running = Promise.all([one(), one()]);
  t.teardown(() => {
    isOver = true;
  });
  return async () => {
    isOver = true;
    await running;
    return { versions, failures };
  };
}

interface Version {
  readonly name: string;
  /** Files that it has and no other one. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Each has a style sheet of its own. */
async function write({ name, files = {} }: Version): Promise<void> {
  const shop = join(folder, "shop");
  await rm(shop, { recursive: true });
  await cp(join(folder, "shop.first"), shop, { recursive: true });
  const all = {
    "config/initializers/version.rb": `Rails.application.config.x.version = "${name}"\n`,
    "app/assets/stylesheets/application.css": `body { content: "${name}"; }\n`,
    ...files,
  };
  for (const [file, content] of Object.entries(all)) await writeFile(join(shop, file), content);
}

const currents = () =>
  Promise.all(
    ["web-01", "web-02"].map((one) => stack.on(one, "basename $(readlink /srv/shop/current)")),
  );

const mysqlOn = async (one: string) => [
  await stack.on(one, "dpkg -l 'mysql-server*' | grep ^ii"),
  await stack.on(one, "systemctl show -P InvocationID mysql"),
];

test.serial("it is up at the first attempt, beside MySQL", async (t) => {
  await cp(join(folder, "shop"), join(folder, "shop.first"), { recursive: true });
  await stack.up();
  const { status, headers, body } = await ask("/orders");
  t.is(status, 200);
  t.is(headers["x-version"], "one");
  const style = await ask(styleOf(body));
  t.is(style.headers["cache-control"], "public, max-age=31536000, immutable");
  for (const one of ["web-01", "web-02"]) {
    const units = await stack.on(one, "systemctl is-active shop shop-sidekiq mysql");
    t.deepEqual(units.trim().split("\n"), ["active", "active", "active"]);
    t.regex((await mysqlOn(one))[0] ?? "", /^ii +mysql-server /m);
    t.regex(await stack.on(one, "ss -Hltn sport = :3000"), /127\.0\.0\.1:3000/);
    t.notRegex(await stack.on(one, "ss -Hltn sport = :3000"), /0\.0\.0\.0:3000|\*:3000/);
  }
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("it writes and reads, its worker works, and its task is run", async (t) => {
  await order(t, "a book");
  await comes(t, "a book: packed");
  t.regex(
    await stack.on("web-01", "systemctl list-timers --all shop-reorder.timer"),
    /shop-reorder/,
  );
  await stack.on("web-01", "systemctl start shop-reorder.service");
  await comes(t, "paper: ordered");
  const table = await stack.on(
    "web-01",
    "mysql -N -e 'SHOW INDEX FROM shop.orders_products' | wc -l",
  );
  t.is(table.trim(), "0");
});

test.serial("forward and back under load: no page and no style sheet fails", async (t) => {
  const first = await currents();
  const before = await mysqlOn("web-01");
  const stop = visit(t);
  await configure({ strategy: { canary: { seconds: 90 } } });
  const crash =
    'Sidekiq.configure_server { Thread.new { sleep 60; warn "out of cheese"; exit!(9) } }\n';
  await write({ name: "two", files: { "config/initializers/crash.rb": crash } });
  t.regex(
    await stack.mustFail(),
    /failed as a canary: shop-sidekiq ended by itself within \d+ seconds; all is put back as it was\. What it said first:\n[\s\S]*out of cheese/,
  );
  await configure();
  t.deepEqual(await currents(), first);
  await write({ name: "two" });
  await stack.up();
  t.is(await version(), "two");
  const second = await currents();
  await write({
    name: "three",
    files: {
      "db/migrate/20260102000000_fail.rb":
        'class Fail < ActiveRecord::Migration[7.2]\n  def change\n    execute "SELECT none_such FROM orders"\n  end\nend\n',
    },
  });
  t.regex(
    await stack.mustFail(),
    /`bin\/rails db:migrate` of shop ended with status 1 for version [0-9a-f]{16}; nothing was switched to it, [\s\S]*Mysql2::Error: Unknown column 'none_such'/,
  );
  t.deepEqual(await currents(), second);
  await write({ name: "four", files: { "config.ru": 'require "none_such"\n' } });
  t.regex(
    await stack.mustFail(),
    /shop (ended 5 times by itself|was not ready)[\s\S]* What it said first:\n[\s\S]*cannot load such file -- none_such/,
  );
  t.deepEqual(await currents(), second);
  t.true(await goBack(stack, t.log));
  t.deepEqual(await currents(), first);
  t.is(await version(), "one");
  await write({ name: "two" });
  t.regex((await readPreview(stack)).warnings.join("\n"), /was rolled back to/);
  await stack.up();
  t.deepEqual(await currents(), second);
  const { versions, failures } = await stop();
  t.log(versions);
  t.deepEqual(failures, []);
  t.deepEqual(Object.keys(versions).sort(), ["one", "two"]);
  await order(t, "a chair");
  await comes(t, "a chair: packed");
  t.deepEqual(await mysqlOn("web-01"), before);
  t.deepEqual((await readPreview(stack)).sentences, {});
});
