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
  new Application("shop", {
    hosts,
    database,
    name: "shop",
    source,
    build: { command: "make", output: "./nowhere/shop" },
    start: ["python3", "serve.py"],
    release: { command: ["bin/migrate"] },
    processes: {
      mail: { command: ["python3", "mail.py"], memoryMegabytes: 256, cpuPercent: 50 },
      queue: { command: ["bin/queue"], count: 2, ready: { command: ["bin/ping", "$A"] } },
    },
    jobs: {
      report: { command: ["bin/report"], schedule: "Mon..Fri 08:00 Europe/Berlin" },
      clean: { command: ["bin/clean"], schedule: "daily", perHost: true, persistent: true },
    },
    packages: { python3: "present" },
    environment: { GREETING: "hello", TOKEN: pulumi.secret("planted"), WORKERS: 4 },
  });
  new Application("alone", { hosts: [primary], name: "alone", source, start: ["ruby", "main.rb"] });
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
          release: { command: [], deadlineSeconds: 0 },
          processes: {
            release: { command: ["x"] },
            mail: { command: ["x"], count: 0, ready: { command: ["x"], staySeconds: 1 } },
          },
          jobs: { report: { command: ["x"], schedule: "*/5 * * * *" } },
          healthPath: "up",
          packages: { "no good": "present" },
          environment: { "no-good": "x", TOKEN: pulumi.secret("x") },
        }),
    ),
    refused(() => new Application("bad", { hosts, name: "bad", source: "./nope", start: ["x"] })),
    refused(
      () => new MysqlPair("bad", { primary, replicas: [], name: "a-b", bufferPoolPercent: 99 }),
    ),
  ];
  const ofRuntimes = [
    refused(() => new Application("bad", { ...served, name: "bad" })),
    refused(
      () => new Application("bad", { ...served, name: "bad", runtime: "php-fpm", start: ["x"] }),
    ),
  ];
  await settle();
  return { world, messages, ofRuntimes, php };
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
    t.like(inputs, { root: "/srv/shop.assets", part: "public", version: first.inputs.version });
    t.true(first.startedAt > endedAt);
  }
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
DATABASE_SSL="required"
DATABASE_USER="shop"
GREETING="hello"
HOST="127.0.0.1"
HOST_NAME="b"
PORT="3000"
WORKERS="4"
`,
  );
  t.like(secret, { mode: "0600" });
  const hidden = JSON.stringify(secret);
  t.true(hidden.includes("planted") && hidden.includes("password-of-database-password"));
});

test("drains where another host can take over, and only there", async (t) => {
  const { world } = await program;
  t.like(world.find(release, "shop-a").inputs.drain, { file: "/run/shop.drain", seconds: 3 });
  t.is(world.find(release, "alone-a").inputs.drain, undefined);
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

test("has units for its other processes, which are confined like the one that serves", async (t) => {
  const { world } = await program;
  const { moreUnits, files } = world.find(release, "shop-b").inputs;
  t.deepEqual(Object.keys(Object(moreUnits)).sort(), [
    "shop-clean.timer",
    "shop-mail.service",
    "shop-queue@1.service",
    "shop-queue@2.service",
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

test("has timers for its jobs, on the first host unless they are for each", async (t) => {
  const { world } = await program;
  const { moreUnits, files } = world.find(release, "shop-a").inputs;
  const timers = Object.keys(Object(moreUnits)).filter((unit) => unit.endsWith(".timer"));
  t.deepEqual(timers.sort(), ["shop-clean.timer", "shop-report.timer"]);
  const { value } = Object(files);
  const text = (name: string) => String(contentOf(value[`/etc/systemd/system/shop-${name}`]));
  t.regex(
    text("report.timer"),
    /\nOnCalendar=Mon\.\.Fri 08:00 Europe\/Berlin\n[\s\S]*\nPersistent=no\n/,
  );
  t.regex(text("clean.timer"), /\nOnCalendar=daily UTC\n[\s\S]*\nPersistent=yes\n/);
  t.regex(text("report.service"), /\nType=oneshot\nUser=shop\n[\s\S]*\nTimeoutStartSec=3600\n/);
  t.regex(text("report.service"), /\nEnvironmentFile=\/etc\/shop\/secrets\n/);
  t.regex(text("report.service"), /\nExecStart=\/srv\/shop\/current\/bin\/report\n/);
});

test("runs PHP-FPM as its unit, and asks it over FastCGI", async (t) => {
  const { world, php } = await program;
  t.deepEqual(php.fastCgi, { socket: "/run/api/php-fpm.sock", entryScripts: [] });
  const packages = (name: string) =>
    world.find("trilithon:index:Packages", `${name}-a-packages`).inputs.packages;
  t.deepEqual(packages("api"), { "php-fpm": "present" });
  t.deepEqual(packages("blog"), { "php8.3-fpm": "present", "php8.3-mysql": "present" });
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
    `Application bad: name: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and names no other service, got "Bad"
Application bad: start: expected a command as a list of words, got an empty list
Application bad: release.command: expected a command as a list of words, got an empty list
Application bad: release.deadlineSeconds: expected an integer from 1 to 86400, got 0
Application bad: processes.mail.count: expected an integer from 1 to 100, got 0
Application bad: processes.mail.ready: expected either command or staySeconds, got both
Application bad: processes.release: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not release, got "release"
Application bad: jobs.report.schedule: expected a schedule as systemd's OnCalendar has it, such as *-*-* 02:30, Mon..Fri 08:00 Europe/Berlin or *:0/5, got "*/5 * * * *"
Application bad: packages.no good: expected a Debian package name such as nginx or libc6:i386, got "no good"
Application bad: environment.no-good: expected a variable name of letters, digits and underscores that starts with no digit, got "no-good"
Application bad: healthPath: expected a path such as /healthz, got "up"
Application bad: port: expected an integer from 1024 to 65535, got 80`,
    `the folder of the application does not exist: ${process.cwd()}/nope`,
    `MysqlPair bad: name: expected a database name of at most 32 letters, digits and underscores that MySQL and the cluster do not use themselves, got "a-b"
MysqlPair bad: bufferPoolPercent: expected an integer from 5 to 80, got 99`,
  ]);
});
