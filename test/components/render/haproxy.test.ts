import { execFileSync } from "node:child_process";
import test from "ava";
import {
  haproxyOverrides,
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "../../../components/render/haproxy";
import { isGolden } from "./golden";

const config = {
  domain: "www.foobar.com",
  address: "172.31.64.11",
  port: 80,
  statsPort: 8404,
  healthPath: "/healthz",
  servers: [
    { name: "web-01", address: "172.31.64.21", port: 80 },
    { name: "web-02", address: "172.31.64.22", port: 80 },
  ],
  applications: [],
  responseTimeoutSeconds: 65,
  trustedProxies: [],
  rawLines: {},
};

test("renders the configuration of two web servers", (t) => {
  isGolden(t, "haproxy.cfg", renderHaproxy(config));
});

test("a third web server is one line more in each backend", (t) => {
  const third = { name: "web-03", address: "172.31.64.23", port: 80 };
  const text = renderHaproxy({ ...config, servers: [...config.servers, third] });
  t.is(text.replaceAll(/ {4}server web-03 172.31.64.23:80.*\n/g, ""), renderHaproxy(config));
});

test("renders a further application", (t) => {
  const shop = {
    name: "the-shop",
    domains: ["shop.foobar.com", "buy.foobar.com"],
    servers: config.servers.slice(1),
  };
  isGolden(t, "haproxy-applications.cfg", renderHaproxy({ ...config, applications: [shop] }));
});

test("paths of a site go to their application, the longest first, and its own name stands for it", (t) => {
  const { servers } = config;
  const applications = [
    { name: "blog", domains: ["blog.foobar.com"], servers },
    { name: "shop", domains: ["www.foobar.com"], paths: ["/shop", "/cart"], servers },
    { name: "admin", domains: ["www.foobar.com"], paths: ["/shop/admin"], servers },
    { name: "wiki", domains: ["blog.foobar.com"], paths: ["/wiki"], under: "blog", servers },
  ];
  const text = renderHaproxy({ ...config, applications });
  const none = "!{ var(txn.application) -m found }";
  const blog = "{ var(txn.application) -m str blog }";
  t.deepEqual(
    text
      .split("\n")
      .flatMap((line) => /set-var\(txn\.application\) str\((.*)/.exec(line)?.[1] ?? []),
    [
      "blog) if { req.hdr(Host),field(1,:),lower -m str blog.foobar.com }",
      `admin) if ${none} { path -m str /shop/admin } or ${none} { path_beg /shop/admin/ }`,
      `shop) if ${none} { path -m str /shop } or ${none} { path_beg /shop/ }`,
      `shop) if ${none} { path -m str /cart } or ${none} { path_beg /cart/ }`,
      `wiki) if ${blog} { path -m str /wiki } or ${blog} { path_beg /wiki/ }`,
    ],
  );
  const denied =
    /\n {4}http-request deny deny_status 404 if \{ .* -m end \.trilithon\.internal \}\n/;
  t.regex(text, denied);
  t.notRegex(renderHaproxy({ ...config, applications: applications.slice(0, 1) }), denied);
  for (const [name, count] of [
    ["shop", 2],
    ["admin", 2],
    ["blog", 0],
  ] as const) {
    const set = `http-request set-header Host ${name}.trilithon.internal\n`;
    t.is(text.split(set).length - 1, count, name);
  }
  t.regex(text, /backend shop_web_servers\n[\s\S]*?hdr Host shop\.trilithon\.internal hdr/);
  t.regex(text, /backend blog_web_servers\n[\s\S]*?hdr Host blog\.foobar\.com hdr/);
});

test("files that servers share are asked of another one where one has none", (t) => {
  const { servers } = config;
  const shop = { name: "shop", domains: ["shop.foobar.com"], servers, sharedPaths: ["/files"] };
  const text = renderHaproxy({ ...config, applications: [shop], sharedPaths: ["/uploads", "/a"] });
  const chosen = "if { var(txn.application) -m str shop }";
  t.deepEqual(
    text.split("\n").filter((line) => /^ {4}(use|default)_backend /.test(line)),
    [
      `    use_backend shop_web_servers_once ${chosen} !{ method GET HEAD }`,
      `    use_backend shop_web_servers_shared ${chosen} { path_beg /files/ }`,
      `    use_backend shop_web_servers ${chosen}`,
      "    use_backend web_servers_once unless { method GET HEAD }",
      "    use_backend web_servers_shared if { path_beg /uploads/ /a/ }",
      "    default_backend web_servers",
    ],
  );
  t.regex(
    text,
    /\nbackend shop_web_servers_shared\n[\s\S]*?\n {4}retry-on conn-failure 425 404\n {4}retries 1\n[\s\S]*?\n {4}server web-02 172[.0-9]+:80 track shop_web_servers\/web-02\n/,
  );
  // There is nobody else to be asked.
  const alone = { ...config, servers: servers.slice(1), sharedPaths: ["/uploads"] };
  t.notRegex(renderHaproxy(alone), /_shared/);
});

test("raw lines end their sections", (t) => {
  const rawLines = {
    global: ["maxconn 500"],
    frontend: ["maxconn 400"],
    backend: ["fullconn 300"],
  };
  const text = renderHaproxy({ ...config, rawLines });
  t.regex(text, /server-state\n {4}maxconn 500\n\ndefaults\n/);
  t.regex(text, /default_backend web_servers\n {4}maxconn 400\n\n# GET/);
  t.regex(text, /web-02 172[.0-9]+:80\n {4}fullconn 300\n\n# All/);
});

test("a trusted proxy is believed, and what it does not say is not kept", (t) => {
  const text = renderHaproxy({ ...config, trustedProxies: ["203.0.113.0/24", "198.51.100.7"] });
  isGolden(t, "haproxy-behind-proxy.cfg", text);
});

test("renders the unit's additions", (t) => {
  isGolden(t, "haproxy.service.conf", renderHaproxyUnit());
});

test("renders the page for when no server is left", (t) => {
  isGolden(t, "503.html", renderUnavailable("www.foobar.com"));
});

/** Runs a command of HAProxy's overrides with a socat that answers as HAProxy, and notes what it is told. */
function runOverrides(words: readonly string[], servers: readonly string[]): string {
  const [program = "", flag = "", script = "", ...rest] = words;
  const stub = `socat() { read -r line; case $line in 'show servers state') printf '%s\\n' "$STATE" ;; *) echo "told: $line" ;; esac; }\n`;
  const STATE = ["1", "# be_id be_name srv_id srv_name", ...servers, ""].join("\n");
  const env = { ...process.env, STATE };
  return execFileSync(program, [flag, stub + script, ...rest], { encoding: "utf8", env });
}

const server = (name: string, flags: number, weight: number) =>
  `3 web_servers 1 ${name} 10.0.0.21 2 ${flags} ${weight} 1 25 7 0 0 7 0 0 0 - 80 - 0 0 - - 0`;

test("what was set of a server at run time is found, and put back by HAProxy's own commands", (t) => {
  const set = [server("web-01", 1, 1), server("web-02", 8, 50), server("web-03", 0, 1)];
  t.is(
    runOverrides(haproxyOverrides.find, set),
    "web_servers/web-01 is in maintenance\nweb_servers/web-02 is drained\nweb_servers/web-02 has the weight 50, not 1\n",
  );
  t.is(
    runOverrides(haproxyOverrides.reset, set),
    "told: set server web_servers/web-01 state ready;set server web_servers/web-02 state ready;set server web_servers/web-02 weight 100%;\n",
  );
});

test("what HAProxy itself sets of a server is left alone: it is down, or follows another", (t) => {
  const own = [server("web-01", 0, 1), server("web-02", 2, 1), server("web-03", 32, 1)];
  t.is(runOverrides(haproxyOverrides.find, own), "");
  t.is(runOverrides(haproxyOverrides.reset, own), "");
});
