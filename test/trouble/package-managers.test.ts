/** The package as others install it: from the registry by each package manager, on the oldest and the newest Node. */

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { root } from "../../scripts/setup/environment";
import { capture, must } from "../../scripts/setup/run";

const { engines, peerDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as {
  readonly engines: { readonly node: string };
  readonly peerDependencies: Readonly<Record<"@pulumi/pulumi", string>>;
};
/** `>=20.19` */
const oldestNode = `${engines.node.replace(/^>=/, "")}.0`;
/** `>=3.248.0 <4` */
const oldestPulumi = /[\d.]+/.exec(peerDependencies["@pulumi/pulumi"])?.[0] ?? "";

let folder: string;
let tarball: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilithon-managers-"));
  const packed = await must("npm pack", "npm", ["pack", "--pack-destination", folder], {
    cwd: root,
  });
  tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
  await install("tools", ["pnpm", "yarn@1", "bun"]);
  await install("oldest", [`node@${oldestNode}`]);
  await install("newest", ["node"]);
});

test.after.always(() => rm(folder, { recursive: true, force: true }));

async function install(name: string, packages: readonly string[]): Promise<void> {
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, "package.json"), "{}");
  // The packages fetch their programs as they are installed.
  const args = ["install", "--no-audit", "--no-fund", "--foreground-scripts", ...packages];
  await must(name, "npm", args, { cwd: join(folder, name) });
}

const nodes = { oldest: oldestPulumi, newest: "latest" };

const managers: Readonly<Record<string, readonly string[]>> = {
  npm: ["npm", "--no-audit", "--no-fund"],
  pnpm: ["tools/node_modules/.bin/pnpm"],
  yarn: ["tools/node_modules/.bin/yarn", "--non-interactive"],
  bun: ["tools/node_modules/.bin/bun"],
};

const use = `const all = require("trilithon");
const { LoadBalancer } = require("trilithon/load-balancer");
const { Release } = require("trilithon/resources/release");
if (all.LoadBalancer !== LoadBalancer) throw new Error("another class");
console.log(process.version, Release.name, require("@pulumi/pulumi/package.json").version);`;

/** Prints the port that it serves on, as Pulumi's engine reads it. */
const startPlugin = `node_modules/trilithon/dist/plugin/pulumi-resource-trilithon >port & plugin=$!
until [ -s port ]; do kill -0 "$plugin" || exit 1; sleep 0.1; done
cat port; kill "$plugin"`;

for (const [node, pulumi] of Object.entries(nodes)) {
  for (const [name, [manager = "", ...options]] of Object.entries(managers)) {
    test.serial(
      `installed by ${name} with the ${node} Node and Pulumi SDK it loads, and its plugin runs`,
      async (t) => {
        const project = join(folder, `${name}-${node}`);
        await mkdir(project);
        const dependencies = { trilithon: `file:${tarball}`, "@pulumi/pulumi": pulumi };
        await writeFile(
          join(project, "package.json"),
          JSON.stringify({ name: "elsewhere", private: true, dependencies }),
        );
        const bin = join(folder, node, "node_modules", "node", "bin");
        const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
        const program = manager.includes("/") ? join(folder, manager) : manager;
        const args = ["install", "--ignore-scripts", ...options];
        const installed = await capture(program, args, { cwd: project, env });
        t.is(installed.status, 0, installed.stdout + installed.stderr);
        const loaded = await capture("node", ["-e", use], { cwd: project, env });
        t.is(loaded.status, 0, loaded.stderr);
        t.log(loaded.stdout.trim());
        if (node === "oldest") t.true(loaded.stdout.startsWith(`v${oldestNode} `), loaded.stdout);
        const plugin = await capture("sh", ["-c", startPlugin], { cwd: project, env });
        t.regex(plugin.stdout, /^\d+\n$/, plugin.stderr);
      },
    );
  }
}

/** As docs/components.md says it. */
const findPlugin = `require('path').dirname(require.resolve('trilithon/package.json')) + '/dist/plugin'`;

for (const [name, [manager = "", ...options]] of Object.entries(managers)) {
  test.serial(`in a workspace of ${name} the documented command finds the plugin`, async (t) => {
    const project = join(folder, `${name}-workspace`);
    const infra = join(project, "packages", "infra");
    await mkdir(infra, { recursive: true });
    const dependencies = { trilithon: `file:${tarball}`, "@pulumi/pulumi": "latest" };
    const manifests = {
      [join(project, "package.json")]: { name: "all", private: true, workspaces: ["packages/*"] },
      [join(infra, "package.json")]: { name: "infra", version: "1.0.0", dependencies },
    };
    for (const [path, manifest] of Object.entries(manifests)) {
      await writeFile(path, JSON.stringify(manifest));
    }
    await writeFile(join(project, "pnpm-workspace.yaml"), "packages: ['packages/*']\n");
    const bin = join(folder, "newest", "node_modules", "node", "bin");
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const program = manager.includes("/") ? join(folder, manager) : manager;
    const args = ["install", "--ignore-scripts", ...options];
    const installed = await capture(program, args, { cwd: project, env });
    t.is(installed.status, 0, installed.stdout + installed.stderr);
    const found = await capture("node", ["-p", findPlugin], { cwd: infra, env });
    t.is(found.status, 0, found.stderr);
    const listed = await readdir(found.stdout.trim());
    t.deepEqual(listed.sort(), ["plugin.js", "pulumi-resource-trilithon"], found.stdout);
    t.log(found.stdout.trim().slice(project.length));
  });
}
