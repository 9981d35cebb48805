/** PHP with the packages of Composer, made on the host. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 106);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}composer`;
const image = process.env.TRILITHON_HOST_IMAGE;
const publish = 8760;

let source: string;
let stack: TestStack;

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-composer-"));
  await cp(join(__dirname, "composer"), source, { recursive: true });
  // What is there for development is not sent.
  await cp(join(source, "src"), join(source, "vendor/src"), { recursive: true });
  stack = await TestStack.make(stackName, {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [
      { name: "web-01", address: `172.31.${number}.21`, roles: ["load-balancer", "web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `172.31.${number}.0/24`, publish, sshPortBase: 13_100 },
      ...(image && { image }),
    },
    "trilithon:web": { port: 8080 },
    "trilithon:application": {
      ...{ name: "page", source, healthPath: "/" },
      runtime: { name: "php-fpm", dependencies: "composer" },
      release: { command: ["greet"] },
    },
  });
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

const page = async () => (await fetch(`http://127.0.0.1:${publish}/`)).text();
const released = () => stack.on("web-01", "journalctl -q -o cat -u page-release");

test.serial("PHP has what its lock file names, and not what is for development", async (t) => {
  await stack.up();
  t.is(await page(), "hello one\n");
  t.regex(await released(), /^hello one$/m);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("another version has its own classes, and so has the way back", async (t) => {
  const file = join(source, "src/Page.php");
  const one = await readFile(file, "utf8");
  await writeFile(file, one.replace("'one'", "'two'"));
  await stack.up();
  t.is(await page(), "hello two\n");
  t.regex(await released(), /^hello two$/m);
  t.deepEqual((await readPreview(stack)).sentences, {});
  await writeFile(file, one);
  await stack.up();
  t.is(await page(), "hello one\n");
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("what is taken away by hand is made again", async (t) => {
  await stack.on("web-01", "rm -rf /srv/page/dependencies");
  const { sentences } = await readPreview(stack);
  t.regex(JSON.stringify(sentences), /make its dependencies by `composer install /);
  await stack.up();
  // The load balancer asks once a second whether it is well again.
  for (let tries = 0; tries < 60 && (await page()) !== "hello one\n"; tries += 1) await sleep(500);
  t.is(await page(), "hello one\n");
  t.deepEqual((await readPreview(stack)).sentences, {});
});
