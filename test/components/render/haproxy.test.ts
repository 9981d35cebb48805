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
  rawLines: {},
};

test("renders the configuration of two web servers", (t) => {
  isGolden(t, "haproxy.cfg", renderHaproxy(config));
});

test("a third web server is one line more", (t) => {
  const third = { name: "web-03", address: "172.31.64.23", port: 80 };
  const text = renderHaproxy({ ...config, servers: [...config.servers, third] });
  t.is(text.replace("    server web-03 172.31.64.23:80\n", ""), renderHaproxy(config));
});

test("raw lines end their sections", (t) => {
  const rawLines = {
    global: ["maxconn 500"],
    frontend: ["maxconn 400"],
    backend: ["fullconn 300"],
  };
  const text = renderHaproxy({ ...config, rawLines });
  t.regex(text, /server-state\n {4}maxconn 500\n\ndefaults\n/);
  t.regex(text, /default_backend web_servers\n {4}maxconn 400\n\nbackend web_servers\n/);
  t.regex(text, /:80\n {4}fullconn 300\n\nfrontend statistics\n/);
});

test("renders the unit's additions", (t) => {
  isGolden(t, "haproxy.service.conf", renderHaproxyUnit());
});

test("renders the page for when no server is left", (t) => {
  isGolden(t, "503.html", renderUnavailable("www.foobar.com"));
});
