/** Ruby and Node with the packages of their lock files, made on the hosts. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { rubyFor, vendorGems } from "./applications/gems";
import { hostsThatTrust } from "./applications/hosts-that-trust";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 101);
const publish = 8600 + (number - 100) * 10;
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}languages`;

let folder: string;
let image: string;
let stack: TestStack;

function settings(application: object) {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:hosts": [
      { name: "lb-01", address: `172.31.${number}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `172.31.${number}.21`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 12_390 + (number - 100) * 10, image },
    },
    "trilithon:application": application,
  };
}

const node = () => ({
  ...{ name: "page", source: join(folder, "node"), runtime: "node" },
  ...{ start: ["node", "server.js"], healthPath: "/" },
});

const rack = () => ({
  ...{ name: "page", source: join(folder, "rack"), runtime: "ruby", healthPath: "/" },
  start: ["bundle", "exec", "puma", "-b", "tcp://127.0.0.1:3000"],
});

/** With one web server, the load balancer has none for a moment while that one restarts. */
async function page(): Promise<string> {
  let said = "";
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${publish}/x`);
    said = await answer.text();
    if (answer.status !== 503) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return said;
}

const linked = (link: string) => stack.on("web-01", `readlink /srv/page/current/${link}`);

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-languages-"));
  for (const name of ["node", "rack"]) {
    await cp(join(__dirname, "applications", name), join(folder, name), { recursive: true });
  }
  image = await hostsThatTrust();
  await vendorGems(await rubyFor(image, folder), join(folder, "rack"));
  stack = await TestStack.make(stackName, settings(node()));
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

test.serial("Node has what its lock file names, and not what is for development", async (t) => {
  await stack.up();
  t.is(await page(), "node production\n");
  const packages = await stack.on("web-01", "ls /srv/page/current/node_modules");
  t.deepEqual(packages.trim().split("\n"), ["mime"]);
  t.regex(await linked("node_modules"), /\/srv\/page\/dependencies\/[0-9a-f]{12}-nodejs-\d+\//);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("Ruby has its bundle of the gems that were sent, compiled on the host", async (t) => {
  await stack.configure(settings(rack()));
  await stack.up();
  t.is(await page(), "rack production compiled C\n");
  t.regex(await linked("vendor/bundle"), /\/srv\/page\/dependencies\/[0-9a-f]{12}-ruby-\d\.\d\//);
  const log = "find -L /srv/page/current/vendor/bundle -name gem_make.out -exec cat {} +";
  t.regex(await stack.on("web-01", log), /compiling native\.c/);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial(
  "another version with the same bundle is there at once, and drift of it is mended",
  async (t) => {
    const file = join(folder, "rack/config.ru");
    await writeFile(file, (await readFile(file, "utf8")).replace("rack #{", "still rack #{"));
    const { sentences } = await readPreview(stack);
    t.notRegex(JSON.stringify(sentences), /make its dependencies/);
    await stack.up();
    t.is(await page(), "still rack production compiled C\n");
    await stack.on("web-01", "rm -rf /srv/page/dependencies");
    t.regex(
      JSON.stringify((await readPreview(stack)).sentences),
      /make its dependencies by `bundle install`/,
    );
    await stack.up();
    t.is(await page(), "still rack production compiled C\n");
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);

test.serial("a lock file of another bundler, and gems that are not to be had", async (t) => {
  const lock = join(folder, "rack/Gemfile.lock");
  const locked = await readFile(lock, "utf8");
  await writeFile(lock, locked.replace(/(?<=BUNDLED WITH\n +)\S+/, "2.6.9"));
  await stack.up();
  t.is(await page(), "still rack production compiled C\n");
  await rm(join(folder, "rack/vendor"), { recursive: true });
  t.regex(
    await stack.mustFail(),
    /`bundle install` of page ended with status \d+ for version [0-9a-f]{16}; nothing was switched to it:[\s\S]*rubygems/,
  );
  t.is(await page(), "still rack production compiled C\n");
});
