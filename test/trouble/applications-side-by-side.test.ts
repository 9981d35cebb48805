/**
 * Two applications and a private service on three hosts, under a load that does not wait: each is taken in and out by one line, and
 * the other never notices.
 */
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { request } from "../../scripts/verify/http";
import { startLoad } from "../end-to-end/support/load";
import { type Preview, readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 96);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}side-by-side`;
const publish = 8630;
const url = `http://127.0.0.1:${publish}`;
const webHosts = ["web-01", "web-02"];
const standard = threeHosts(number);
const image = process.env.TRILITHON_HOST_IMAGE;

let stack: TestStack;
let more: Record<string, unknown> = {};

const shop = {
  source: join(__dirname, "side-by-side"),
  start: ["node", "server.mjs"],
  packages: { nodejs: "present" },
  ...{ port: 3001, domains: ["shop.foobar.com"], environment: { CALLED: "shop" } },
};
const cache = { kind: "valkey", hosts: ["web-02"], persistent: true };

async function configure(change: Record<string, unknown>): Promise<void> {
  more = { ...more, ...change };
  await stack.configure({
    ...standard,
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_600 },
      ...(image && { image }),
    },
    ...more,
  });
}

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  await configure({});
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

const ofShop = async (path: string, host = "shop.foobar.com") => {
  const headers = { Host: host };
  const { status, body } = await request({ url: `${url}${path}`, headers, deadlineSeconds: 30 });
  return { status, text: body.trim() };
};

const accounts = () =>
  stack.on(
    "web-01",
    "mysql -BNe \"SELECT DISTINCT user FROM mysql.user WHERE user IN ('shop', 'guestbook') ORDER BY user\"",
  );

const startsOf = (unit: string) =>
  Promise.all(webHosts.map((host) => stack.on(host, `systemctl show -P InvocationID ${unit}`)));

const hasNothingToDo = async (t: ExecutionContext) => {
  const { updates, warnings } = await readPreview(stack);
  t.deepEqual([updates, warnings], [[], []]);
};

/** Changes the settings while the first application is asked and written to, and that never fails. */
async function changeUnderLoad(
  t: ExecutionContext,
  change: Record<string, unknown>,
  look?: (preview: Preview) => void,
) {
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
  try {
    await configure(change);
    if (look) look(await readPreview(stack));
    await stack.up();
  } finally {
    await load.stop();
  }
  const { failures, answered, writes } = await load.stop();
  t.deepEqual(failures, {});
  t.log(`${answered} requests answered, ${writes} of them writes, 0 failed`);
  await hasNothingToDo(t);
}

test.serial(
  "a second application comes by one line, and the first one is not touched",
  async (t) => {
    await hasNothingToDo(t);
    const before = await startsOf("guestbook");
    await changeUnderLoad(t, { "trilithon:applications": { shop } }, ({ updates }) => {
      const changed = updates.map(({ resource }) => resource);
      t.deepEqual(
        changed.filter((name) => !/shop/.test(name)).sort(),
        // The account of the first may have half of the connections from now on, and the passwords are of two.
        [
          ...["database-content", "database-password-retirement", "load-balancer-lb-01-service"],
          ...["web-01-nginx-service", "web-02-nginx-service"],
        ],
      );
    });
    t.deepEqual(await startsOf("guestbook"), before);
    t.regex((await ofShop("/")).text, /^shop on web-0[12]$/);
    t.is((await fetch(`${url}/`)).status, 200);
  },
);

const asAccount = (user: string, statement: string) =>
  stack.try(
    "web-01",
    `set -a; . /etc/${user}/environment; . /etc/${user}/secrets; MYSQL_PWD=$DATABASE_PASSWORD mysql -h 127.0.0.1 -P "$DATABASE_PORT" -u "$DATABASE_USER" -BNe "${statement}"`,
  );

test.serial("each has a database of its own, and sees no other", async (t) => {
  const made = await asAccount(
    "shop",
    "CREATE TABLE shop.goods (id INT PRIMARY KEY); INSERT INTO shop.goods VALUES (7)",
  );
  t.is(made.status, 0, made.stderr);
  t.is((await asAccount("shop", "SELECT id FROM shop.goods")).stdout.trim(), "7");
  t.regex(
    (await asAccount("shop", "SHOW DATABASES")).stdout,
    /^(information_schema|performance_schema|shop|\n)+$/,
  );
  for (const [user, table] of [
    ["shop", "guestbook.entries"],
    ["guestbook", "shop.goods"],
  ] as const) {
    t.regex((await asAccount(user, `SELECT * FROM ${table}`)).stderr, /denied/, user);
  }
  t.is(
    (await asAccount("guestbook", "SELECT COUNT(*) > 0 FROM guestbook.entries")).stdout.trim(),
    "1",
  );
});

test.serial("a second application that breaks takes no host from the first", async (t) => {
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
  for (const host of webHosts) await stack.on(host, "touch /var/lib/shop/broken; sleep 4");
  const { status, text } = await ofShop("/");
  t.is(status, 503);
  t.regex(text, /shop\.foobar\.com cannot answer/);
  for (const host of webHosts) await stack.on(host, "rm /var/lib/shop/broken");
  const { failures, servers } = await load.stop();
  t.deepEqual(failures, {});
  t.deepEqual(Object.keys(servers).sort(), webHosts);
});

test.serial("a release of the second drains the second alone", async (t) => {
  const before = await startsOf("guestbook");
  const environment = { CALLED: "the shop" };
  const change = { "trilithon:applications": { shop: { ...shop, environment } } };
  await changeUnderLoad(t, change, ({ sentences }) => {
    t.regex(sentences["shop-web-01"] ?? "", /drain the host and restart shop \(no request lost/);
  });
  t.deepEqual(await startsOf("guestbook"), before);
  t.regex((await ofShop("/")).text, /^the shop on web-0[12]$/);
  const lines = stack.said.join("\n").split("\n");
  t.deepEqual(
    lines.filter((line) => /requests still under way .* cut off/.test(line)),
    [],
  );
});

test.serial("a private service comes by one line, and is told to the applications", async (t) => {
  await changeUnderLoad(t, { "trilithon:services": { cache } });
  const counts = new Set<string>();
  for (let n = 0; n < 4; n += 1) counts.add((await ofShop("/count")).text);
  t.deepEqual([...counts], ["+OK :1", "+OK :2", "+OK :3", "+OK :4"]);
  const listening = await stack.on(
    "web-02",
    "ss -Hltn 'sport = :6379' | awk '{ print $4 }' | sort",
  );
  t.is(listening, `127.0.0.1:6379\n172.31.${number}.22:6379\n`);
  const asked = await stack.on(
    "web-01",
    `printf 'GET visits\\r\\nQUIT\\r\\n' | openssl s_client -quiet -verify_return_error -CAfile /etc/shop/cache-authority.pem -connect 172.31.${number}.22:7379 2>/dev/null`,
  );
  t.regex(asked, /^-NOAUTH/);
  const password =
    /CACHE_PASSWORD="([^"]+)"/.exec(await stack.on("web-01", "cat /etc/shop/secrets"))?.[1] ??
    "none";
  t.false(stack.said.join("").includes(password));
});

test.serial(
  "what is changed of it by hand is seen and mended, and what it holds is kept",
  async (t) => {
    await stack.on(
      "web-02",
      "systemctl stop valkey-server; sed -i 's/^maxmemory .*/maxmemory 1mb/' /etc/trilithon/valkey.conf",
    );
    const { sentences, updates } = await readPreview(stack);
    t.deepEqual(
      updates.map(({ resource }) => resource),
      ["service-cache-web-02-service"],
    );
    t.regex(sentences["service-cache-web-02-service"] ?? "", /start valkey-server/);
    await stack.up();
    await hasNothingToDo(t);
    t.is((await ofShop("/count")).text, "+OK :5");
  },
);

test.serial(
  "one of another name takes over before the former one goes, with its data",
  async (t) => {
    const visits: string[] = [];
    let isOver = false;
    const visiting = (async () => {
      while (!isOver) {
        const { status, text } = await ofShop("/").catch((error) => ({
          status: 0,
          text: String(error),
        }));
        visits.push(status === 200 ? text.replace(/ on .*/, "") : `${status} ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const store = {
      ...shop,
      port: 3002,
      database: { name: "shop" },
      environment: { CALLED: "store" },
    };
    await changeUnderLoad(t, { "trilithon:applications": { store } }, ({ updates }) => {
      t.false(updates.some(({ resource }) => /^database/.test(resource)));
    });
    isOver = true;
    await visiting;
    t.deepEqual([...new Set(visits)], ["the shop", "store"]);
    t.is((await asAccount("store", "SELECT id FROM shop.goods")).stdout.trim(), "7");
    t.not((await stack.try("web-01", "systemctl is-active shop")).stdout.trim(), "active");
  },
);

test.serial(
  "the service and the second application go by one line each, and what holds data stays",
  async (t) => {
    await changeUnderLoad(t, { "trilithon:services": {} });
    t.is(
      (await stack.try("web-02", "systemctl is-active valkey-server")).stdout.trim(),
      "inactive",
    );
    t.regex(await stack.on("web-02", "ls /var/lib/valkey"), /appendonly/);
    t.is((await ofShop("/count")).text, "no cache");
    t.is(await accounts(), "guestbook\nshop\n");
    await changeUnderLoad(t, { "trilithon:applications": {} }, ({ sentences }) => {
      t.regex(
        sentences["database-password-retirement"] ?? "",
        /^web-01: forget the password of shop, whose account is dropped once all else is done, and whose database stays/,
      );
    });
    t.is(await accounts(), "guestbook\n");
    for (const host of webHosts) {
      t.is((await stack.on(host, "ls /etc/nginx/conf.d")).trim(), "trilithon.conf");
      t.is((await stack.try(host, "ls /etc/systemd/system/store.service /srv/store")).stdout, "");
    }
    t.is((await stack.on("web-01", "mysql -BNe 'SELECT id FROM shop.goods'")).trim(), "7");
  },
);

test.serial("what comes back finds what it had, also below a path of the first one", async (t) => {
  const { domains: _, ...rest } = shop;
  const environment = { CALLED: "shop below", BASE: "/shop" };
  await changeUnderLoad(t, {
    "trilithon:applications": { shop: { ...rest, paths: ["/shop"], environment } },
    "trilithon:services": { cache: { ...cache, applications: ["shop"] } },
  });
  t.is((await asAccount("shop", "SELECT id FROM shop.goods")).stdout.trim(), "7");
  t.is(await accounts(), "guestbook\nshop\n");
  t.is((await ofShop("/shop/count", "www.foobar.com")).text, "+OK :6");
  t.regex((await ofShop("/shop/", "www.foobar.com")).text, /^shop below on web-0[12]$/);
  t.notRegex((await ofShop("/", "www.foobar.com")).text, /^shop/);
});

test.serial(
  "the first one of another name is up at another port before the former one stops",
  async (t) => {
    const sample = Object(standard["trilithon:application"]);
    const change = { "trilithon:application": { ...sample, name: "book", port: 3005 } };
    await changeUnderLoad(t, change, ({ sentences }) => {
      t.regex(
        sentences["application-web-01"] ?? "",
        /book\.service starts, and then guestbook\.service stops; .* \/srv\/guestbook are removed/,
      );
    });
    for (const host of webHosts) {
      t.is((await stack.try(host, "systemctl is-active guestbook")).stdout.trim(), "inactive");
      t.is((await stack.on(host, "systemctl is-active book")).trim(), "active");
    }
  },
);

test.serial("a database of another name is a new one, and the former one stays", async (t) => {
  const count = () =>
    stack.on("web-01", "mysql -BNe 'SELECT COUNT(*) FROM guestbook.entries'").then(Number);
  await changeUnderLoad(
    t,
    { "trilithon:database": { name: "notes" } },
    ({ sentences, warnings }) => {
      t.regex(sentences["database-content"] ?? "", /create database notes, .*create account notes/);
      t.true(
        warnings.some((warning) =>
          warning.includes(
            "database notes is empty: what is in guestbook stays there, and nothing is copied",
          ),
        ),
        warnings.join("\n"),
      );
    },
  );
  t.true((await count()) > 0);
  t.is(await accounts(), "guestbook\nshop\n");
});
