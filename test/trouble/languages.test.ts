/** Ruby and Node with the packages of their lock files, made on the hosts. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { hostsThatTrust } from "./applications/hosts-that-trust";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 101);
const publish = 8610;

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
      ...{ publish, sshPortBase: 12_400, image },
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

const page = async () => (await fetch(`http://127.0.0.1:${publish}/x`)).text();
const linked = (link: string) => stack.on("web-01", `readlink /srv/page/current/${link}`);

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-languages-"));
  await cp(join(__dirname, "applications"), folder, { recursive: true });
  image = await hostsThatTrust();
  stack = await TestStack.make("languages", settings(node()));
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

test.serial("Ruby has its bundle, compiled on the host", async (t) => {
  await stack.configure(settings(rack()));
  await stack.up();
  t.is(await page(), "rack 3.1.8 production\n");
  t.regex(await linked("vendor/bundle"), /\/srv\/page\/dependencies\/[0-9a-f]{12}-ruby-\d\.\d\//);
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
    t.is(await page(), "still rack 3.1.8 production\n");
    await stack.on("web-01", "rm -rf /srv/page/dependencies");
    t.regex(
      JSON.stringify((await readPreview(stack)).sentences),
      /make its dependencies by `bundle install`/,
    );
    await stack.up();
    t.is(await page(), "still rack 3.1.8 production\n");
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);
