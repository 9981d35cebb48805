import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { mockPulumi, settle } from "./mocks";

const source = "./test/components/render";
const release = "trilithon:index:Release";

const program = run();

async function run() {
  const world = await mockPulumi();
  const { Application } = await import("../../components/application");
  const { MysqlPair } = await import("../../components/database");
  const { makeHost } = await import("./hosts-for-tests");
  const hosts = [makeHost("a", "10.0.0.1"), makeHost("b", "10.0.0.2")];
  const [primary, replica] = hosts;
  if (primary === undefined || replica === undefined) throw new Error("no hosts");
  const database = new MysqlPair("database", { primary, replicas: [replica], name: "shop" });
  const shop = new Application("shop", {
    hosts,
    database,
    name: "shop",
    source,
    build: { command: "make", output: "./nowhere/shop" },
    start: ["python3", "serve.py"],
    release: { command: ["bin/migrate"], after: { command: ["bin/warm"], deadlineSeconds: 30 } },
    strategy: { canary: { seconds: 60 } },
    processes: {
      mail: { command: ["python3", "mail.py"], memoryMegabytes: 256, cpuPercent: 50 },
      queue: { command: ["bin/queue"], count: 2, ready: { command: ["bin/ping", "$A"] } },
    },
    jobs: {
      report: { command: ["bin/report"], schedule: "Mon..Fri 08:00 Europe/Berlin" },
      clean: { command: ["bin/clean"], schedule: "daily", perHost: true, persistent: true },
    },
    packages: { python3: "present" },
    persistent: ["storage", "public/uploads"],
    assets: { keepVersions: 6, immutable: ["/assets/*"] },
    unit: { allow: ["namespaces"], rawLines: ["LimitNOFILE=65536"] },
    environment: {
      ...{ GREETING: "hello", TOKEN: pulumi.secret("planted"), WORKERS: 4 },
      database__connection__host: { database: "host" },
      WORDPRESS_DB_HOST: { database: "{host}:{port}" },
      RAILS_URL: { database: "mysql2://{user}:{password}@{host}:{port}/{name}?pool=5" },
      DB_PASS: { database: "password" },
      READ_FROM: { database: pulumi.secret("{readHost}/hidden") },
    },
  });
  const loadBalancers = [
    { address: "10.0.0.11", host: primary.host },
    { address: "10.0.0.12", host: replica.host },
  ];
  const share = { hosts, source, start: ["x"], strategy: { canary: { percent: 5 } } } as const;
  new Application("share", { ...share, name: "share", backend: "share_web", loadBalancers });
  const [awayFirst, hereLast] = [{ ...primary, away: true }, replica];
  new Application("unshared", {
    ...{ ...share, hosts: [awayFirst, hereLast], name: "unshared", loadBalancers },
  });
  const alone = new Application("alone", {
    hosts: [primary],
    name: "alone",
    source,
    start: ["ruby", "main.rb"],
  });
  new Application("single", {
    ...{ hosts: [primary], database, name: "single", source, start: ["ruby", "main.rb"] },
    jobs: { report: { command: ["bin/report"], schedule: "daily" } },
  });
  new Application("closed", {
    ...{ hosts, name: "closed", source, start: ["ruby", "main.rb"], strategy: "all-at-once" },
  });
  const served = { hosts: [primary], source };
  const php = new Application("api", { ...served, name: "api", runtime: "php-fpm" });
  new Application("blog", {
    ...{ ...served, name: "blog", healthPath: "/wp-login.php", domain: "blog.example.com" },
    runtime: { name: "php-fpm", children: 4, entryScripts: ["wp-*.php"], ini: { precision: 17 } },
    packages: { "php8.3-fpm": "present", "php8.3-mysql": "present" },
    stopSeconds: 45,
  });
  const [away, here] = [{ ...primary, away: true }, replica];
  new Application("away", {
    ...{ hosts: [away, here], name: "away", source, start: ["ruby", "main.rb"] },
    release: { command: ["bin/migrate"] },
    jobs: { report: { command: ["bin/report"], schedule: "daily", deadlineSeconds: 60 } },
  });
  const refused = (make: () => unknown): string => {
    try {
      make();
      return "nothing";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const messages = [
    refused(
      () =>
        new Application("bad", {
          hosts,
          name: "Bad",
          source,
          start: [],
          port: 80,
          release: { command: [], deadlineSeconds: 0, after: { command: [] } },
          strategy: { canary: { seconds: 0, percent: 10 } },
          processes: {
            release: { command: ["x"] },
            mail: { command: ["x"], count: 0, ready: { command: ["x"], staySeconds: 1 } },
          },
          jobs: { report: { command: ["x"], schedule: "*/5 * * * *" } },
          healthPath: "up",
          persistent: ["../etc", "public"],
          shared: { folders: [], port: 80 },
          assets: { keepVersions: 0, immutable: ["assets", "/a b"] },
          unit: {
            allow: ["devices", "everything" as never],
            rawLines: [
              "[Install]",
              "MemoryMax=1G",
              "ExecStart=/bin/sh",
              "LimitNOFILE=1\\",
              "A=\nB=1",
            ],
          },
          packages: { "no good": "present" },
          environment: {
            ...{ "no-good": "x", TOKEN: pulumi.secret("x"), A: { database: "hots" } },
            ...{ B: { database: "{host}/{nmae}" }, C: { databse: "url" }, D: null, E: {} },
            F: { database: pulumi.output("?") },
          } as never,
        }),
    ),
    refused(
      () =>
        new Application("bad", {
          ...{ hosts, name: "bad", source, start: ["x"] },
          persistent: ["storage", "storage/app", "tmp", "tmp"],
          shared: { folders: ["storage", "other", "storage"] },
          environment: { DB_HOST: { database: "host" } },
        }),
    ),
    refused(() => new Application("bad", { hosts, name: "bad", source: "./nope", start: ["x"] })),
    refused(
      () => new MysqlPair("bad", { primary, replicas: [], name: "a-b", bufferPoolPercent: 99 }),
    ),
  ];
  const ofShares = [
    refused(
      () => new Application("bad", { ...share, hosts: [primary], name: "bad", loadBalancers }),
    ),
    refused(() => new Application("bad", { ...share, name: "bad" })),
    refused(
      () =>
        new Application("bad", {
          ...share,
          name: "bad",
          loadBalancers: [{ address: "10.0.0.11" }],
        }),
    ),
  ];
  const ofRuntimes = [
    refused(() => new Application("bad", { ...served, name: "bad" })),
    refused(
      () => new Application("bad", { ...served, name: "bad", runtime: "php-fpm", start: ["x"] }),
    ),
  ];
  await settle();
  return { world, messages, shop, alone, ofRuntimes, ofShares, php };
}

function contentOf(file: unknown): unknown {
  return typeof file === "object" && file !== null && "content" in file ? file.content : undefined;
}

test("releases what was built, one host after the other", async (t) => {
  const { world } = await program;
  const [first, second] = [world.find(release, "shop-a"), world.find(release, "shop-b")];
  t.is(first.inputs.source, "./nowhere/shop");
  t.regex(String(first.inputs.version), /^[0-9a-f]{16}$/);
  t.is(first.inputs.version, second.inputs.version);
  t.true(second.startedAt > first.endedAt);
  t.like(first.inputs, { build: "make", exclude: [".git"] });
  // Static files are on every host before any serves pages that name them.
  const assets = [world.find(release, "shop-a-assets"), world.find(release, "shop-b-assets")];
  for (const { inputs, endedAt } of assets) {
    t.like(inputs, {
      root: "/srv/shop.assets",
      part: "public",
      ahead: "/srv/shop",
      version: first.inputs.version,
    });
    t.true(first.startedAt > endedAt);
  }
});

test("the files of former versions stay where Nginx looks for them", async (t) => {
  const { world, shop, alone } = await program;
  const folders = (name: string, links: readonly string[]) => [
    `/srv/${name}.assets/current`,
    ...links.map((link) => `/srv/${name}/${link}/public`),
  ];
  const three = ["previous", "previous-2", "previous-3"];
  const six = [...three, "previous-4", "previous-5", "previous-6"];
  t.deepEqual(shop.otherPublicFolders, folders("shop", six));
  t.like(world.find(release, "shop-a").inputs, { previous: 6, keep: 6 });
  t.deepEqual(shop.immutablePaths, ["/assets/*"]);
  t.deepEqual(alone.otherPublicFolders, folders("alone", three));
  t.like(world.find(release, "alone-a").inputs, { previous: 3, keep: undefined });
  t.is(alone.immutablePaths, undefined);
});

test("keeps secrets in a file of their own", async (t) => {
  const { world } = await program;
  // Pulumi's mocks mark the whole property where a part of it is secret.
  const { value: files } = Object(world.find(release, "shop-b").inputs.files);
  const { "/etc/shop/environment": open, "/etc/shop/secrets": secret } = Object(files);
  t.is(
    contentOf(open),
    `# Written by trilithon.
DATABASE_NAME="shop"
DATABASE_PORT="3306"
DATABASE_PRIMARY_HOST="10.0.0.1"
DATABASE_READ_HOST="10.0.0.2"
DATABASE_REPLICA_HOSTS="10.0.0.2"
DATABASE_SSL="verify"
DATABASE_SSL_CA="/etc/shop/database-authority.pem"
DATABASE_SSL_CA_SHA256="2145704ff64c23cdfb0290ae78a359d4b351480cb7f853173fde50ce38ee04c9"
DATABASE_USER="shop"
GREETING="hello"
HOST="127.0.0.1"
HOST_NAME="b"
PORT="3000"
WORDPRESS_DB_HOST="10.0.0.1:3306"
WORKERS="4"
database__connection__host="10.0.0.1"
`,
  );
  t.is(Object(open).format, "environment");
  t.like(secret, { mode: "0600" });
  const hidden = JSON.stringify(secret);
  t.true(hidden.includes("planted") && hidden.includes("password-of-database-password"));
  const url = "shop:password-of-database-password@10.0.0.1:3306/shop";
  t.deepEqual(String(contentOf(secret)).split("\n").slice(1, -1), [
    'DATABASE_PASSWORD="password-of-database-password"',
    `DATABASE_READ_URL="mysql://${url.replace("0.1", "0.2")}"`,
    `DATABASE_URL="mysql://${url}"`,
    'DB_PASS="password-of-database-password"',
    `RAILS_URL="mysql2://${url}?pool=5"`,
    'READ_FROM="10.0.0.2/hidden"',
    'TOKEN="planted"',
  ]);
});

test("drains where another host can take over, and only there", async (t) => {
  const { world } = await program;
  t.like(world.find(release, "shop-a").inputs.drain, { file: "/run/shop.drain", seconds: 3 });
  t.is(world.find(release, "alone-a").inputs.drain, undefined);
});

test("all at once needs several hosts, and tells each of all", async (t) => {
  const { world } = await program;
  const { together } = world.find(release, "closed-b").inputs;
  t.deepEqual(
    Object(together).hosts.map(({ name }: { name: string }) => name),
    ["a", "b"],
  );
  t.is(world.find(release, "shop-b").inputs.together, undefined);
});

test("watches a canary on the first host alone", async (t) => {
  const { world } = await program;
  const accessLog = "/var/log/nginx/trilithon.access.log";
  t.deepEqual(world.find(release, "shop-a").inputs.watch, { seconds: 60, accessLog });
  t.is(world.find(release, "shop-b").inputs.watch, undefined);
  t.is(world.find(release, "alone-a").inputs.watch, undefined);
});

test("a canary's share is set on all load balancers, where there is another server", async (t) => {
  const { world } = await program;
  const { share, ...watch } = Object(world.find(release, "share-a").inputs.watch);
  t.deepEqual(watch, { accessLog: "/var/log/nginx/trilithon-share.access.log" });
  t.is(share.percent, 5);
  t.deepEqual(
    share.hosts.map(({ name }: { name: string }) => name),
    ["a", "b"],
  );
  t.deepEqual(
    [share.begin, share.end].map((words: string[]) => words.slice(4)),
    ["begin", "end"].map((what) => [
      ...[what, "a", "5", "share_web", "share_web_once", "share_web_shared"],
    ]),
  );
  t.is(world.find(release, "share-b").inputs.watch, undefined);
  t.deepEqual(Object.keys(Object(world.find(release, "unshared-b").inputs.watch)), ["accessLog"]);
});

test("a share is refused where there is nobody to share with, or nobody who shares", async (t) => {
  const { ofShares } = await program;
  const path = "Application bad: strategy.canary.percent";
  const remedy = "give loadBalancers, each with its host";
  t.deepEqual(ofShares, [
    `${path}: expected no percent on one host, got 5: it has all requests; leave it out`,
    `${path}: expected no percent without load balancers, got 5: ${remedy}`,
    `${path}: expected no percent without load balancers, got 5: ${remedy}`,
  ]);
});

test("migrates on the first host that is not away, in the folder of the new version", async (t) => {
  const { world } = await program;
  const { version, releaseCommand } = world.find(release, "shop-a").inputs;
  t.like(releaseCommand, {
    command: ["bin/migrate"],
    environmentFiles: ["/etc/shop/environment", "/etc/shop/secrets"],
  });
  t.true(
    String(Object(releaseCommand).unit).includes(
      `ExecStart=/srv/shop/releases/${version}/bin/migrate\n`,
    ),
  );
  t.is(world.find(release, "shop-b").inputs.releaseCommand, undefined);
  t.is(world.find(release, "away-a").inputs.releaseCommand, undefined);
  t.like(world.find(release, "away-b").inputs.releaseCommand, { command: ["bin/migrate"] });
});

test("warms up on the last host, and each of both asks the other one what it ran", async (t) => {
  const { world } = await program;
  const { version, afterCommand } = world.find(release, "shop-b").inputs;
  t.like(afterCommand, { command: ["bin/warm"], deadlineSeconds: 30, elsewhere: [{ name: "a" }] });
  t.true(
    String(Object(afterCommand).unit).includes(
      `ExecStart=/srv/shop/releases/${version}/bin/warm\n`,
    ),
  );
  const { inputs } = world.find(release, "shop-a");
  t.is(inputs.afterCommand, undefined);
  t.like(inputs.releaseCommand, { elsewhere: [{ name: "b" }] });
});

test("has units for its other processes, which are confined like the one that serves", async (t) => {
  const { world } = await program;
  const { moreUnits, files } = world.find(release, "shop-b").inputs;
  t.deepEqual(Object.keys(Object(moreUnits)).sort(), [
    "shop-clean.timer",
    "shop-mail.service",
    "shop-queue@1.service",
    "shop-queue@2.service",
    "shop-report.timer",
  ]);
  t.like(moreUnits, {
    "shop-mail.service": { ready: { staySeconds: 5, deadlineSeconds: 60 } },
    "shop-queue@1.service": { ready: { deadlineSeconds: 60 } },
  });
  const { command } = Object(moreUnits)["shop-queue@1.service"].ready;
  t.deepEqual(command.slice(-3), ["--", "/srv/shop/current/bin/ping", "$$A"]);
  t.true(command.includes("User=shop") && command.includes("EnvironmentFile=/etc/shop/secrets"));
  const { value } = Object(files);
  const text = String(contentOf(value["/etc/systemd/system/shop-mail.service"]));
  t.regex(text, /\nDescription=shop: mail\n[\s\S]*\nMemoryMax=256M\nCPUQuota=50%\n\n/);
  const web = String(contentOf(value["/etc/systemd/system/shop.service"]));
  const confinement = (unit: string) => /# What it may write to[^[]*/.exec(unit)?.[0];
  t.is(confinement(text), confinement(web));
  t.regex(
    String(contentOf(value["/etc/systemd/system/shop-queue@.service"])),
    /\nExecStart=\/srv\/shop\/current\/bin\/queue\n/,
  );
  t.is(world.find(release, "alone-a").inputs.moreUnits, undefined);
});

test("what its unit may do more holds for all of its processes", async (t) => {
  const { world } = await program;
  const { files, releaseCommand } = world.find(release, "shop-a").inputs;
  const { value } = Object(files);
  const units = ["shop.service", "shop-mail.service", "shop-queue@.service", "shop-report.service"];
  const texts = units.map((unit) => String(contentOf(value[`/etc/systemd/system/${unit}`])));
  for (const text of [...texts, String(Object(releaseCommand).unit)]) {
    t.regex(
      text,
      /\nSystemCallErrorNumber=EPERM\nSystemCallFilter=@mount\nLimitNOFILE=65536\n(\n|$)/,
    );
    t.false(text.includes("RestrictNamespaces"));
  }
});

test("has timers for its jobs on each host where a database says which of them runs one", async (t) => {
  const { world } = await program;
  for (const host of ["shop-a", "shop-b"]) {
    const { moreUnits, files } = world.find(release, host).inputs;
    const timers = Object.keys(Object(moreUnits)).filter((unit) => unit.endsWith(".timer"));
    t.deepEqual(timers.sort(), ["shop-clean.timer", "shop-report.timer"]);
    const { value } = Object(files);
    const text = (name: string) => String(contentOf(value[`/etc/systemd/system/shop-${name}`]));
    t.regex(
      text("report.timer"),
      /\nOnCalendar=Mon\.\.Fri 08:00 Europe\/Berlin\n[\s\S]*\nPersistent=no\n/,
    );
    t.regex(text("clean.timer"), /\nOnCalendar=daily UTC\n[\s\S]*\nPersistent=yes\n/);
    t.regex(
      text("report.service"),
      /\nType=oneshot\nUser=shop\n[\s\S]*\nEnvironmentFile=\/etc\/shop\/secrets\n/,
    );
    t.regex(
      text("report.service"),
      /\nExecStart=\/usr\/local\/sbin\/trilithon-shop-job report "Mon\.\.Fri 08:00 Europe\/Berlin" 3600 \/srv\/shop\/current\/bin\/report\n/,
    );
    t.regex(text("report.service"), /\nKillMode=mixed\nTimeoutStartSec=3720\n/);
    t.regex(text("clean.service"), /\nExecStart=\/srv\/shop\/current\/bin\/clean\n/);
    t.regex(text("clean.service"), /\nTimeoutStartSec=3600\n/);
    t.like(value["/usr/local/sbin/trilithon-shop-job"], { mode: "0755", onChange: "nothing" });
    const access = value["/etc/shop/jobs.cnf"];
    t.like(access, { mode: "0640", group: "shop", onChange: "nothing" });
    t.regex(
      String(contentOf(access)),
      /\n\[client\]\nhost=10\.0\.0\.1\nport=3306\nuser=shop\npassword="[^"]+"\nssl-mode=VERIFY_IDENTITY\nssl-ca=\/etc\/shop\/database-authority\.pem\n/,
    );
    t.deepEqual(world.find("trilithon:index:Packages", `${host}-job-packages`).inputs.packages, {
      "mysql-client": "present",
    });
  }
});

test("a host that is alone asks nobody before it runs a job", async (t) => {
  const { world } = await program;
  const { value } = Object(world.find(release, "single-a").inputs.files);
  t.is(value["/etc/single/jobs.cnf"], undefined);
  const text = String(contentOf(value["/etc/systemd/system/single-report.service"]));
  t.regex(text, /\nExecStart=\/srv\/single\/current\/bin\/report\n/);
});

test("has timers for its jobs on the first host where no database can say so", async (t) => {
  const { world } = await program;
  t.is(world.find(release, "away-a").inputs.moreUnits, undefined);
  const { moreUnits, files } = world.find(release, "away-b").inputs;
  t.deepEqual(Object.keys(Object(moreUnits)), ["away-report.timer"]);
  const { value } = Object(files);
  t.is(value["/etc/away/jobs.cnf"], undefined);
  const text = String(contentOf(value["/etc/systemd/system/away-report.service"]));
  t.regex(text, /\nExecStart=\/srv\/away\/current\/bin\/report\nTimeoutStartSec=60\n/);
});

test("keeps folders that outlive versions in its state folder, as its user", async (t) => {
  const { world } = await program;
  t.deepEqual(world.find(release, "shop-b").inputs.persistent, {
    storage: { folder: "/var/lib/shop/storage", owner: "shop" },
    "public/uploads": { folder: "/var/lib/shop/public/uploads", owner: "shop" },
  });
  t.is(world.find(release, "shop-b-assets").inputs.persistent, undefined);
  t.is(world.find(release, "alone-a").inputs.persistent, undefined);
});

test("by what versions are sent is there before them, and another one restarts nothing", async (t) => {
  const { world } = await program;
  for (const name of ["shop-a", "shop-b", "alone-a"]) {
    const packages = world.find("trilithon:index:Packages", `${name}-packages`);
    t.is(Object(packages.inputs.packages).zstd, "present");
    t.true(world.find(release, `${name}-assets`).startedAt > packages.endedAt);
  }
  t.deepEqual(world.find(release, "shop-a").inputs.runsWith, { python3: "3.13.5-1" });
});

test("runs PHP-FPM as its unit, and asks it over FastCGI", async (t) => {
  const { world, php } = await program;
  t.deepEqual(php.fastCgi, { socket: "/run/api/php-fpm.sock", entryScripts: [] });
  const packages = (name: string) => {
    const { inputs } = world.find("trilithon:index:Packages", `${name}-a-packages`);
    return Object.keys(Object(inputs.packages)).filter((one) => one !== "zstd");
  };
  t.deepEqual(packages("api"), ["php-fpm"]);
  t.deepEqual(packages("blog"), ["php8.3-fpm", "php8.3-mysql"]);
  const { files, ready } = world.find(release, "blog-a").inputs;
  const { value } = Object(files);
  const text = (path: string) => String(contentOf(value[path]));
  t.regex(
    text("/etc/systemd/system/blog.service"),
    /\nType=notify\n[\s\S]*\nExecStart=\/usr\/sbin\/php-fpm8\.3 --nodaemonize --fpm-config \/etc\/blog\/php-fpm\.conf\n/,
  );
  t.regex(text("/etc/blog/php-fpm.conf"), /\nprocess_control_timeout = 45\n/);
  t.regex(text("/etc/blog/php-fpm.conf"), /\npm\.max_children = 4\n[\s\S]*\[precision\] = 17\n/);
  t.notRegex(text("/etc/blog/environment"), /PORT/);
  const { command, deadlineSeconds } = Object(ready);
  t.is(deadlineSeconds, 60);
  t.true(command.includes("SCRIPT_NAME=/wp-login.php"));
  t.true(command.includes("HTTP_HOST=blog.example.com"));
  // Debian's php-fpm has the version of PHP as its own.
  const debian = Object(world.find(release, "api-a").inputs.files).value;
  t.regex(
    String(contentOf(debian["/etc/systemd/system/api.service"])),
    /\nExecStart=\/usr\/sbin\/php-fpm8\.4 /,
  );
});

test("a command is said by `start`, and PHP-FPM is none", async (t) => {
  const { ofRuntimes } = await program;
  t.deepEqual(ofRuntimes, [
    "Application bad: start: expected a command as a list of words, got nothing",
    "Application bad: start: expected nothing, as the runtime php-fpm starts itself, got a list",
  ]);
});

test("gives the account its own database and nothing else", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:MysqlContent", "database-content");
  const { shop } = Object(Object(inputs.accounts).value);
  t.deepEqual(shop.grants, {
    "shop.*": [
      "SELECT",
      "INSERT",
      "UPDATE",
      "DELETE",
      "CREATE",
      "ALTER",
      "DROP",
      "INDEX",
      "REFERENCES",
    ],
  });
});

test("refuses arguments, all faults at once", async (t) => {
  const { messages } = await program;
  t.deepEqual(messages, [
    `Application bad: name: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and names no other service, user, group or folder of the system, got "Bad"
Application bad: start: expected a command as a list of words, got an empty list
Application bad: release.command: expected a command as a list of words, got an empty list
Application bad: release.deadlineSeconds: expected an integer from 1 to 86400, got 0
Application bad: release.after.command: expected a command as a list of words, got an empty list
Application bad: processes.mail.count: expected an integer from 1 to 100, got 0
Application bad: processes.mail.ready: expected either command or staySeconds, got both
Application bad: processes.release: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not release or dependencies, got "release"
Application bad: jobs.report.schedule: expected a schedule as systemd's OnCalendar has it, such as *-*-* 02:30, Mon..Fri 08:00 Europe/Berlin or *:0/5, got "*/5 * * * *"
Application bad: strategy: expected one-by-one, all-at-once or { canary: { seconds: 1 to 600, maxErrorRatio: 0 to 1, percent: 1 to 99 } }, got an object
Application bad: packages.no good: expected a Debian package name such as nginx or libc6:i386, got "no good"
Application bad: environment.A.database: expected one of host, readHost, port, name, user, password, authority, url, readUrl, or a text with these in braces, got "hots"
Application bad: environment.B.database: expected one of host, readHost, port, name, user, password, authority, url, readUrl, or a text with these in braces, got "{host}/{nmae}"
Application bad: environment.C.database: expected one of host, readHost, port, name, user, password, authority, url, readUrl, or a text with these in braces, got nothing
Application bad: environment.C.databse: unknown, did you mean "database"?
Application bad: environment.D: expected text, a number, a boolean or { database: ... }, got nothing
Application bad: environment.E.database: expected one of host, readHost, port, name, user, password, authority, url, readUrl, or a text with these in braces, got nothing
Application bad: environment.no-good: expected a variable name of letters, digits and underscores that starts with no digit, got "no-good"
Application bad: assets.keepVersions: expected an integer from 1 to 20, got 0
Application bad: assets.immutable[0]: expected an address such as /assets/* or /static/*.????????.js, got "assets"
Application bad: assets.immutable[1]: expected an address such as /assets/* or /static/*.????????.js, got "/a b"
Application bad: unit.allow[1]: expected one of 32-bit, address-families, devices, filesystem, homes, low-ports, namespaces, personality, ptrace, realtime, set-user-id, shared-tmp, system-calls, got "everything"
Application bad: unit.rawLines[0]: expected a line of a unit's [Service] section, as MemoryMax=1G, that the unit does not have already, got "[Install]"
Application bad: unit.rawLines[2]: expected a line of a unit's [Service] section, as MemoryMax=1G, that the unit does not have already, got "ExecStart=/bin/sh"
Application bad: unit.rawLines[3]: expected a line of a unit's [Service] section, as MemoryMax=1G, that the unit does not have already, got "LimitNOFILE=1\\\\"
Application bad: unit.rawLines[4]: expected a line of a unit's [Service] section, as MemoryMax=1G, that the unit does not have already, got "A=\\nB=1"
Application bad: persistent[0]: expected a folder such as storage or public/uploads, of letters, digits and . _ - in each name, and not public itself, got "../etc"
Application bad: persistent[1]: expected a folder such as storage or public/uploads, of letters, digits and . _ - in each name, and not public itself, got "public"
Application bad: shared.folders: expected a list of folders, got an empty list
Application bad: shared.port: expected an integer from 1024 to 65535, got 80
Application bad: healthPath: expected a path such as /healthz, got "up"
Application bad: port: expected an integer from 1024 to 65535, got 80`,
    `Application bad: persistent[1]: expected a folder that is not, and is not below, another one of the list, got "storage/app"
Application bad: persistent[3]: expected a folder that is not, and is not below, another one of the list, got "tmp"
Application bad: shared.folders[1]: expected one of persistent, once, got "other"
Application bad: shared.folders[2]: expected one of persistent, once, got "storage"
Application bad: environment.DB_HOST: expected a text, a number or a boolean, as the application has no database`,
    `the folder of the application does not exist: ${process.cwd()}/nope`,
    `MysqlPair bad: name: expected a database name of at most 32 letters, digits and underscores that MySQL and the cluster do not use themselves, got "a-b"
MysqlPair bad: bufferPoolPercent: expected an integer from 5 to 80, got 99`,
  ]);
});
