import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { renderMemoryLimits } from "../../../provider/kinds/machine";

const container = "/docker/0123abcd";
const gigabyte = String(1024 ** 3);

const cases = [
  {
    name: "a container with a view of its own group alone",
    own: "0::/\n",
    files: { "memory.max": gigabyte },
    limits: [gigabyte],
  },
  {
    name: "a container that sees all groups, with its systemd in one of its own",
    own: `0::${container}/init.scope\n`,
    files: {
      [`${container}/init.scope/memory.max`]: "max",
      [`${container}/memory.max`]: gigabyte,
      "/docker/another/memory.max": "1",
    },
    limits: ["max", gigabyte],
  },
  {
    name: "the first version, where a container's own group is all that is mounted",
    own: `4:cpuset,memory,pids:${container}\n1:cpu:/\n`,
    files: { "memory/memory.limit_in_bytes": gigabyte },
    limits: [gigabyte],
  },
  {
    name: "the first version in full",
    own: `4:memory:${container}\n`,
    files: { [`memory${container}/memory.limit_in_bytes`]: gigabyte },
    limits: [gigabyte],
  },
  {
    name: "a machine that is no container",
    own: "0::/init.scope\n",
    files: { "/init.scope/memory.max": "max" },
    limits: ["max"],
  },
];

for (const { name, own, files, limits } of cases) {
  test(`the memory that a control group allows: ${name}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "trilithon-groups-"));
    t.teardown(() => rm(folder, { recursive: true }));
    const all = { own, ...files };
    for (const [path, content] of Object.entries(all)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const script = renderMemoryLimits(join(folder, "own"), folder).text;
    const { stdout } = await promisify(execFile)("sh", ["-euc", script]);
    t.deepEqual(
      stdout.trim().split("\n"),
      limits.map((limit) => `memory ${limit}`),
    );
  });
}
