import test from "ava";
import { renderNginx, renderNginxSite } from "../../../components/render/nginx";
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
  sites: [],
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
    drainFile: "/run/the-shop.drain",
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
