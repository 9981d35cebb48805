import test from "ava";
import type { File, Service } from "../../../../provider/kinds/service/args";
import { diff } from "../../../../provider/kinds/service/diff";
import { plan } from "../../../../provider/kinds/service/plan";
import { host, owner } from "../../../support/services";

const file = (content: string, changes: Partial<File> = {}): File => ({
  content,
  mode: "0644",
  owner: "root",
  group: "root",
  onChange: "restart",
  ...changes,
});

const text = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join("");

const wanted: Service = {
  host,
  name: "nginx",
  unit: "nginx.service",
  state: "running",
  enabled: true,
  configuration: "loaded",
  users: { app: "/srv/app" },
  files: { "/etc/nginx.conf": file(text) },
  absent: ["/etc/default-site"],
  onChange: "restart",
  check: ["nginx", "-t"],
};

const conf = (changed: File) => ({ files: { "/etc/nginx.conf": changed } });
const taken = ["check it", "restart nginx", "wait until it is ready"];
const reloaded = ["check it", "reload nginx (no connection dropped)", "wait until it is ready"];

interface Case {
  readonly name: string;
  readonly live?: Partial<Service> | "nothing";
  readonly want?: Partial<Service>;
  readonly paths: readonly string[];
  readonly sentences: readonly string[];
}

const cases: Case[] = [
  { name: "nothing differs", paths: [], sentences: [] },
  {
    name: "another port tells what it costs",
    live: { port: 80, ...conf(file("old\n", { onChange: "reload" })) },
    want: { port: 8081, ...conf(file("new\n", { onChange: "reload" })) },
    paths: ["files /etc/nginx.conf content"],
    sentences: [
      "write /etc/nginx.conf (1 line)",
      "check it",
      "reload nginx (from port 80 to 8081: requests fail until what sends them there is changed as well)",
      "wait until it is ready",
    ],
  },
  {
    name: "what a reload does to what is open is told",
    live: conf(file("old\n", { onChange: "reload" })),
    want: {
      reloadNote: "WebSockets go on for 1 hour",
      ...conf(file("new\n", { onChange: "reload" })),
    },
    paths: ["files /etc/nginx.conf content"],
    sentences: [
      "write /etc/nginx.conf (1 line)",
      "check it",
      "reload nginx (no connection dropped; WebSockets go on for 1 hour)",
      "wait until it is ready",
    ],
  },
  {
    name: "what a restart costs is told",
    live: conf(file("old\n")),
    want: { restartNote: "another host takes over", ...conf(file("new\n")) },
    paths: ["files /etc/nginx.conf content"],
    sentences: [
      "write /etc/nginx.conf (1 line)",
      "check it",
      "restart nginx (another host takes over)",
      "wait until it is ready",
    ],
  },
  {
    name: "nothing is there yet",
    live: "nothing",
    paths: [],
    sentences: [
      "create user app",
      "write /etc/nginx.conf (new, 300 lines)",
      "check it",
      "start nginx",
      "wait until it is ready",
      "enable nginx at boot",
    ],
  },
  {
    name: "one line of a long file was changed",
    live: conf(file(text.replace("line 7\n", "line seven\n"))),
    paths: ["files /etc/nginx.conf content"],
    sentences: ["write /etc/nginx.conf (1 line)", ...taken],
  },
  {
    name: "lines were added and taken out",
    live: conf(file(text.replace("line 7\nline 8\nline 9\n", "").replace("line 50\n", "a\nb\n"))),
    paths: ["files /etc/nginx.conf content"],
    sentences: ["write /etc/nginx.conf (4 lines)", ...taken],
  },
  {
    name: "a file that needs a reload only was changed",
    live: conf(file("x\n", { onChange: "reload" })),
    want: conf(file("y\n", { onChange: "reload" })),
    paths: ["files /etc/nginx.conf content"],
    sentences: ["write /etc/nginx.conf (1 line)", ...reloaded],
  },
  {
    name: "a file that the unit reads by itself was changed",
    live: conf(file("x\n", { onChange: "nothing" })),
    want: conf(file("y\n", { onChange: "nothing" })),
    paths: ["files /etc/nginx.conf content"],
    sentences: ["write /etc/nginx.conf (1 line)"],
  },
  {
    name: "a mode and an owner were changed",
    live: conf(file(text, { mode: "0600", owner: "app" })),
    paths: ["files /etc/nginx.conf mode", "files /etc/nginx.conf owner"],
    sentences: ["set /etc/nginx.conf to mode 0644, owner root:root"],
  },
  {
    name: "a file is gone",
    live: { files: {} },
    paths: ["files /etc/nginx.conf"],
    sentences: ["write /etc/nginx.conf (new, 300 lines)", ...taken],
  },
  {
    name: "a file is no longer wanted",
    live: { files: { ...wanted.files, "/etc/more.conf": file("x\n", { onChange: "reload" }) } },
    paths: ["files /etc/more.conf"],
    sentences: ["remove /etc/more.conf", ...reloaded],
  },
  {
    name: "what must not exist does",
    live: { absent: [] },
    paths: ["absent"],
    sentences: ["move /etc/default-site aside", ...taken],
  },
  {
    name: "a user has another home",
    live: { users: { app: "/" } },
    paths: ["users app"],
    sentences: ["set the home of user app to /srv/app"],
  },
  {
    name: "the unit is stopped",
    live: { state: "stopped", configuration: undefined },
    paths: ["state"],
    sentences: ["check it", "start nginx", "wait until it is ready"],
  },
  {
    name: "the unit failed",
    live: { state: "failed", configuration: undefined },
    paths: ["state"],
    sentences: ["check it", "start nginx", "wait until it is ready"],
  },
  {
    name: "the unit is disabled",
    live: { enabled: false },
    paths: ["enabled"],
    sentences: ["enable nginx at boot"],
  },
  {
    name: "the unit can be neither enabled nor disabled",
    live: { enabled: undefined },
    paths: [],
    sentences: [],
  },
  {
    name: "the unit runs with older files than those on the disk",
    live: { configuration: "restart needed" },
    paths: ["configuration"],
    sentences: taken,
  },
  {
    name: "the unit was not reloaded since",
    live: { configuration: "reload needed" },
    paths: ["configuration"],
    sentences: reloaded,
  },
  {
    name: "the unit is to be stopped",
    want: { state: "stopped", enabled: false, configuration: undefined },
    paths: ["state", "enabled", "configuration"],
    sentences: ["stop nginx", "disable nginx at boot"],
  },
  {
    name: "the host is drained for a restart",
    live: { files: {} },
    want: { drain: { file: "/run/drain", seconds: 3 } },
    paths: ["files /etc/nginx.conf"],
    sentences: [
      "write /etc/nginx.conf (new, 300 lines)",
      "check it",
      "drain the host and restart nginx (no request lost)",
      "wait until it is ready",
    ],
  },
  {
    name: "the host is not drained for a reload",
    live: { configuration: "reload needed" },
    want: { drain: { file: "/run/drain", seconds: 3 } },
    paths: ["configuration"],
    sentences: reloaded,
  },
  {
    name: "only how to go about it changed",
    want: { check: ["true"], onChange: "reload", ready: { tcp: 80, deadlineSeconds: 5 } },
    paths: [],
    sentences: [],
  },
  {
    name: "the machine was made anew",
    live: { host: { ...host, instance: "0" } },
    want: { users: {}, absent: [] },
    paths: ["host instance"],
    sentences: [
      "write /etc/nginx.conf (new, 300 lines)",
      "check it",
      "start nginx",
      "wait until it is ready",
      "enable nginx at boot",
    ],
  },
  {
    name: "the machine is reached in another way",
    live: {
      host: { ...host, address: "10.0.0.9", port: 2222, user: "admin", privateKey: "other" },
    },
    paths: [],
    sentences: [],
  },
];

for (const { name, live = {}, want = {}, paths, sentences } of cases) {
  test(`when ${name}: ${sentences.join(", ") || "nothing"}`, (t) => {
    const next = { ...wanted, ...want };
    const known = live === "nothing" ? undefined : { ...wanted, ...live };
    const steps = plan(known, next, owner).map(({ sentence }) => sentence);
    t.deepEqual(steps, sentences);
    const found = known === undefined ? [] : diff(known, next);
    t.deepEqual(
      found.map(({ path }) => path.join(" ")),
      paths,
    );
  });
}
