import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { renderCommandUnit } from "../../../components/render/application-unit";
import {
  allowances,
  renderConfinement,
  type UnitOptions,
} from "../../../components/render/confinement";

const names = Object.keys(allowances) as (keyof typeof allowances)[];
const usual = renderConfinement("shop").split("\n");
const keyOf = (line: string) => line.replace(/=.*/, "");

for (const name of names) {
  test(`${name} lifts what it says, and leaves all other lines as they are`, (t) => {
    const { lifts = [], adds = [] }: { lifts?: readonly string[]; adds?: readonly string[] } =
      allowances[name];
    const lines = renderConfinement("shop", { allow: [name] }).split("\n");
    t.deepEqual(lines, [...usual.filter((line) => !lifts.includes(keyOf(line))), ...adds]);
    t.notDeepEqual(lines, usual);
    for (const setting of lifts) t.true(usual.map(keyOf).includes(setting), setting);
  });
}

test("a filter that is lifted is not put back by what else is allowed", (t) => {
  const text = renderConfinement("shop", { allow: ["namespaces", "ptrace", "system-calls"] });
  t.false(text.includes("SystemCallFilter"));
  t.is(text, renderConfinement("shop", { allow: ["system-calls", "ptrace", "namespaces"] }));
  const both = renderConfinement("shop", { allow: ["namespaces", "ptrace"] });
  t.true(both.endsWith("\nSystemCallFilter=@mount\nSystemCallFilter=@debug"));
});

test("raw lines come last, so that they count", (t) => {
  const options = { allow: ["low-ports" as const], rawLines: ["ProtectSystem=no"] };
  t.true(
    renderConfinement("shop", options).endsWith(
      "\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nProtectSystem=no",
    ),
  );
});

test("the settings' page says of each name what it is for", (t) => {
  const page = readFileSync("docs/settings.md", "utf8");
  const [, table = ""] =
    /\| `allow` \| what is lifted[^\n]*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? [];
  const told = table.split("\n").flatMap((row) => /^\| `([a-z0-9-]+)` \|/.exec(row)?.[1] ?? []);
  t.deepEqual(told, names);
});

const hasSystemd = (() => {
  try {
    execFileSync("systemd-analyze", ["calendar", "daily"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

(hasSystemd ? test : test.skip)("systemd knows each setting and each value", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-units-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const verify = (options: UnitOptions) => {
    const file = join(folder, "shop.service");
    const command = { folder: "/", command: ["/bin/true"], process: "job" };
    writeFileSync(file, renderCommandUnit({ name: "root", ...command, options }));
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
      encoding: "utf8",
    });
    return stderr.split("\n").filter((line) => line.includes(file));
  };
  t.deepEqual(verify({}), []);
  for (const name of names) t.deepEqual(verify({ allow: [name] }), [], name);
  t.deepEqual(verify({ allow: names }), []);
  t.is(verify({ rawLines: ["MemoryMacks=1G"] }).length, 1, "it tells what it does not know");
});
