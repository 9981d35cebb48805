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

test("renders the configuration of a site that is asked over FastCGI", (t) => {
  const fastCgi = {
    socket: "/run/blog/php-fpm.sock",
    entryScripts: ["wp-login.php", "wp-admin/*.php", "wp-admin/network/*.php"],
  };
  const application = { ...config.application, healthPath: "/wp-login.php", fastCgi };
  isGolden(t, "nginx-fastcgi.conf", renderNginx({ ...config, application }));
});

test("renders the unit's additions", (t) => {
  isGolden(t, "nginx.service.conf", renderRestartAlways());
});

test("raw lines end the server's block", (t) => {
  const text = renderNginx({ ...config, rawLines: ["etag off;"] });
  t.true(text.endsWith("    }\n    etag off;\n}\n"));
});
