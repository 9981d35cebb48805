import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { root } from "../../scripts/setup/environment";
import { capture } from "../../scripts/setup/run";
import { Consumer } from "../support/consumer";

const consumer = Consumer.install();

test.after.always(async () => (await consumer).remove());

const wrongUses = `import { LoadBalancer } from "trilithon/load-balancer";
import { ExistingHost } from "trilithon/existing-host";
import { front } from "./hosts";

const domain = "www.example.com";
const server = { host: { name: "one", address: "10.0.0.21" }, port: 8080 };
// @ts-expect-error: a port is a number
new LoadBalancer("a", { hosts: [front], servers: [{ ...server, port: "8080" }], domain, healthPath: "/" });
// @ts-expect-error: the health path is missing
new LoadBalancer("b", { hosts: [front], servers: [server], domain });
// @ts-expect-error: no such argument
new LoadBalancer("c", { hosts: [front], servers: [server], domain, healthPath: "/", statsport: 1 });
// @ts-expect-error: without a host key nothing is reached
new ExistingHost("d", { address: "10.0.0.11", privateKey: "" });
`;

test.serial(
  "the examples type-check where the package is installed, and wrong uses do not",
  async (t) => {
    const project = await consumer;
    const examples = readExamples();
    t.true(examples.length >= 6);
    for (const { name, text } of examples) await project.write(name, text);
    await project.write("wrong-uses.ts", wrongUses);
    for (const resolution of ["node10", "node16"] as const) {
      const { status, stdout } = await project.typeCheck(resolution);
      t.is(status, 0, `${resolution}: ${stdout}`);
    }
  },
);

test.serial(
  "each entry loads with what the package declares, and nothing else can be imported",
  async (t) => {
    const { folder } = await consumer;
    const names = entries().filter((name) => name !== "./package.json");
    const loads = names.map((name) => `require("trilithon${name.slice(1)}");`).join(" ");
    const good = await capture("node", ["-e", loads], { cwd: folder });
    t.is(good.status, 0, good.stderr);
    const inner = 'require("trilithon/dist/package/components/options.js")';
    const bad = await capture("node", ["-e", inner], { cwd: folder });
    t.regex(bad.stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
  },
);

test.serial("the package declares nothing that it does not import", async (t) => {
  const { folder } = await consumer;
  const installed = join(folder, "node_modules", "trilithon");
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(installed, "package.json"), "utf8"),
  ) as { readonly dependencies: object; readonly peerDependencies: object };
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const { status } = await capture("grep", ["-rqF", `require("${name}")`, "dist/package"], {
      cwd: installed,
    });
    t.is(status, 0, name);
  }
});

test.serial("the package itself is an entry with all components and resources", async (t) => {
  const { folder } = await consumer;
  const script = 'console.log(Object.keys(require("trilithon")).sort().join(" "))';
  const { stdout } = await capture("node", ["-e", script], { cwd: folder });
  t.is(
    stdout.trim(),
    "AcmeAccountKey Application Backup Certificate CertificateAuthority DatabaseProxy ExistingHost Firewall Hardening LoadBalancer Machine Monitoring MysqlContent MysqlGroup MysqlGroupReplication MysqlPair MysqlPasswordRetirement MysqlReplication NameServer Packages Password PrivateService Release RetiredKeys Service SshKey WebServer ZoneSerial createMonitoringKeys",
  );
});

test.serial("the plugin comes with it and can be run", async (t) => {
  const { folder } = await consumer;
  const plugin = join(folder, "node_modules", "trilithon", "dist", "plugin");
  const { stdout } = await capture("ls", ["-l", plugin]);
  t.regex(stdout, /-rwxr-xr-x.* pulumi-resource-trilithon\n/);
  t.notRegex(stdout, /compiled|\.map/);
});

function readExamples(): readonly { readonly name: string; readonly text: string }[] {
  const page = readFileSync(join(root, "docs", "components.md"), "utf8");
  const blocks = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
  return blocks.map(([, name = "", text = ""]) => ({ name, text }));
}

/** By the name under which another program imports them. */
function entries(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: object;
  };
  const resources = [
    ...["generated", "host", "machine", "mysql-replication"],
    ...["packages", "release", "service"],
  ];
  return Object.keys(exports).flatMap((name) =>
    name.includes("*") ? resources.map((resource) => name.replace("*", resource)) : [name],
  );
}
