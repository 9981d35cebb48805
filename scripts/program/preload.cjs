/**
 * Makes the program start in a third of the time. npm's commands load this first into each Node process below them
 * (`NODE_OPTIONS`, scripts/setup/environment.ts); it acts only in the one in which Pulumi's SDK runs this checkout's
 * program. Without it, as under bare `pulumi`, the same program runs from the same sources, through Pulumi's ts-node.
 */
const Module = require("node:module");
const { dirname, join, resolve, sep } = require("node:path");

const root = dirname(dirname(__dirname));

/** The SDK loads the folder, or what the exports of package.json have as "default": Node itself takes "node" before that. */
const requests = new Set([root, root + sep, join(root, "index.ts")]);

/** The SDK loads them for each program, and needs them only to serialize functions; half of its start is theirs. */
const seldomNeeded = new Set(["typescript", "@npmcli/arborist"]);

const sourceMaps = "source-map-support/register";

if (isProgramOf(root, process.argv)) {
  const { bundleProgram } = require("./bundle.cjs");
  const program = bundleProgram(root);
  if (program !== undefined) start(program);
}

/** As the language host has it: `node .../@pulumi/pulumi/cmd/run ... --pwd FOLDER ... .` */
function isProgramOf(folder, [, script = "", ...args]) {
  const runsProgram = /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run\b/.test(script);
  const pwd = args[args.indexOf("--pwd") + 1] ?? ".";
  return runsProgram && resolve(pwd, args.at(-1) ?? ".") === folder;
}

function start(program) {
  const load = Module._load;
  // A bundle needs no compiler.
  process.env.PULUMI_NODEJS_TYPESCRIPT = "false";
  let isFailing = false;
  Module._load = function (request, parent, isMain) {
    if (requests.has(request)) return load.call(this, program, parent, isMain);
    // The SDK takes a stack trace for each promise. Looking up its places in the sources can wait for an error.
    if (request === sourceMaps && !isFailing) return {};
    if (!seldomNeeded.has(request)) return load.call(this, request, parent, isMain);
    return lazily(() => load.call(this, request, parent, isMain));
  };
  const showSources = () => {
    isFailing = true;
    Module.createRequire(program)(sourceMaps);
  };
  // Before the SDK's own, which print the error.
  process.once("uncaughtException", showSources);
  process.once("unhandledRejection", showSources);
}

/** A module that is loaded when something of it is first used. */
function lazily(load) {
  let loaded;
  const get = () => {
    loaded ??= load();
    return loaded;
  };
  return new Proxy(
    {},
    {
      get(_, name) {
        // The code that TypeScript makes for imports would copy every other module whole.
        if (name === "__esModule") return true;
        return name === "default" ? (get().default ?? get()) : get()[name];
      },
      has: (_, name) => name in get(),
    },
  );
}
