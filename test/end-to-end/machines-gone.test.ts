/**
 * Machines that are gone for good, with the real engine: what was on them is forgotten with one warning each, by `up`
 * once they are taken out of the program, and by `destroy`. A machine that is only down is not taken for gone.
 */
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Sandbox } from "../support/sandbox";
import { clientKey } from "../support/ssh-keys";
import { SshServer } from "../support/ssh-server";
import { readPreview } from "./support/preview";
import { TestStack } from "./support/test-stack";

const both = ["one", "two"];

interface Machine {
  readonly sandbox: Sandbox;
  readonly server: SshServer;
}

let stack: TestStack;
let machines: Readonly<Record<string, Machine>>;

test.before(async () => {
  stack = await TestStack.make("machines-gone", {}, join(__dirname, "machines-gone"));
  const started = await Promise.all(
    ["a", "b", "c"].map(async (name) => [name, await start()] as const),
  );
  machines = Object.fromEntries(started);
});

test.after.always(async () => {
  for (const { server, sandbox } of Object.values(machines)) {
    await server.stop();
    await sandbox.remove();
  }
  await stack?.remove();
});

test.serial(
  "what a host that is down no longer has to hold is not forgotten while the program wants the host",
  async (t) => {
    await configure({ a: both, b: both, c: both }, "b");
    await stack.up();
    await machine("b").server.stop();
    await configure({ a: both, b: ["one"], c: both }, "c");
    const said = await stack.mustFail();
    t.regex(
      said,
      /moving .*error: b \(.*no answer over SSH.*; if it is gone for good, take it out of the program first/,
    );
    t.deepEqual(await resources(), [
      "a-one",
      "a-two",
      "b-one",
      "b-two",
      "c-one",
      "c-two",
      "moving",
    ]);
  },
);

test.serial(
  "a host that is gone and taken out of the program: one warning, and `up` is green",
  async (t) => {
    await configure({ a: both, c: both }, "c");
    const { warnings } = await readPreview(stack);
    isOneWarning(t, warnings.join("\n"));
    const said = await stack.up();
    isOneWarning(t, said);
    t.regex(said, /left behind on b, which does not answer: b\/one/);
    t.regex(said, /left behind on b, which does not answer: b\/moving/);
    t.deepEqual(await resources(), ["a-one", "a-two", "c-one", "c-two", "moving"]);
    t.is(await machine("c").sandbox.read("/etc/moving"), "moving\n");
    t.regex(await stack.up(), /Resources:\n {4}\d+ unchanged\n/);
  },
);

test.serial("`destroy` with a machine that is gone ends, and takes the rest away", async (t) => {
  await machine("c").server.stop();
  const { status, stdout, stderr } = await stack.pulumi("destroy", "--yes", "--skip-preview");
  t.is(status, 0, stdout + stderr);
  t.is(diagnostics(stdout).match(/warning: /g)?.length, 1, stdout);
  t.deepEqual(await machine("a").sandbox.entries("/etc"), {});
});

/** The CLI shows a message on the resource's row as well. */
function isOneWarning(t: ExecutionContext, said: string): void {
  const told = diagnostics(said);
  t.is(told.match(/drift was not checked: b /g)?.length, 1, told);
  t.regex(
    told,
    /this concerns b-one, b-two, moving: `up` fails on those .* and forgets the others/,
  );
}

function diagnostics(said: string): string {
  return said.split("\nDiagnostics:\n").at(-1) ?? "";
}

async function resources(): Promise<string[]> {
  const { stdout } = await stack.pulumi("stack", "export");
  const exported: { deployment: { resources: readonly { urn: string; type: string }[] } } =
    JSON.parse(stdout);
  return exported.deployment.resources
    .filter(({ type }) => type === "trilithon:index:Service")
    .map(({ urn }) => urn.split("::").at(-1) ?? "")
    .sort();
}

async function start(): Promise<Machine> {
  const sandbox = await Sandbox.make();
  return { sandbox, server: await SshServer.start({ execute: sandbox.execute }) };
}

function machine(name: string): Machine {
  const found = machines[name];
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
}

async function configure(
  services: Readonly<Record<string, readonly string[]>>,
  movesTo: string,
): Promise<void> {
  await stack.configure({
    "trilithon:movesTo": movesTo,
    "trilithon:hosts": Object.entries(services).map(([name, on]) => {
      const { sandbox, server } = machine(name);
      const { privateKey: _, ...host } = { ...server.host(), name };
      return { ...host, folder: sandbox.folder, services: on };
    }),
  });
  await stack.setSecret("trilithon:privateKey", clientKey.private);
}
