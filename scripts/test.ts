/** `npm test`: every check there is, and one count of them all. `npm test -- --unit` leaves the container hosts out. */
import { join } from "node:path";
import { root } from "./setup/environment";
import { buildPlugins } from "./setup/plugin-bundles";
import { capture, readLines } from "./setup/run";
import { runMain } from "./setup/say";
import { setUp } from "./setup/setup";
import { type Tally, tapReader } from "./setup/tap";

/** What failed, with why: said once more at the end, where it is looked for. */
const failures: string[] = [];
const passed: Tally = { passed: 1, failed: 0, skipped: 0 };
const failed: Tally = { passed: 0, failed: 1, skipped: 0 };

runMain(async () => {
  const withHosts = !process.argv.includes("--unit");
  const isReady = await isSetUp(withHosts);
  const tallies = [
    ...(isReady ? [] : [failed]),
    ...(await Promise.all([
      check("types", "tsc", ["--project", "."]),
      check("types of the dashboard's page", "tsc", ["--project", "scripts/dashboard/page"]),
      check("formatter", "biome", ["check", "--linter-enabled=false"]),
      check("linter", "biome", ["lint", "--error-on-warnings"]),
    ])),
    await runTests("unit, plugin and component tests", []),
    ...(withHosts && isReady
      ? [await runTests("end to end", ["--config", "ava.end-to-end.config.mjs"])]
      : []),
  ];
  const total = tallies.reduce(add);
  if (failures.length > 0) print(`\nWhat failed:\n${failures.join("\n")}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  print(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  return total.failed > 0 ? 1 : 0;
});

async function isSetUp(withHosts: boolean): Promise<boolean> {
  try {
    await (withHosts ? setUp() : buildPlugins());
    return true;
  } catch (error) {
    fail(`  ✘ set-up\n${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function check(title: string, tool: string, args: readonly string[]): Promise<Tally> {
  const { status, stdout, stderr } = await capture(executable(tool), args, { cwd: root });
  if (status !== 0) return fail(`  ✘ ${title}\n${stdout}${stderr}`);
  print(`  ✔ ${title}`);
  return passed;
}

/** A runner that fails without a failed test, as with no test at all, counts as one failure. */
async function runTests(title: string, args: readonly string[]): Promise<Tally> {
  print(title);
  const reader = tapReader();
  const status = await readLines(executable("ava"), ["--tap", ...args], {
    cwd: root,
    onLine: (line) => {
      const text = reader.read(line);
      if (text !== undefined) print(text);
    },
  });
  failures.push(...reader.failures());
  const tally = reader.tally();
  if (status === 0 || tally.failed > 0) return tally;
  return add(tally, fail(`  ✘ ${title}: the test runner ended with exit ${status}`));
}

function fail(text: string): Tally {
  print(text);
  failures.push(text);
  return failed;
}

function add(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

function executable(tool: string): string {
  return join(root, "node_modules", ".bin", tool);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
