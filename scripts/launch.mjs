/**
 * Runs a command of this folder, `node scripts/launch.mjs start`, on a machine that may have nothing but Node and npm:
 * uses no package until the packages are those of package-lock.json.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = [20, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

requireNode();
if (!arePackagesInstalled()) installPackages();
runCommand();

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isOldEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (!isOldEnough) {
    fail(`node: expected ${oldestNode.join(".")} or later, got ${process.versions.node}`);
  }
}

function arePackagesInstalled() {
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (!installed) return false;
  const wanted = readPackages(join(root, "package-lock.json")) ?? {};
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === "" ||
      installed[path]?.version === entry.version ||
      (entry.optional && !installed[path]),
  );
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : undefined;
}

/** Install scripts are left out: those of Pulumi's packages only download plugins, which set-up does itself. */
function installPackages() {
  process.stderr.write("- npm packages: installing those of package-lock.json\n");
  const { status, error, stderr } = spawnSync(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] },
  );
  if (status === 0) return;
  // npm tells what is wrong first, and how it is used after that.
  const words = error ? error.message : stderr.split("\n").slice(0, 20).join("\n");
  fail(`npm packages: npm ci failed\n${words}`);
}

function runCommand() {
  const [command = "start"] = process.argv.splice(2, 1);
  const require = createRequire(import.meta.url);
  require("tsx/cjs/api").register();
  require(join(root, "scripts", `${command}.ts`));
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
