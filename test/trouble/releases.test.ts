/** An application with long requests, static files and WebSockets: what releases and changes of ports and paths do to them. */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHostsWithoutDatabase } from "../end-to-end/support/test-stack";

const number = 141;
const url = `http://127.0.0.1:${8000 + number}`;
let stack: TestStack;
let source: string;
let application: Record<string, unknown>;
let more: Record<string, unknown> = {};

const standard = threeHostsWithoutDatabase(number, { sshPortBase: 14_000 });

/** Another content is another version; the static file has a name of its own in each. */
async function write(version: string): Promise<void> {
  await rm(join(source, "public"), { recursive: true, force: true });
  await mkdir(join(source, "public/static"), { recursive: true });
  await writeFile(join(source, `public/static/app-${version}.css`), `/* ${version} */\n`);
}

function settings() {
  return {
    ...standard,
    "trilithon:application": application,
    ...more,
  };
}

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-probe-"));
  await copyFile(
    join(__dirname, "../end-to-end/support/probe/server.mjs"),
    join(source, "server.mjs"),
  );
  await writeFile(join(source, "run"), "#!/bin/sh\nexec node server.mjs\n");
  await chmod(join(source, "run"), 0o755);
  await mkdir(join(source, ".git"));
  await writeFile(join(source, ".git/config"), "hidden\n");
  await write("V1AAAAAA");
  application = {
    name: "probe",
    source,
    start: ["./run"],
    packages: { nodejs: "present" },
    environment: { ASKED: "/var/lib/probe/asked" },
    healthPath: "/alive",
  };
  stack = await TestStack.make("releases", settings());
  await stack.up();
});

test.after.always(async () => {
  await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

/** Reads the page's static file names and each file, on connections of their own, until stopped. */
function visit() {
  const failures: string[] = [];
  let isOver = false;
  let count = 0;
  const one = async () => {
    while (!isOver) {
      try {
        const page = await fetch(`${url}/assets`, { headers: { connection: "close" } });
        const names = (await page.text()).split("\n");
        if (page.status !== 200) failures.push(`/assets: ${page.status}`);
        for (const name of page.status === 200 ? names : []) {
          const file = await fetch(`${url}/static/${name}`, { headers: { connection: "close" } });
          await file.text();
          if (file.status !== 200) failures.push(`${name}: ${file.status}`);
        }
        const post = await fetch(`${url}/echo`, { method: "POST", body: "x" });
        await post.text();
        if (post.status !== 200) failures.push(`POST: ${post.status}`);
      } catch (error) {
        failures.push(String(error));
      }
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const running = Promise.all([one(), one()]);
  return {
    stop: async () => {
      isOver = true;
      await running;
      return { count, failures };
    },
  };
}

/** Posts that take eight seconds, begun every half second. */
function longPosts() {
  const answers: Promise<string>[] = [];
  const timer = setInterval(() => {
    answers.push(
      fetch(`${url}/slow?ms=8000`, { method: "POST", body: "x" }).then(
        async (response) => `${response.status} ${await response.text()}`,
        String,
      ),
    );
  }, 500);
  return {
    stop: async () => {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

async function webSocket(): Promise<Socket> {
  const socket = connect(8000 + number, "127.0.0.1");
  socket.write(
    "GET /socket HTTP/1.1\r\nHost: www.foobar.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await new Promise((resolve, reject) => {
    socket.once("data", resolve);
    socket.once("error", reject);
  });
  return socket;
}

function echoes(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
    socket.write("x");
  });
}

test.serial("what is excluded is not on the host", async (t) => {
  t.is(await stack.on("web-01", "ls -A /srv/probe/current"), "public\nrun\nserver.mjs\n");
});

test.serial("a release cuts no long request, and finds every static file", async (t) => {
  await write("V2AAAAAA");
  const visitors = visit();
  const posts = longPosts();
  await stack.up();
  const answers = await posts.stop();
  const { count, failures } = await visitors.stop();
  t.log({ visits: count, posts: answers.length });
  t.deepEqual(failures, []);
  t.deepEqual([...new Set(answers)], ["200 done\n"]);
  const former = await fetch(`${url}/static/app-V1AAAAAA.css`);
  t.is(former.status, 200);
});

test.serial("another port and health path of the application lose no request", async (t) => {
  for (const change of [
    { port: 3100 },
    { healthPath: "/healthz" },
    { port: 3000, healthPath: "/alive" },
  ]) {
    application = { ...application, ...change };
    await stack.configure(settings());
    const visitors = visit();
    await stack.up();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const { count, failures } = await visitors.stop();
    t.log({ ...change, visits: count });
    t.deepEqual(failures, [], JSON.stringify(change));
  }
});

test.serial("lines that cover the health path are taken back on the first host", async (t) => {
  const before = await stack.on("web-02", "stat -c %Y /etc/nginx/conf.d/trilithon.conf");
  more = { "trilithon:web": { rawLines: ["deny all;"] } };
  await stack.configure(settings());
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["web-01-nginx-service"] ?? "",
    /reload nginx \(no connection dropped; should rawLines refuse requests this host does so for some seconds\)/,
  );
  const visitors = visit();
  const said = await stack.mustFail();
  const { failures } = await visitors.stop();
  t.regex(said, /\.trilithon\/health: HTTP\/1\.1 403/);
  // The first host answers so until the load balancer finds it out, two checks later; the other one serves all the while.
  t.log({ refused: failures.length });
  t.deepEqual(
    [...new Set(failures.map((failure) => failure.slice(-3)))].filter((status) => status !== "403"),
    [],
  );
  t.is((await fetch(`${url}/assets`)).status, 200);
  t.is(await stack.on("web-02", "stat -c %Y /etc/nginx/conf.d/trilithon.conf"), before);
  more = {};
  await stack.configure(settings());
});

test.serial(
  "what the application writes is served by Nginx where lines say so, unless its own umask hides it",
  async (t) => {
    const file = "/var/lib/probe/asked";
    const location = (path: string) => `location = ${path} { alias /var/lib/probe${path}; }`;
    more = { "trilithon:web": { rawLines: [location("/asked"), location("/hidden")] } };
    await stack.configure(settings());
    await stack.up();
    await fetch(`${url}/assets`);
    for (const host of ["web-01", "web-02"]) {
      await stack.on(host, `install -o probe -g probe -m 0600 ${file} /var/lib/probe/hidden`);
    }
    t.is((await fetch(`${url}/asked`)).status, 200);
    t.is((await fetch(`${url}/hidden`)).status, 403);
    more = {};
    await stack.configure(settings());
    await stack.up();
  },
);

test.serial("a move of Nginx to another port says what it costs", async (t) => {
  more = { "trilithon:web": { port: 8081 } };
  await stack.configure(settings());
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["web-01-nginx-service"] ?? "",
    /reload nginx \(from port 80 to 8081: requests fail until what sends them there is changed as well\)/,
  );
  more = {};
  await stack.configure(settings());
});

test.serial(
  "an application that crashes at boot is not waited for, and says first what is wrong",
  async (t) => {
    const good = join(source, "run");
    await writeFile(good, "#!/bin/sh\necho 'first: no tax table' >&2\nexit 1\n");
    const begin = Date.now();
    const said = await stack.mustFail();
    t.log(`${Math.round((Date.now() - begin) / 1000)} s`);
    t.regex(
      said,
      /ended 5 times by itself; all is put back as it was\. What it said first:[\s\S]*first: no tax table/,
    );
    t.is((await fetch(`${url}/assets`)).status, 200);
    await writeFile(good, "#!/bin/sh\nexec node server.mjs\n");
    await stack.up();
  },
);

test.serial("a WebSocket that idles for 70 seconds lives, over reloads too", async (t) => {
  const socket = await webSocket();
  await stack.on("lb-01", "systemctl reload haproxy");
  await stack.on("web-01", "systemctl reload nginx");
  await stack.on("web-02", "systemctl reload nginx");
  await new Promise((resolve) => setTimeout(resolve, 70_000));
  t.true(await echoes(socket));
  socket.destroy();
});
