/** Load balancer and web servers on Debian 12 and 13: brought up, left alone, used, mended, changed and taken down. */

import { join } from "node:path";
import test from "ava";
import { findHost } from "../../scripts/maintenance/drain";
import { inApplication } from "../../scripts/operate/in-application";
import { LogParser, logReader, logsOn } from "../../scripts/operate/logs";
import { imageNames, prepareImage } from "../../scripts/setup/base-image";
import { root } from "../../scripts/setup/environment";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import type { StackOutputs } from "../../scripts/verify/outputs";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { moved, readState } from "./support/host-state";
import { runLive } from "./support/live";
import { startMachines } from "./support/machines";
import { readPreview, summary } from "./support/preview";
import { type Settings, TestStack } from "./support/test-stack";

const stackName = "older";
const machines = [
  {
    name: "lb-01",
    address: "172.31.71.11",
    roles: ["load-balancer"],
    image: imageNames.bookworm,
  },
  { name: "web-01", address: "172.31.71.21", roles: ["web"], image: imageNames.bookworm },
  { name: "web-02", address: "172.31.71.22", roles: ["web"], image: imageNames.trixie },
];
/** No name server knows the domain. */
const url = "http://172.31.71.11";
const names = machines.map(({ name }) => name);

let stack: TestStack;
let settings: Settings;
let privateKey: string;

test.before(async () => {
  await Promise.all([prepareImage("bookworm"), prepareImage("trixie")]);
  stack = await TestStack.make(stackName, {});
  const started = await startMachines(stackName, "172.31.71.0/24", machines);
  privateKey = started.privateKey;
  settings = {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": started.hosts,
    "trilithon:application": {
      name: "older",
      source: join(root, "test", "end-to-end", "older-systems"),
      start: ["perl", "server.pl"],
      packages: {},
    },
  };
  await configure(settings);
});

test.after.always(() => stack?.remove());

test.serial(
  "a systemd that is too old is told in one line, before any host is touched",
  async (t) => {
    const old = `case "$*" in
  *-P*) echo "systemctl: invalid option -- 'P'" >&2; exit 1 ;;
  --version) echo 'systemd 245 (245.4-4ubuntu3)' ;;
  *) exec /usr/bin/systemctl "$@" ;;
esac`;
    const path = "/usr/local/bin/systemctl";
    await stack.on("web-02", `cat >${path} <<'END'\n#!/bin/sh\n${old}\nEND\nchmod 0755 ${path}`);
    const said = await stack.mustFail();
    await stack.on("web-02", `rm ${path}`);
    t.regex(
      said,
      /web-02: systemd 245 \(245\.4-4ubuntu3\) is too old: it does not know systemctl show -P/,
    );
    const touched = names.map((name) =>
      stack.try(name, "ls -d /var/lib/trilithon /etc/haproxy /etc/nginx"),
    );
    t.deepEqual(
      (await Promise.all(touched)).map(({ stdout }) => stdout),
      ["", "", ""],
    );
  },
);

test.serial(
  "one `up` makes a stack whose verification passes; a second has nothing to do",
  async (t) => {
    await stack.up();
    t.deepEqual(await Promise.all(names.map(release)), ["12", "12", "13"]);
    const before = await readState(stack, names);
    t.deepEqual((await readPreview(stack)).updates, []);
    const said = await stack.up();
    t.regex(said, /Resources:\n {4}\d+ unchanged\n/);
    const after = await readState(stack, names);
    t.deepEqual(moved(before.processes, after.processes), []);
    t.deepEqual(moved(before.files, after.files), []);
    const verdicts = await verifyStack(await readOutputs(), { changes: "none" });
    const table = renderTable({ stack: stackName, url, verdicts });
    t.true(
      verdicts.every(({ passed }) => passed),
      table,
    );
  },
);

test.serial("commands run as the application, and logs are read, on each system", async (t) => {
  const outputs = await readOutputs();
  for (const name of ["web-01", "web-02"]) {
    const script = 'id -un; pwd; echo "$HOST_NAME $1"; test -t 0 && stty size; exit 7';
    const command = ["sh", "-c", script, "sh", "$HOME %h"];
    const version = (await stack.on(name, "readlink -f /srv/older/current")).trim();
    const said = `older\n${version}\n${name} $HOME %h\n`;
    const args = inApplication({ unit: "older.service", command });
    t.like(await runLive(outputs, name, args), {
      stdout: said,
      end: { ended: "by itself", status: 7 },
    });
    const terminal = { columns: 91, rows: 17, name: "xterm" };
    const { stdout, end } = await runLive(outputs, name, { ...args, terminal });
    t.true(stdout.startsWith(`${said}17 91\n`.replaceAll("\n", "\r\n")), JSON.stringify(stdout));
    t.deepEqual(end, { ended: "by itself", status: 7 });
    const logs = logsOn(findHost(outputs, name), []);
    if (logs === undefined) throw new Error("nothing logs there");
    const reading = { sinceSeconds: 3600, follows: false, pattern: "Started" };
    const read = await runLive(outputs, name, logReader(logs, reading));
    const sources = new LogParser(name).take(Buffer.from(read.stdout)).map(({ source }) => source);
    t.deepEqual([...new Set(sources)].sort(), ["nginx", "older"], read.stderr);
  }
});

test.serial("pages, files and uploads come through from both web servers", async (t) => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask("GET /page")));
  t.deepEqual([...new Set(answers.map(lastLine))].sort(), [
    "web-01 got 0 bytes",
    "web-02 got 0 bytes",
  ]);
  t.regex(lastLine(await ask("POST /", "x".repeat(100_000))), /^web-0[12] got 100000 bytes$/);
  const file = await ask("GET /file.txt");
  t.is(lastLine(file), "a file");
  t.regex(file, /^cache-control: public, max-age=300\r$/im);
});

test.serial("what was changed by hand is shown and mended, on each system", async (t) => {
  await stack.on(
    "lb-01",
    `echo 'set server web_servers/web-01 state maint' | socat stdio /run/haproxy/admin.sock; sleep 1.1; echo '# by hand' >>/etc/haproxy/haproxy.cfg`,
  );
  await stack.on("web-01", "systemctl stop nginx; systemctl mask nginx");
  await stack.on(
    "web-02",
    "sleep 1.1; sed -i 's/^NoNewPrivileges=.*/NoNewPrivileges=no/' /etc/systemd/system/older.service; cp -a /usr/sbin/nginx /usr/sbin/nginx.new && mv /usr/sbin/nginx.new /usr/sbin/nginx",
  );
  const found = await readPreview(stack);
  const expected = {
    "load-balancer-lb-01-service":
      /^lb-01: write \/etc\/haproxy\/haproxy\.cfg \(1 line\), check it, reload haproxy \(.*\), wait until it is ready, put back what was set at run time \(web_servers\/web-01 is in maintenance\) \[drift\]$/,
    "web-01-nginx-service":
      /^web-01: check it, unmask nginx, start nginx, wait until it is ready, enable nginx at boot \[drift\]$/,
    "application-web-02":
      /^web-02: write \/etc\/systemd\/system\/older\.service \(1 line\), drain the host and restart older \(.*\), wait until it is ready \[drift\]$/,
    "web-02-nginx-service":
      /^web-02: check it, restart nginx \(it runs a former \/usr\/sbin\/nginx\), wait until it is ready \[drift\]$/,
  };
  t.deepEqual(found.updates.map(({ resource }) => resource).sort(), Object.keys(expected).sort());
  for (const [resource, sentence] of Object.entries(expected)) {
    t.regex(summary(found, resource), sentence);
  }
  const said = await stack.up();
  for (const resource of Object.keys(expected)) {
    t.true(said.includes(summary(found, resource)), `${summary(found, resource)}\n${said}`);
  }
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("what HAProxy or Nginx refuse is taken back, on each system", async (t) => {
  for (const [key, wrong, error] of [
    ["loadBalancer", { rawLines: { backend: ["no-such-keyword"] } }, /unknown keyword/],
    ["web", { rawLines: ["no_such_directive on;"] }, /unknown directive "no_such_directive"/],
  ] as const) {
    await configure({ ...settings, [`trilithon:${key}`]: wrong });
    t.regex(await stack.mustFail(), error);
    await configure(settings);
    t.deepEqual((await readPreview(stack)).updates, [], key);
  }
});

test.serial("`destroy` takes all of it away again", async (t) => {
  const { status, stdout, stderr } = await stack.pulumi("destroy", "--yes", "--skip-preview");
  t.is(status, 0, stdout + stderr);
  const left = await Promise.all(
    names.map((name) =>
      stack.on(
        name,
        "ls -d /srv/older /etc/nginx/conf.d/trilithon.conf /etc/systemd/system/older.service /etc/haproxy/503.html 2>/dev/null || true; systemctl is-active nginx haproxy older || true",
      ),
    ),
  );
  t.deepEqual([...new Set(left.join("").trim().split("\n"))], ["inactive"]);
});

async function configure(wanted: Settings): Promise<void> {
  await stack.configure(wanted);
  await stack.setSecret("trilithon:privateKey", privateKey);
}

async function release(name: string): Promise<string> {
  return (await stack.on(name, ". /etc/os-release; echo $VERSION_ID")).trim();
}

/** Through the load balancer, from its own host: an existing machine publishes no port. */
async function ask(line: string, body = ""): Promise<string> {
  const script = `my ($line, $length) = @ARGV;
my $s = IO::Socket::INET->new("127.0.0.1:80") or die "$@";
print $s "$line HTTP/1.1\\r\\nHost: www.foobar.com\\r\\nConnection: close\\r\\nContent-Length: $length\\r\\n\\r\\n", "x" x $length;
print while <$s>`;
  return stack.on("lb-01", `perl -MIO::Socket::INET -e '${script}' '${line}' ${body.length}`);
}

function lastLine(answer: string): string {
  return answer.trimEnd().split("\n").at(-1) ?? "";
}

async function readOutputs(): Promise<StackOutputs> {
  const endpoints = { ...parseEndpoints(await stack.output("endpoints")), url };
  return { endpoints, privateKeys: Object.fromEntries(names.map((name) => [name, privateKey])) };
}
