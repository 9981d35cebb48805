import test from "ava";
import { nginxFiles, renderNginx, renderNginxSite } from "../../../components/render/nginx";
import { renderRestartAlways } from "../../../components/render/restart-always";
import { isGolden } from "./golden";

const config = {
  domain: "www.foobar.com",
  hostName: "web-01",
  port: 80,
  loadBalancers: ["172.31.64.11"],
  application: {
    port: 3000,
    healthPath: "/healthz",
    publicFolder: "/srv/guestbook/current/public",
    writtenPaths: [],
    otherPublicFolders: ["/srv/guestbook.assets/current", "/srv/guestbook/previous/public"],
    drainFile: "/run/guestbook.drain",
    accessLog: "/var/log/nginx/trilithon.access.log",
  },
  sites: [],
  uploadLimitMegabytes: 10,
  responseTimeoutSeconds: 60,
  rawLines: [],
};

test("renders the configuration of a site", (t) => {
  isGolden(t, "nginx.conf", renderNginx(config));
});

test("all its applications are reached over TLS as well, by one certificate", (t) => {
  const site = { name: "shop", domains: ["shop.foobar.com"], application: config.application };
  const before = { first: renderNginx(config), further: renderNginxSite(config, site) };
  const tls = { ...config, tlsPort: 8443 };
  const added = (text: string, other: string) =>
    text.split("\n").filter((line) => !other.includes(`${line}\n`));
  const rest = [
    "    ssl_certificate /etc/nginx/trilithon/server.pem;",
    "    ssl_certificate_key /etc/nginx/trilithon/server-key.pem;",
    "    ssl_protocols TLSv1.3;",
  ];
  t.deepEqual(added(renderNginx(tls), before.first), [
    "    listen 8443 ssl default_server;",
    ...rest,
  ]);
  t.deepEqual(added(renderNginxSite(tls, site), before.further), ["    listen 8443 ssl;", ...rest]);
});

test("renders the configuration of a site that is asked over FastCGI", (t) => {
  const fastCgi = {
    socket: "/run/blog/php-fpm.sock",
    entryScripts: ["wp-login.php", "wp-admin/*.php", "wp-admin/network/*.php"],
  };
  const application = { ...config.application, healthPath: "/wp-login.php", fastCgi };
  isGolden(t, "nginx-fastcgi.conf", renderNginx({ ...config, application }));
});

test("renders a further application that has paths of a site", (t) => {
  const fastCgi = { socket: "/run/shop/php-fpm.sock", entryScripts: ["wp-admin/*.php"] };
  const application = {
    ...{ ...config.application, fastCgi, paths: ["/shop", "/old.shop"] },
    ...{ healthPath: "/shop/up", writtenPaths: ["/shop/uploads"], drainFile: "/run/shop.drain" },
  };
  const site = { name: "shop", domains: ["www.foobar.com"], application };
  isGolden(t, "nginx-paths.conf", renderNginxSite(config, site));
  // Names that are never too long for Nginx's table.
  t.is(renderNginx({ ...config, sites: [site] }), renderNginx(config));
});

test("visitors of the path that is asked for health are answered while the host drains", (t) => {
  const text = renderNginx({ ...config, application: { ...config.application, healthPath: "/" } });
  t.regex(text, /map \$http_x_forwarded_for \$app_drain \{\n +default \/\.none;\n/);
  const start = text.indexOf("    location = / {");
  t.is(
    text.slice(start, text.indexOf("\n    }\n", start)),
    `    location = / {
        if (-e $app_drain) {
            return 404;
        }
        access_log /var/log/nginx/trilithon.access.log trilithon_json if=$http_x_forwarded_for;
        proxy_pass http://$app_upstream;`,
  );
});

test("renders the unit's additions", (t) => {
  isGolden(t, "nginx.service.conf", renderRestartAlways());
});

test("what the application writes is served from its one place, and no source of it", (t) => {
  const application = { ...config.application, writtenPaths: ["/uploads", "/a.b/c"] };
  const text = renderNginx({ ...config, application });
  t.regex(
    text,
    /\n {4}"~\^\/uploads\/" +"public, max-age=300";\n {4}"~\^\/a\[\.\]b\/c\/" +"public, max-age=300";/,
  );
  const start = text.indexOf("    location ^~ /uploads/ {");
  const location = text
    .slice(start, text.indexOf("\n    }\n", start))
    .replace(/php\|.*\|swo/, "php");
  t.is(
    location,
    `    location ^~ /uploads/ {
        root /;
        # A link of the application's leads to files of its own only.
        disable_symlinks if_not_owner from=/srv/guestbook/current/public/uploads;
        location ~* (/$|/\\.(?!well-known/)|(\\.(php)(\\.(gz|bz2|xz|zst|zip))?|~)$) {
            try_files /.none @$app_location;
        }
        try_files /srv/guestbook/current/public$file @$app_location;`,
  );
});

/** What the map says of a file; Nginx takes the first that matches as well. */
function cacheOf(text: string, path: string): string {
  const [, map = ""] =
    /map \$upstream_addr\$file \$static_cache \{\n([\s\S]*?)\n\}/.exec(text) ?? [];
  const rules = map.split("\n").flatMap((line) => {
    const [, pattern, cache] = /^ *"~(.*)" +"(.*)";$/.exec(line) ?? [];
    return pattern === undefined ? [] : [{ pattern: new RegExp(pattern), cache }];
  });
  const [found] = rules.filter(({ pattern }) => pattern.test(path));
  return found?.cache?.includes("immutable") ? "a year" : "five minutes";
}

test("what never changes under its name is kept for a year, and nothing else", (t) => {
  const cases: readonly (readonly [readonly string[] | undefined, string, string])[] = [
    [undefined, "/static/app-ABCDEF12.css", "a year"],
    [undefined, "/photo-20250102.jpg", "five minutes"],
    [undefined, "/assets/index-BxY3z9_a.js", "five minutes"],
    [undefined, "/uploads/photo-ABCDEF12.jpg", "five minutes"],
    [["/assets/*"], "/assets/index-BxY3z9_a.js", "a year"],
    [["/assets/*"], "/assets/a/b.css", "a year"],
    [["/assets/*"], "/old/assets/a.css", "five minutes"],
    [["/assets/*"], "/static/app-ABCDEF12.css", "five minutes"],
    [["/static/*.????????????.*"], "/static/admin/base.27e20196a850.css", "a year"],
    [["/static/*.????????????.*"], "/static/admin/base.css", "five minutes"],
    [["/a.js"], "/axjs", "five minutes"],
    [["/a+b.js"], "/a+b.js", "a year"],
    [["/*"], "/uploads/photo.jpg", "five minutes"],
    [[], "/static/app-ABCDEF12.css", "five minutes"],
  ];
  for (const [immutablePaths, path, kept] of cases) {
    const application = { ...config.application, writtenPaths: ["/uploads"], immutablePaths };
    t.is(cacheOf(renderNginx({ ...config, application }), path), kept, `${immutablePaths} ${path}`);
  }
});

test("raw lines end the server's block", (t) => {
  const text = renderNginx({ ...config, rawLines: ["etag off;"] });
  t.true(text.endsWith("    }\n    etag off;\n}\n"));
});

const shop = {
  name: "the-shop",
  domains: ["shop.foobar.com", "buy.foobar.com"],
  application: {
    port: 3001,
    healthPath: "/up",
    publicFolder: "/srv/the-shop/current/public",
    otherPublicFolders: ["/srv/the-shop.assets/current", "/srv/the-shop/previous/public"],
    writtenPaths: ["/uploads"],
    immutablePaths: ["/build/*"],
    drainFile: "/run/the-shop.drain",
    accessLog: "/var/log/nginx/trilithon-the-shop.access.log",
  },
};

test("renders a further application in a file of its own", (t) => {
  isGolden(t, "nginx-site.conf", renderNginxSite(config, shop));
});

test("a further application changes nothing in the first one's file, unless its name is long", (t) => {
  t.is(renderNginx({ ...config, sites: [shop] }), renderNginx(config));
  const domains = [`${"long-".repeat(9)}name.foobar.com`];
  const text = renderNginx({ ...config, sites: [{ ...shop, domains }] });
  t.regex(text, /^server_names_hash_bucket_size 512;$/m);
});

test("its file is read after the first one's, which has the log's format", (t) => {
  for (const name of ["a", "0", "zoo"]) t.true(nginxFiles.siteOf(name) > nginxFiles.site, name);
});
