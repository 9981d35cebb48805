/** Applications in a language, whose packages are made on the hosts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { mockPulumi, settle } from "./mocks";

const folder = mkdtempSync(join(tmpdir(), "trilithon-languages-"));
const release = "trilithon:index:Release";

/** Files by their names, each with the name for its content. */
function source(name: string, ...files: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const file of ["main", ...files]) writeFileSync(join(path, file), `${file}\n`);
  return path;
}

const program = run();

async function run() {
  const world = await mockPulumi();
  const { Application } = await import("../../components/application");
  const { makeHost } = await import("./hosts-for-tests");
  const served = { hosts: [makeHost("a", "10.0.0.1")], start: ["serve", "it"] };
  const make = (name: string, args: object) =>
    new Application(name, { ...served, name, source: join(folder, "python"), ...args });
  source("python", "requirements.txt");
  make("django", {
    runtime: "python",
    port: 8000,
    release: { command: ["python", "manage.py", "migrate"] },
    processes: { worker: { command: ["celery"], ready: { command: ["celery", "status"] } } },
    jobs: { clean: { command: ["./clean"], schedule: "daily" } },
    environment: { PYTHONUNBUFFERED: "0" },
  });
  make("built", { runtime: "python", build: { command: "make", output: "./nowhere" } });
  make("sent", { build: { command: "make", output: "./nowhere" } });
  make("uv", {
    runtime: {
      name: "python",
      dependencies: { command: ["sh", "-c", "x"], files: ["main"], deadlineSeconds: 5 },
    },
  });
  for (const content of ["one", "two"]) {
    const path = source(content);
    mkdirSync(join(path, "patches"));
    writeFileSync(join(path, "patches/a.patch"), content);
    const dependencies = { command: ["sh", "-c", "x"], files: ["main", "patches"] };
    make(content, { runtime: { name: "node", dependencies }, source: path });
  }
  make("plain", { runtime: "python", source: source("plain") });
  make("rails", {
    ...{ runtime: "ruby", packages: { ruby: "1:3.*" } },
    source: source("ruby", "Gemfile", "Gemfile.lock"),
  });
  for (const name of ["vendored", "vendored-otherwise"]) {
    const vendored = source(name, "Gemfile", "Gemfile.lock");
    mkdirSync(join(vendored, "vendor/cache"), { recursive: true });
    writeFileSync(join(vendored, "vendor/cache/rack-3.2.7.gem"), name);
    make(name, { runtime: "ruby", source: vendored });
  }
  for (const lock of ["package-lock.json", "yarn.lock", "pnpm-lock.yaml"]) {
    const name = lock.split(/[-.]/)[0] ?? "";
    make(name, { runtime: "node", source: source(name, "package.json", lock) });
  }
  const php = { start: undefined, source: source("php", "composer.json", "composer.lock") };
  make("laravel", { ...php, runtime: { name: "php-fpm", dependencies: "composer" } });
  make("laravel-sent", { ...php, runtime: "php-fpm" });
  const own = { command: ["get"], files: ["main"] };
  make("laravel-own", {
    ...{ ...php, packages: { "php8.3-fpm": "present" } },
    runtime: { name: "php-fpm", dependencies: own },
  });
  await settle();
  return world;
}

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Pulumi's mocks mark the whole of what has a secret part. */
const plain = (value: unknown) => Object(value).value ?? value;

async function inputsOf(name: string) {
  const world = await program;
  const { inputs } = world.find(release, `${name}-a`);
  const files = plain(inputs.files);
  const file = (path: string) => String(Object(Object(files)[path]).content);
  const { packages } = world.find("trilithon:index:Packages", `${name}-a-packages`).inputs;
  return { inputs, file, packages, dependencies: Object(inputs.dependencies) };
}

test("Python's packages are made in a virtual environment, where programs are found", async (t) => {
  const { inputs, file, packages, dependencies } = await inputsOf("django");
  t.deepEqual(packages, { zstd: "present", python3: "present", "python3-venv": "present" });
  t.deepEqual(inputs.exclude, [".git", ".venv", "__pycache__"]);
  t.like(dependencies, { files: ["requirements.txt"], links: [".venv"], user: "django" });
  t.is(dependencies.deadlineSeconds, 900);
  t.regex(dependencies.key, /^[0-9a-f]{12}-python3-3\.13$/);
  const { unit } = dependencies;
  const store = `/srv/django/dependencies/${dependencies.key}`;
  t.true(unit.includes(`\nUser=django\nGroup=django\nWorkingDirectory=${store}\n`));
  t.true(unit.includes(`\nReadWritePaths=${store}\n`));
  t.regex(unit, /\nExecStart=sh -c "python3 -m venv \.venv && .*-r requirements\.txt"\n/);
  const path = (place: string) =>
    `\nEnvironment=PATH=/srv/django/${place}/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n`;
  const units = ["django", "django-worker", "django-clean"].map((name) =>
    file(`/etc/systemd/system/${name}.service`),
  );
  for (const text of units) t.true(text.includes(path("current")));
  t.regex(units[0] ?? "", /\nExecStart=\/usr\/bin\/env serve it\n/);
  t.regex(units[2] ?? "", /\nExecStart=\/srv\/django\/current\/clean\n/);
  const { unit: migration } = Object(inputs.releaseCommand);
  t.true(migration.includes(path(`releases/${inputs.version}`)));
  t.regex(migration, /\nExecStart=\/usr\/bin\/env python manage\.py migrate\n/);
  const { ready } = Object(inputs.moreUnits)["django-worker.service"];
  t.deepEqual(ready.command.slice(-4), ["--", "/usr/bin/env", "celery", "status"]);
  t.true(ready.command.includes(path("current").trim()));
});

test("a language's own variables may be set otherwise", async (t) => {
  const { file } = await inputsOf("django");
  t.regex(
    file("/etc/django/environment"),
    /\nGUNICORN_CMD_ARGS="--bind=127\.0\.0\.1:8000"\n[\s\S]*\nPYTHONUNBUFFERED="0"\n/,
  );
});

test("Ruby's are those of its bundle, and a package may have a version", async (t) => {
  const { inputs, file, packages, dependencies } = await inputsOf("rails");
  t.like(packages, { ruby: "1:3.*", "ruby-dev": "present", "build-essential": "present" });
  t.like(dependencies, {
    ...{ command: ["bundle", "install"], links: ["vendor/bundle"] },
    files: ["Gemfile.lock", "Gemfile"],
  });
  t.regex(dependencies.key, /-ruby-3\.3$/);
  t.regex(file("/etc/rails/environment"), /\nBUNDLE_PATH="vendor\/bundle"\n[\s\S]*RAILS_ENV=/);
  t.notRegex(file("/etc/systemd/system/rails.service"), /PATH=/);
  t.deepEqual(inputs.exclude, [".git", ".bundle"]);
});

test("Ruby's gems may be sent, and have a place for what is written at run time", async (t) => {
  const { file, dependencies } = await inputsOf("vendored");
  t.deepEqual(dependencies.filesIfAny, ["vendor/cache"]);
  t.not(dependencies.key, (await inputsOf("vendored-otherwise")).dependencies.key);
  t.is((await inputsOf("rails")).dependencies.filesIfAny, undefined);
  const environment = file("/etc/vendored/environment");
  t.regex(environment, /\nBOOTSNAP_CACHE_DIR="\/var\/cache\/vendored"\n/);
  t.regex(environment, /\nPIDFILE="\/tmp\/server\.pid"\n/);
});

test("Node's are those of whichever lock file there is", async (t) => {
  const made = await Promise.all(
    ["package", "yarn", "pnpm"].map(async (name) => (await inputsOf(name)).dependencies),
  );
  t.deepEqual(
    made.map(({ command, files }) => [command.slice(0, 3).join(" "), files[0]]),
    [
      ["npm ci --omit=dev", "package-lock.json"],
      ["yarnpkg install --production", "yarn.lock"],
      ["npx --yes pnpm", "pnpm-lock.yaml"],
    ],
  );
  for (const { key, links } of made) {
    t.regex(key, /-nodejs-24$/);
    t.deepEqual(links, ["node_modules"]);
  }
});

test("PHP's are made for each version, where its classes are beside them", async (t) => {
  const { inputs, file, packages, dependencies } = await inputsOf("laravel");
  t.like(packages, { composer: "present", unzip: "present", "php-fpm": "present" });
  t.deepEqual(inputs.exclude, [".git", "./vendor"]);
  t.like(dependencies, {
    ...{ files: ["composer.lock", "composer.json"], links: ["vendor"], beside: "version" },
    deadlineSeconds: 900,
  });
  t.regex(dependencies.command.join(" "), /^composer install --no-dev --no-scripts /);
  t.regex(dependencies.key, new RegExp(`^${inputs.version}-[0-9a-f]{12}-php-8\\.4$`));
  t.regex(dependencies.unit, / COMPOSER_HOME=\/var\/cache\/laravel\/composer\n/);
  const unit = file("/etc/systemd/system/laravel.service");
  t.regex(unit, /\nEnvironment=PATH=\/srv\/laravel\/current\/vendor\/bin:/);
  t.regex(unit, /\nExecStart=\/usr\/sbin\/php-fpm8\.4 /);
});

test("PHP's are sent unless it is said how they are made", async (t) => {
  const { inputs, packages } = await inputsOf("laravel-sent");
  t.deepEqual([inputs.dependencies, inputs.exclude], [undefined, [".git"]]);
  t.is(Object(packages).composer, undefined);
  const { dependencies } = await inputsOf("laravel-own");
  t.like(dependencies, { command: ["get"], files: ["main"], links: ["vendor"] });
  t.regex(dependencies.key, /-php-8\.3$/);
});

test("a build may be sent without the packages, or with them", async (t) => {
  const { inputs, dependencies } = await inputsOf("built");
  t.deepEqual([inputs.source, dependencies.links], ["./nowhere", [".venv"]]);
  t.is((await inputsOf("sent")).inputs.dependencies, undefined);
});

test("without a lock file there is nothing to make on the hosts", async (t) => {
  const { inputs, file } = await inputsOf("plain");
  t.is(inputs.dependencies, undefined);
  t.regex(file("/etc/systemd/system/plain.service"), /\nExecStart=serve it\n/);
});

test("another command and other files are other packages", async (t) => {
  const { dependencies } = await inputsOf("uv");
  t.like(dependencies, { command: ["sh", "-c", "x"], files: ["main"], deadlineSeconds: 5 });
  t.not(dependencies.key, (await inputsOf("django")).dependencies.key);
});

test("another file in a folder that they are made from makes other packages", async (t) => {
  const [one, two] = [await inputsOf("one"), await inputsOf("two")];
  t.deepEqual(one.dependencies.files, ["main", "patches"]);
  t.not(one.dependencies.key, two.dependencies.key);
});
