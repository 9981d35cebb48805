import test from "ava";
import {
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
