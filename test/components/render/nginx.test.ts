import test from "ava";
import { renderNginx } from "../../../components/render/nginx";
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
  },
  uploadLimitMegabytes: 10,
  responseTimeoutSeconds: 60,
  rawLines: [],
};

test("renders the configuration of a site", (t) => {
  isGolden(t, "nginx.conf", renderNginx(config));
});

test("renders the unit's additions", (t) => {
  isGolden(t, "nginx.service.conf", renderRestartAlways());
});

test("what the application writes is served from its one place, and no source of it", (t) => {
  const application = { ...config.application, writtenPaths: ["/uploads", "/a.b/c"] };
  const text = renderNginx({ ...config, application });
  t.true(text.includes('\n    "~^/uploads/" "public, max-age=300";\n    "~^/a[.]b/c/" "public'));
  const start = text.indexOf("    location ^~ /uploads/ {");
  const location = text
    .slice(start, text.indexOf("\n    }\n", start))
    .replace(/php\|.*\|swo/, "php");
  t.is(
    location,
    `    location ^~ /uploads/ {
        root /;
        location ~* (/$|/\\.(?!well-known/)|(\\.(php)|~)$) {
            try_files /.none @$app_location;
        }
        try_files /srv/guestbook/current/public$file @$app_location;`,
  );
});

test("raw lines end the server's block", (t) => {
  const text = renderNginx({ ...config, rawLines: ["etag off;"] });
  t.true(text.endsWith("    }\n    etag off;\n}\n"));
});
