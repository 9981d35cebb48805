/** An upgrade restarts what runs with the package, and what was started since is left alone. */

import test from "ava";
import type { Properties } from "../../../../provider/kind";
import type { Service } from "../../../../provider/kinds/service/args";
import { checkService } from "../../../../provider/kinds/service/check";
import { diff } from "../../../../provider/kinds/service/diff";
import { plan } from "../../../../provider/kinds/service/plan";
import { parseRunsWith, pristineFiles } from "../../../../provider/kinds/service/runs-with";
import { unknown } from "../../../../provider/protocol/values";
import { host } from "../../../support/services";

const owner = { project: "shop", stack: "dev" };
const drain = { file: "/run/drain", seconds: 1 };

function wants(more: object): Service {
  const inputs = { host, unit: "web.service", check: ["true"], ...more };
  const { args, failures } = checkService(inputs as unknown as Properties);
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // What passed the check is a Service.
  return args as unknown as Service;
}

const running = (now: Service["runsWith"], more: object = {}): Service => ({
  ...wants(more),
  runsWith: now,
});

const variables = {
  path: "/run/web (its variables)",
  change: "changed",
  lines: ["+ a = 1"],
} as const;

for (const [title, observed, desired, sentences] of [
  [
    "another version is taken in by a restart",
    running({ web: "1.0-1", tool: "2" }),
    wants({ runsWith: { web: "1:1.1-1", tool: "2" } }),
    ["check it", "restart web (it takes in web 1.0-1 -> 1:1.1-1)", "wait until it is ready"],
  ],
  [
    "a host that can be drained is",
    running({ web: "1" }),
    wants({ runsWith: { web: "2" }, drain }),
    [
      "check it",
      "drain the host and restart web (no request lost; it takes in web 1 -> 2)",
      "wait until it is ready",
    ],
  ],
  [
    "what takes a new program in as it reloads, reloads",
    running({ web: "1" }),
    wants({ runsWith: { web: "2" }, onUpgrade: "reload" }),
    [
      "check it",
      "reload web (no connection dropped; it takes in web 1 -> 2)",
      "wait until it is ready",
    ],
  ],
  [
    "a package that came is taken in",
    running({ web: "1" }),
    wants({ runsWith: { web: "1", more: "3" } }),
    ["check it", "restart web (it takes in more 3)", "wait until it is ready"],
  ],
  [
    "the same versions are left alone",
    running({ web: "1" }),
    wants({ runsWith: { web: "1" } }),
    [],
  ],
  [
    "a package less is left alone",
    running({ web: "1", old: "1" }),
    wants({ runsWith: { web: "1" } }),
    [],
  ],
  ["a state of 0.1.0 knows of none", running(undefined), wants({ runsWith: { web: "1" } }), []],
  [
    "a unit that is to be stopped takes nothing in",
    { ...running({ web: "1" }, { state: "stopped" }), state: "stopped" },
    wants({ runsWith: { web: "2" }, state: "stopped" }),
    [],
  ],
  [
    "the defaults of a new version are no change by anybody",
    { ...running({ web: "1" }), foreign: [variables] },
    wants({ runsWith: { web: "2" } }),
    ["check it", "restart web (it takes in web 1 -> 2)", "wait until it is ready"],
  ],
  [
    "without a new version they are told",
    { ...running({ web: "1" }), foreign: [variables] },
    wants({ runsWith: { web: "1" } }),
    ["take note of /run/web (its variables) (not of this stack: left as it is)"],
  ],
  [
    "a file is told with a new version as well",
    { ...running({ web: "1" }), foreign: [{ ...variables, path: "/etc/web.conf" }] },
    wants({ runsWith: { web: "2" } }),
    [
      "check it",
      "restart web (it takes in web 1 -> 2)",
      "wait until it is ready",
      "take note of /etc/web.conf (not of this stack: left as it is)",
    ],
  ],
  [
    "what a preview does not know yet is said to be so",
    running({ web: "1" }),
    wants({ runsWith: unknown }),
    ["restart web if its packages change (not known yet)"],
  ],
] as const) {
  test(title, (t) => {
    t.deepEqual(
      plan(observed, desired, owner).map(({ sentence }) => sentence),
      [...sentences],
    );
    t.is(diff(observed, desired).length > 0, sentences.length > 0);
  });
}

test("a package that is yet to come may bring what must not be there", (t) => {
  const desired = wants({ runsWith: { web: "1" }, absent: ["/etc/web/default"] });
  const sentences = plan(undefined, desired, owner).map(({ sentence }) => sentence);
  t.deepEqual(sentences, [
    "move /etc/web/default aside if a package brings it",
    "check it",
    "start web",
    "wait until it is ready",
    "enable web at boot",
  ]);
});

for (const [title, line, startedWith, now] of [
  ["started by us with another version, and not since", "2 before", { web: "1" }, { web: "1" }],
  ["started by us with this version", "2 before", { web: "2" }, { web: "2" }],
  ["started by somebody after the upgrade", "2 after", { web: "1" }, { web: "2" }],
  ["nothing is known of its start", "2 before", undefined, { web: "2" }],
  ["provided by another package", "none", { web: "1" }, { web: "1" }],
  ["not installed", "none", undefined, {}],
] as const) {
  test(`runs with: ${title}`, (t) => {
    const expected = { ...wants({ runsWith: { web: "2" } }), startedWith };
    t.deepEqual(parseRunsWith([line], expected), now);
  });
}

test("a file as its package brought it is nobody's, a changed one is somebody's", (t) => {
  const file = (text: string) => ({ bytes: Buffer.from(text), changedAt: 1, onChange: "restart" });
  const files = new Map([
    ["/etc/a", file("a\n")],
    ["/etc/b", file("by hand\n")],
    ["/etc/c", file("a\n")],
  ]);
  const sum = "60b725f10c9c85c70d97880dfe8191b3";
  t.deepEqual(pristineFiles([`/etc/a ${sum}`, `/etc/b ${sum} obsolete`], files), ["/etc/a"]);
});
