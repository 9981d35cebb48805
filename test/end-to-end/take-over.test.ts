/** A machine with an HAProxy and an Nginx that somebody set up by hand: taken over, looked after, and given back. */
import { join } from "node:path";
import test from "ava";
import { startMachines } from "./support/machines";
import { readPreview, summary } from "./support/preview";
import { TestStack } from "./support/test-stack";

const stackName = "takeover";
const machine = { name: "lb-01", address: "172.31.68.11", roles: ["load-balancer"] };
const config = "/etc/haproxy/haproxy.cfg";
const pages = "/etc/nginx/conf.d/pages.conf";

/** Three hundred lines, as a file has that grew over the years. */
const handWritten = `# Set up by hand in 2019.
global
    maxconn 1000
    stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend web
    bind :80
${Array.from({ length: 280 }, (_, n) => `    acl old-${n} path_beg /old/${n}`).join("\n")}
    default_backend pages
backend pages
    server here 127.0.0.1:8081 check
`;
const ours = handWritten.replace("maxconn 1000", "maxconn 2000");
const site = `server { listen 127.0.0.1:8081; location / { return 200 "by hand"; } }\n`;
const ourSite = site.replace("by hand", "by trilithon");

let stack: TestStack;
let settings: Record<string, unknown>;
let privateKey: string;

test.before(async () => {
  stack = await TestStack.make(stackName, {}, join(__dirname, "take-over"));
  const started = await startMachines(stackName, "172.31.68.0/24", [machine]);
  privateKey = started.privateKey;
  await stack.on(
    machine.name,
    `apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends haproxy nginx >/dev/null
rm -f /etc/nginx/sites-enabled/default`,
  );
  await write(config, handWritten);
  await write(pages, site);
  await stack.on(machine.name, "systemctl restart nginx haproxy");
  settings = { "trilithon:domain": "www.foobar.com", "trilithon:hosts": started.hosts };
  await configure({ haproxy: handWritten, nginx: site });
});

test.after.always(() => stack?.remove());

test.serial("an import takes note of what runs, and touches nothing", async (t) => {
  const before = await look();
  const { status, stdout, stderr } = await stack.pulumi(
    ...["import", "trilithon:index:Service", "proxy", `lb-01/haproxy.service:${config}`],
    ...["--generate-code=false", "--protect=false", "--yes"],
  );
  t.is(status, 0, stdout + stderr);
  t.deepEqual(await look(), before);
});

test.serial("the preview then shows the one line that the program has otherwise", async (t) => {
  await configure({ haproxy: ours, nginx: site });
  const before = await look();
  const shown = await stack.preview();
  t.regex(shown, /- +maxconn 1000\n.*\+ +maxconn 2000\n/);
  const about = shown.split("\n").filter((line) => /acl old-|maxconn/.test(line));
  t.true(about.length < 15, about.join("\n"));
  const found = await readPreview(stack);
  t.regex(
    summary(found, "proxy"),
    /lb-01: write \/etc\/haproxy\/haproxy\.cfg \(1 line\), check it, reload haproxy/,
  );
  // What is the same already is only taken note of.
  t.notRegex(summary(found, "pages"), /write|install|restart|reload|start/);
  t.deepEqual(await look(), before);
});

test.serial(
  "`up` does that and no more: nobody was cut off, what stood there is kept",
  async (t) => {
    const before = await look();
    await stack.up();
    const after = await look();
    t.deepEqual(after, { ...before, [config]: ours });
    t.is(await read(`/var/lib/trilithon/originals${config}`), handWritten);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial(
  "`refresh` takes a hand edit into the state and leaves the machine alone",
  async (t) => {
    const edited = ours.replace("timeout client 30s", "timeout client 77s");
    await write(config, edited);
    const { status, stdout, stderr } = await stack.pulumi("refresh", "--yes");
    t.is(status, 0, stdout + stderr);
    t.is(await read(config), edited);
    const { stdout: state } = await stack.pulumi("stack", "export");
    t.true(state.includes("timeout client 77s"));
    const found = await readPreview(stack);
    t.deepEqual(
      found.updates.map(({ resource }) => resource),
      ["proxy"],
    );
    t.regex(summary(found, "proxy"), /haproxy\.cfg \(1 line\).*\[drift\]/);
  },
);

test.serial("`up --refresh` mends it", async (t) => {
  const before = await look();
  await stack.up("--refresh");
  t.deepEqual(await look(), { ...before, [config]: ours });
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("`--target` changes what it names, and nothing else", async (t) => {
  const before = await look();
  const next = ours.replace("maxconn 2000", "maxconn 3000");
  await configure({ haproxy: next, nginx: ourSite });
  const target = await urnOf("pages");
  const { stdout } = await stack.pulumi("preview", "--target", target);
  t.regex(stdout, /lb-01: write \/etc\/nginx\/conf\.d\/pages\.conf/);
  t.notRegex(stdout, /haproxy\.cfg/);
  await stack.up("--target", target);
  t.deepEqual(await look(), { ...before, [pages]: ourSite });
  const found = await readPreview(stack);
  t.deepEqual(
    found.updates.map(({ resource }) => resource),
    ["proxy"],
  );
});

test.serial(
  "what changes between the preview and `up` is read again, not undone blindly",
  async (t) => {
    const before = await look();
    const next = ours.replace("maxconn 2000", "maxconn 3000");
    t.regex(summary(await readPreview(stack), "proxy"), /haproxy\.cfg \(1 line\)/);
    // Somebody makes the very same change in the meantime, and the unit takes it in.
    await write(config, next);
    await stack.on(machine.name, "systemctl reload haproxy");
    const said = await stack.up();
    t.notRegex(said, /write|reload/);
    t.deepEqual(await look(), { ...before, [config]: next });
  },
);

test.serial("`destroy` puts back what stood there, and the daemons run on", async (t) => {
  const { status, stdout, stderr } = await stack.pulumi("destroy", "--yes", "--skip-preview");
  t.is(status, 0, stdout + stderr);
  t.regex(stdout, /lb-01: put back what stood there before: \/etc\/haproxy\/haproxy\.cfg/);
  t.is(await read(config), handWritten);
  for (const unit of ["haproxy", "nginx"]) {
    t.is((await stack.on(machine.name, `systemctl is-active ${unit} || true`)).trim(), "active");
  }
  t.is((await stack.on(machine.name, "ls -d /var/lib/trilithon 2>/dev/null || true")).trim(), "");
});

async function configure(texts: { readonly haproxy: string; readonly nginx: string }) {
  const own = { "trilithon:haproxy": texts.haproxy, "trilithon:nginx": texts.nginx };
  await stack.configure({ ...settings, ...own });
  await stack.setSecret("trilithon:privateKey", privateKey);
}

/** The two files and the units' main processes. */
async function look(): Promise<Record<string, string>> {
  const main = (unit: string) =>
    stack.on(machine.name, `systemctl show -P MainPID -P ActiveEnterTimestamp ${unit}`);
  return {
    [config]: await read(config),
    [pages]: await read(pages),
    haproxy: await main("haproxy"),
    nginx: await main("nginx"),
  };
}

function read(path: string): Promise<string> {
  return stack.on(machine.name, `cat ${path}`);
}

async function write(path: string, text: string): Promise<void> {
  await stack.on(machine.name, `cat >${path} <<'END'\n${text}END`);
}

async function urnOf(name: string): Promise<string> {
  const { stdout } = await stack.pulumi("stack", "--show-urns");
  const urn = stdout.match(/urn:\S+/g)?.find((one) => one.endsWith(`::${name}`));
  if (urn === undefined) throw new Error(`${name} is not in the stack:\n${stdout}`);
  return urn;
}
