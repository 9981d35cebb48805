import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import {
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "../../../components/render/haproxy";
import {
  haproxyOverrides,
  renderStateScript,
  shareOf,
} from "../../../components/render/haproxy-running";
import { intermediate } from "../../../components/render/tls-profile";
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

test("renders servers that are asked over TLS", (t) => {
  const [first] = config.servers;
  const second = { name: "web-02", address: "172.31.64.22", port: 8443, isTls: true };
  const servers = [...(first ? [first] : []), second];
  isGolden(t, "haproxy-tls.cfg", renderHaproxy({ ...config, servers }));
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

const https = { port: 443, plainPaths: ["/up"] };

test("ends TLS, and leads who comes without it there", (t) => {
  const hsts = { days: 730, includeSubDomains: true };
  const redirects = { "foobar.com": "www.foobar.com" };
  const text = renderHaproxy({
    ...{ ...config, redirects, unknownHost: "refuse", https: { ...https, hsts } },
  });
  isGolden(t, "haproxy-https.cfg", text);
});

/** The one value of a line that begins so. */
function lineOf(text: string, word: string): string {
  const [line, ...more] = text.split("\n").filter((one) => one.startsWith(`    ${word} `));
  if (line === undefined || more.length > 0) throw new Error(`${word}: ${more.length + 1} lines`);
  return line.slice(word.length + 5);
}

test("TLS is spoken as Mozilla's profile has it", (t) => {
  // As https://ssl-config.mozilla.org/guidelines/6.0.json has them.
  t.like(intermediate, {
    version: "6.0",
    ciphers: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305",
    ],
    ciphersuites: [
      "TLS_AES_128_GCM_SHA256",
      "TLS_AES_256_GCM_SHA384",
      "TLS_CHACHA20_POLY1305_SHA256",
    ],
    curves: ["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"],
    leastRsaBits: 2048,
  });
  const text = renderHaproxy({ ...config, https });
  t.is(lineOf(text, "ssl-default-bind-ciphers"), intermediate.ciphers.join(":"));
  t.is(lineOf(text, "ssl-default-bind-ciphersuites"), intermediate.ciphersuites.join(":"));
  const options = lineOf(text, "ssl-default-bind-options").split(" ");
  t.deepEqual(options, ["ssl-min-ver", "TLSv1.2", "prefer-client-ciphers", "no-tls-tickets"]);
  // OpenSSL refuses the whole list for one curve that it does not know.
  const [, ofNew, ofOld] =
    /\n\.if openssl_version_atleast\(3\.5\.0\)\n {4}ssl-default-bind-curves (.*)\n\.else\n {4}ssl-default-bind-curves (.*)\n\.endif\n/.exec(
      text,
    ) ?? [];
  t.deepEqual(ofNew?.split(":"), [...intermediate.curves]);
  t.deepEqual(ofOld?.split(":"), intermediate.curves.slice(1));
});

const redirectsIn = (text: string) =>
  text.split("\n").flatMap((line) => / redirect location (.*)/.exec(line)?.[1] ?? []);

test("each challenge of the account is answered, also one of another load balancer", (t) => {
  const text = renderHaproxy({ ...config, https: { ...https, acmeThumbprint: "abc_D-1" } });
  const answer =
    '    http-request return status 200 content-type text/plain lf-string "%[path,field(4,/)].abc_D-1" if { path_reg ^/\\.well-known/acme-challenge/[A-Za-z0-9_-]+$ }\n';
  t.true(text.includes(answer));
  // Before anybody is led to TLS.
  t.true(text.indexOf(answer) < text.indexOf("redirect location"));
  t.is(text.replace(answer, ""), renderHaproxy({ ...config, https }));
});

test("another port for TLS stands in the addresses that visitors are led to", (t) => {
  const redirects = { "foobar.com": "www.foobar.com" };
  const text = renderHaproxy({ ...config, redirects, https: { ...https, port: 8443 } });
  const [first, , third] = redirectsIn(text);
  t.regex(first ?? "", /^https:\/\/%\[req\.hdr\(Host\),host_only,lower\]:8443%\[pathq\] code 301 /);
  t.regex(third ?? "", /^https:\/\/www\.foobar\.com:8443%\[pathq\] code 301 /);
});

test("without TLS, other names are led as visitors come, and nobody is told to come by TLS", (t) => {
  const redirects = { "foobar.com": "www.foobar.com" };
  const plain = renderHaproxy({ ...config, redirects, port: 8080 });
  t.deepEqual(redirectsIn(plain), [
    "http://www.foobar.com:8080%[pathq] code 301 if { req.hdr(Host),host_only,lower -m str foobar.com } { method GET HEAD }",
    "http://www.foobar.com:8080%[pathq] code 308 if { req.hdr(Host),host_only,lower -m str foobar.com }",
  ]);
  t.notRegex(plain, /Strict-Transport|ssl-default/);
  const behind = renderHaproxy({ ...config, redirects, trustedProxies: ["203.0.113.0/24"] });
  t.regex(redirectsIn(behind)[0] ?? "", /^https:\/\/www\.foobar\.com%/);
});

test("who came by TLS to a trusted proxy is not led there again", (t) => {
  const hsts = { days: 1 };
  const trustedProxies = ["203.0.113.0/24"];
  const text = renderHaproxy({ ...config, trustedProxies, https: { ...https, hsts } });
  t.regex(redirectsIn(text)[0] ?? "", / if !\{ var\(txn\.proto\) -m str https \} !answered_plain /);
  t.regex(
    text,
    /Strict-Transport-Security "max-age=86400" if \{ var\(txn\.proto\) -m str https \}/,
  );
});

test("names that are served are those of all applications, and those that lead to them", (t) => {
  const { servers } = config;
  const applications = [{ name: "shop", domains: ["shop.foobar.com", "a.com"], servers }];
  const redirects = { "foobar.com": "www.foobar.com" };
  const text = renderHaproxy({ ...config, applications, redirects, unknownHost: "refuse" });
  t.regex(
    text,
    /return status 421 .* unless \{ req\.hdr\(Host\),host_only,lower -m str www\.foobar\.com shop\.foobar\.com a\.com foobar\.com \}\n/,
  );
  t.notRegex(renderHaproxy({ ...config, unknownHost: "serve" }), /421 content-type/);
});

test("a name that nobody has gets a plain page, where that is wanted, and each name of the site does not", (t) => {
  const aliases = ["www.foobar.org", "foobar.org"];
  const text = renderHaproxy({ ...config, aliases, unknownHost: "page" });
  t.regex(
    text,
    /return status 404 content-type "text\/html; charset=utf-8" .* unless \{ req\.hdr\(Host\),host_only,lower -m str www\.foobar\.com www\.foobar\.org foobar\.org \}\n/,
  );
});

/** The lines of one that the other one lacks, in both directions. */
function differing(text: string, other: string): readonly string[] {
  const [lines, others] = [text.split("\n"), other.split("\n")];
  return [
    ...lines.filter((line) => !others.includes(line)),
    ...others.filter((line) => !lines.includes(line)),
  ];
}

test("HTTP/3 is one more port over UDP, which browsers are told of over TLS, and which outlives a reload", (t) => {
  const lines = (more: object, port = 443) =>
    differing(
      renderHaproxy({ ...config, ...more, https: { ...https, port, http3: true } }),
      renderHaproxy({ ...config, ...more, https: { ...https, port } }),
    ).filter((line) => !line.startsWith("    #"));
  const bind = "ssl crt-list /etc/haproxy/certificates.list alpn h3";
  const told = "http-after-response set-header Alt-Svc";
  t.deepEqual(lines({}), [
    "    setcap cap_net_bind_service",
    `    bind quic4@:443 ${bind}`,
    `    ${told} 'h3=":443"; ma=3600' if { ssl_fc }`,
  ]);
  t.deepEqual(lines({ trustedProxies: ["203.0.113.0/24"] }, 8443), [
    "    setcap cap_net_bind_service",
    `    bind quic4@:8443 ${bind}`,
    // Who came by a proxy is told by that one how it is to be asked.
    `    ${told} 'h3=":8443"; ma=3600' if { ssl_fc } !{ var(txn.trusted) -m bool }`,
  ]);
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

test("what is known of a server outlives a reload; where and how it is asked is the new configuration's", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-state-"));
  const [configured, saved] = [join(folder, "haproxy.cfg"), join(folder, "state")];
  const servers = [
    { name: "web-01", address: "172.31.64.21", port: 8443, isTls: true },
    { name: "web-02", address: "172.31.64.22", port: 8081 },
  ];
  writeFileSync(configured, renderHaproxy({ ...config, servers }));
  const script = renderStateScript()
    .replace("/etc/haproxy/haproxy.cfg", configured)
    .replace("/var/lib/haproxy/server-state", saved);
  const line = (name: string, { port = 80, tls = 0, state = 2, backend = "web_servers" } = {}) =>
    `3 ${backend} 1 ${name} 10.0.0.21 ${state} 0 1 1 25 7 0 0 7 0 0 0 - ${port} - ${tls} 0 - - 0`;
  const before = [
    line("web-01", { state: 0 }),
    line("web-02", { tls: 1 }),
    line("web-01", { backend: "web_servers_once" }),
    line("web-03"),
    line("web-01", { backend: "others" }),
  ];
  const stub = `socat() { printf '%s\\n' "$STATE"; }\n`;
  const STATE = ["1", "# be_id be_name srv_id srv_name", ...before, ""].join("\n");
  execFileSync("sh", ["-c", stub + script], { env: { ...process.env, STATE } });
  t.deepEqual(readFileSync(saved, "utf8").trim().split("\n"), [
    "1",
    "# be_id be_name srv_id srv_name",
    line("web-01", { state: 0, port: 8443, tls: 1 }),
    line("web-02", { port: 8081 }),
    line("web-01", { backend: "web_servers_once", port: 8443, tls: 1 }),
    line("web-03"),
    line("web-01", { backend: "others" }),
  ]);
  rmSync(folder, { recursive: true });
});

test("renders the page for when no server is left", (t) => {
  isGolden(t, "503.html", renderUnavailable("www.foobar.com"));
});

/** Runs a command for HAProxy's socket with a socat that answers as HAProxy, and does `told` with what it is told. */
function runOverrides(
  words: readonly string[],
  servers: readonly string[],
  told = 'echo "told: $line"',
): string {
  const [program = "", flag = "", script = "", ...rest] = words;
  const stub = `socat() { read -r line; case $line in 'show servers state') printf '%s\\n' "$STATE" ;; *) ${told} ;; esac; }\n`;
  const STATE = ["1", "# be_id be_name srv_id srv_name", ...servers, ""].join("\n");
  const env = { ...process.env, STATE };
  return execFileSync(program, [flag, stub + script, ...rest], {
    encoding: "utf8",
    env,
    stdio: "pipe",
  });
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

/** Each has the weight 1 in the file; in the state 2 it is in service. */
function stateOf(backend: string, name: string, { state = 2, flags = 0, weight = 1 } = {}) {
  return `3 ${backend} 1 ${name} 10.0.0.21 ${state} ${flags} ${weight} 1 25 7 0 0 7 0 0 0 - 80 - 0 0 - - 0`;
}

const several = (count: number) =>
  Array.from({ length: count }, (_, at) => stateOf("web_servers", `web-0${at + 1}`));

/** What HAProxy is told, a command each, and what is said of it. It answers with an empty line for each. */
function share(servers: readonly string[], percent = 10, what: "begin" | "end" = "begin") {
  const commands = shareOf({ server: "web-01", backend: "web_servers", percent });
  const file = join(mkdtempSync(join(tmpdir(), "trilithon-share-")), "told");
  const said = runOverrides(commands[what], servers, `echo "$line" >>'${file}'; echo; echo`);
  const told = existsSync(file) ? readFileSync(file, "utf8").trim().split(";") : [];
  rmSync(dirname(file), { recursive: true });
  return { told, said: said.trim() };
}

const weights = (servers: readonly string[], percent: number) =>
  share(servers, percent).told.map(
    (command) => /^set server web_servers\/web-(.*)$/.exec(command)?.[1],
  );

test("a server's share of the requests is that of its weight against all others", (t) => {
  t.deepEqual(share(several(2)), {
    told: ["set server web_servers/web-01 weight 1", "set server web_servers/web-02 weight 9"],
    said: "web-01 gets about 10 % of the requests (weight 1, 9 of each other server)",
  });
  t.deepEqual(weights(several(3), 10), ["01 weight 2", "02 weight 9", "03 weight 9"]);
  t.deepEqual(weights(several(2), 50), ["01 weight 1", "02 weight 1"]);
  t.deepEqual(weights(several(2), 1), ["01 weight 1", "02 weight 99"]);
  t.deepEqual(weights(several(4), 98), [
    "01 weight 147",
    "02 weight 1",
    "03 weight 1",
    "04 weight 1",
  ]);
});

test("no weight is more than HAProxy takes: the share that comes of it is said", (t) => {
  t.like(share(several(9), 99), {
    said: "web-01 gets about 97 % of the requests (weight 256, 1 of each other server)",
  });
  t.like(share(several(9), 70), {
    said: "web-01 gets about 70 % of the requests (weight 56, 3 of each other server)",
  });
  t.like(share(several(9), 71), {
    said: "web-01 gets about 71 % of the requests (weight 256, 13 of each other server)",
  });
});

test("servers that are down, drained or in maintenance are not counted, and get the others' weight", (t) => {
  const servers = [
    ...several(2),
    stateOf("web_servers", "web-03", { state: 0 }),
    stateOf("web_servers", "web-04", { state: 3 }),
    stateOf("web_servers", "web-05", { flags: 1 }),
    stateOf("web_servers", "web-06", { flags: 8 }),
  ];
  t.deepEqual(weights(servers, 10), [
    "01 weight 1",
    ...[2, 3, 4, 5, 6].map((n) => `0${n} weight 9`),
  ]);
  // Nobody else serves at the moment, or one is about to.
  const starting = [several(1)[0] ?? "", stateOf("web_servers", "web-02", { state: 0 })];
  t.deepEqual(weights(starting, 10), ["01 weight 1", "02 weight 9"]);
});

test("the share is of all backends of its application, and of no other's", (t) => {
  const servers = [
    "web_servers",
    "shop_web_servers",
    "web_servers_once",
    "web_servers_shared",
  ].flatMap((backend) => [stateOf(backend, "web-01"), stateOf(backend, "web-02")]);
  t.deepEqual(
    share(servers).told,
    ["web_servers", "web_servers_once", "web_servers_shared"].flatMap((backend) => [
      `set server ${backend}/web-01 weight 1`,
      `set server ${backend}/web-02 weight 9`,
    ]),
  );
});

test("where HAProxy does not run, does not know the server or has no other one, nothing is set", (t) => {
  const nothing = { told: [], said: "" };
  t.deepEqual(share([]), nothing);
  t.deepEqual(share(several(1)), nothing);
  t.deepEqual(share([stateOf("web_servers", "web-02"), stateOf("web_servers", "web-03")]), nothing);
  t.deepEqual(share(several(2), 10, "end"), nothing);
});

test("what HAProxy refuses is an error", (t) => {
  const { begin } = shareOf({ server: "web-01", backend: "web_servers", percent: 10 });
  const error = t.throws(() => runOverrides(begin, several(2), "echo; echo 'static algorithm'"));
  t.regex(error?.message ?? "", /\nstatic algorithm\n/);
});

test("a share ends where any weight is another one than in the file, and what is left of it is found", (t) => {
  const left = [
    stateOf("web_servers", "web-01"),
    stateOf("web_servers", "web-02", { weight: 9 }),
    stateOf("web_servers", "web-03"),
    stateOf("shop_web_servers", "web-02", { weight: 9 }),
  ];
  t.deepEqual(share(left, 10, "end"), {
    told: ["set server web_servers/web-02 weight 100%"],
    said: "",
  });
  t.regex(
    runOverrides(haproxyOverrides.find, left),
    /^web_servers\/web-02 has the weight 9, not 1\n/,
  );
});
