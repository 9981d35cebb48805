/** A stack with applications beside the first: what each web server and load balancer is told, and who has which database. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const service = "trilithon:index:Service";
const release = "trilithon:index:Release";
const content = "trilithon:index:MysqlContent";
const source = "./test/components/render";
const start = ["node", "server.js"];

const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web", "database"] },
    { name: "web-02", address: "172.31.64.22", roles: ["web", "database"] },
  ],
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  applications: {
    press: { source, start },
    "the-shop": {
      ...{ source, start, port: 3001, domains: ["shop.foobar.com", "buy.foobar.com"] },
      environment: { LOG: "debug" },
    },
    blog: {
      ...{ source, start, port: 3002, domains: ["blog.foobar.com"] },
      ...{ hosts: ["web-02"], database: false },
    },
    help: {
      ...{ source, start, port: 3003, paths: ["/help", "/faq"], database: false },
      ...{ hosts: ["web-01"], persistent: ["public/uploads"] },
    },
    wiki: {
      ...{ source, runtime: "php-fpm", domains: ["wiki.foobar.com"] },
      ...{ hosts: ["web-02"], database: false },
    },
  },
};

const program = runStack(config);

async function filesOf(type: string, name: string): Promise<Readonly<Record<string, string>>> {
  const { world } = await program;
  const files = plain(world.find(type, name).inputs.files);
  const texts = Object.entries(files).map(([path, file]) => [path, plain(Object(file).content)]);
  return Object.fromEntries(texts);
}

test("the one without domains is the first: its resources are those of a stack with one", async (t) => {
  const { world, told } = await program;
  t.like(world.find(release, "application-web-01").inputs, { unit: "press.service" });
  t.is(told.application.unit, "press.service");
  t.like(world.find(content, "database-content").inputs, { databases: ["guestbook"] });
});

test("each web server has a file for each of its applications", async (t) => {
  const sitesOf = async (host: string) =>
    Object.keys(await filesOf(service, `${host}-nginx-service`)).filter((path) =>
      path.startsWith("/etc/nginx/conf.d/"),
    );
  const folder = "/etc/nginx/conf.d";
  t.deepEqual(await sitesOf("web-01"), [
    `${folder}/trilithon.conf`,
    ...[`${folder}/trilithon_help.conf`, `${folder}/trilithon_the-shop.conf`],
  ]);
  t.deepEqual(await sitesOf("web-02"), [
    ...[`${folder}/trilithon.conf`, `${folder}/trilithon_blog.conf`],
    ...[`${folder}/trilithon_the-shop.conf`, `${folder}/trilithon_wiki.conf`],
  ]);
  const files = await filesOf(service, "web-02-nginx-service");
  t.regex(files[`${folder}/trilithon_blog.conf`] ?? "", /server 127\.0\.0\.1:3002 /);
  t.regex(
    files[`${folder}/trilithon_the-shop.conf`] ?? "",
    /root \/srv\/the-shop\/current\/public;/,
  );
});

test("one with paths has them on the domain of the first, on its own hosts", async (t) => {
  const { world, told } = await program;
  const { "/etc/nginx/conf.d/trilithon_help.conf": site = "" } = await filesOf(
    service,
    "web-01-nginx-service",
  );
  t.regex(site, /\n {4}server_name help\.trilithon\.internal;\n/);
  t.regex(site, /\n {4}default {3}www\.foobar\.com;\n/);
  t.regex(
    site,
    /\n {4}location \^~ \/help\/uploads\/ \{[\s\S]*\n {4}location \^~ \/faq\/uploads\/ \{/,
  );
  const { "/etc/haproxy/haproxy.cfg": balancer = "" } = await filesOf(
    service,
    "load-balancer-lb-01-service",
  );
  t.regex(balancer, /str\(help\) if .*\{ path_beg \/help\/ \}\n/);
  t.like(world.find(release, "help-web-01").inputs.ready, {
    http: "http://127.0.0.1:3003/help/healthz",
    headers: { Host: "www.foobar.com" },
  });
  t.like(told.applications?.help, {
    ...{ domains: ["www.foobar.com"], paths: ["/help", "/faq"], healthPath: "/help/healthz" },
  });
});

test("load balancers send each its own, to the hosts where it runs", async (t) => {
  const { "/etc/haproxy/haproxy.cfg": text = "", ...pages } = await filesOf(
    service,
    "load-balancer-lb-01-service",
  );
  const serversOf = (backend: string) =>
    (new RegExp(`^backend ${backend}\n([\\s\\S]*?)\n\n`, "m").exec(text)?.[1] ?? "")
      .split("\n")
      .flatMap((line) => /^ {4}server (\S+)/.exec(line)?.[1] ?? []);
  t.deepEqual(serversOf("web_servers"), ["web-01", "web-02"]);
  t.deepEqual(serversOf("the-shop_web_servers"), ["web-01", "web-02"]);
  t.deepEqual(serversOf("blog_web_servers"), ["web-02"]);
  t.deepEqual(serversOf("blog_web_servers_once"), ["web-02"]);
  t.regex(pages["/etc/haproxy/503-the-shop.html"] ?? "", /shop\.foobar\.com cannot answer/);
});

test("each waits for its own load balancer's backend and its own connections as it is drained", async (t) => {
  const { world } = await program;
  t.like(world.find(release, "the-shop-web-01").inputs, {
    unit: "the-shop.service",
    root: "/srv/the-shop",
    ready: { headers: { Host: "shop.foobar.com" } },
    drain: {
      file: "/run/the-shop.drain",
      allowed: [
        { matches: "^the-shop_web_servers,(?!web-01,|FRONTEND|BACKEND)[^,]+(,[^,]*){15},UP" },
      ],
    },
  });
  const { finished, finishedCommand } = Object(world.find(release, "the-shop-web-01").inputs.drain);
  t.is(finished, undefined);
  t.regex(finishedCommand[2], /:0BB9\$/);
  // With one host there is none to take its requests meanwhile.
  t.is(world.find(release, "blog-web-02").inputs.drain, undefined);
});

test("each has a database and an account of its own, or none, and its part of the connections", async (t) => {
  const { world, told } = await program;
  const { databases, accounts } = world.find(content, "database-for-the_shop-content").inputs;
  t.deepEqual(databases, ["the_shop"]);
  t.deepEqual(Object.keys(plain(accounts)), ["the_shop"]);
  const { grants, maxConnections, password } = plain(accounts).the_shop;
  t.deepEqual(Object.keys(grants), ["the_shop.*"]);
  // Of each of its two hosts.
  t.is(maxConnections, 45);
  t.is(password, "password-of-database-for-the_shop-password");
  t.like(world.find(content, "database-for-the_shop-content").inputs, {
    accountsOnRemoval: "drop",
  });
  const { accounts: first, accountsOnRemoval } = world.find(content, "database-content").inputs;
  t.is(accountsOnRemoval, undefined);
  t.is(plain(first).guestbook.maxConnections, 45);
  t.is(told.applications?.["the-shop"]?.database, "the_shop");
  t.deepEqual(told.applications?.blog?.hosts, ["web-02"]);
  const secrets = await filesOf(release, "the-shop-web-01");
  t.regex(
    secrets["/etc/the-shop/secrets"] ?? "",
    /DATABASE_PASSWORD=.*password-of-database-for-the_shop/,
  );
  t.regex(secrets["/etc/the-shop/environment"] ?? "", /DATABASE_PRIMARY_HOST=.*127\.0\.0\.1/);
  t.regex(secrets["/etc/the-shop/environment"] ?? "", /DATABASE_USER=.*the_shop/);
  t.notRegex((await filesOf(release, "blog-web-02"))["/etc/blog/environment"] ?? "", /DATABASE/);
});

test("a former password of any of them ends once all have the new ones", async (t) => {
  const { world } = await program;
  const type = "trilithon:index:MysqlPasswordRetirement";
  const { inputs, startedAt } = world.find(type, "database-password-retirement");
  t.deepEqual(Object.keys(plain(inputs.passwords)), ["guestbook", "the_shop"]);
  t.deepEqual(inputs.dropped, ["the_shop"]);
  // By the proxy of each host, and by `npm run db` on a member.
  const from = ["172.31.64.21", "172.31.64.22", "localhost"];
  t.deepEqual(plain(inputs.from), { guestbook: from, the_shop: from });
  t.deepEqual(plain(world.find(content, "database-content").inputs.accounts).guestbook.from, from);
  t.true(startedAt > world.find(release, "the-shop-web-02").endedAt);
});

test("requests come to an application only when it is there", async (t) => {
  const { world } = await program;
  const nginx = world.find(service, "web-02-nginx-service");
  for (const one of ["application", "the-shop", "blog"]) {
    t.true(nginx.startedAt > world.find(release, `${one}-web-02`).endedAt, one);
  }
});

test("tells where the others are", async (t) => {
  const { told } = await program;
  t.deepEqual(told.applications?.blog, {
    ...{ port: 3002, healthPath: "/healthz", staticPath: undefined, unit: "blog.service" },
    console: undefined,
    ...{ drainFile: "/run/blog.drain", isGuestBook: false, hosts: ["web-02"] },
    domains: ["blog.foobar.com"],
  });
  // It listens on a socket.
  t.false(Object.hasOwn(told.applications?.wiki ?? {}, "port"));
});
