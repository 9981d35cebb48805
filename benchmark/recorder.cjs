/**
 * Loaded first into each Node process of a measured command: at its end it adds a line to the file that BENCHMARK_RECORD
 * names, of what the process took and when.
 */
const { appendFileSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const { basename, dirname } = require("node:path");

const file = process.env.BENCHMARK_RECORD;
const [, script = ""] = process.argv;
if (file && script) {
  const load = Module._load;
  // As the SDK loads the program: its folder, with a slash at the end, or its entry.
  Module._load = function (request, parent, isMain) {
    if (!/(\/|\/index\.ts)$/.test(request) || !parent?.filename?.endsWith("run.js")) {
      return load.call(this, request, parent, isMain);
    }
    performance.mark("program starts");
    const exported = load.call(this, request, parent, isMain);
    performance.mark("program evaluated");
    return exported;
  };
  process.on("exit", () => record(file));
}

function record(path) {
  const { user, system } = process.cpuUsage();
  const entries = ["mark", "measure"]
    .flatMap((type) => performance.getEntriesByType(type))
    .map(({ name, startTime, duration }) => ({
      name,
      startMilliseconds: performance.timeOrigin + startTime,
      endMilliseconds: performance.timeOrigin + startTime + duration,
    }));
  const line = {
    // `plugin/pulumi-resource-trilithon`, `run/index.js`
    script: `${basename(dirname(script))}/${basename(script)}`,
    startMilliseconds: performance.timeOrigin,
    endMilliseconds: Date.now(),
    cpuSeconds: (user + system) / 1e6,
    megabytes: residentMegabytes(),
    entries,
  };
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}

/** At most, of this process alone: the kernel's usual figure is not less than that of the process that started it. */
function residentMegabytes() {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(kilobytes) / 1024;
}
