/**
 * Hosts that are away, with the real engine: their machines are dead or gone, the rest of the stack is changed and serves
 * as if nothing were wrong, and nothing on them is made again or forgotten until they are taken back.
 */
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { type Load, type LoadResult, startLoad } from "./support/load";
import { type Preview, readPreview } from "./support/preview";
import { type Settings, TestStack, threeHosts } from "./support/test-stack";

const stackName = "away";
const number = 83;
/** Apart from those of other tests, of which each takes as many as it has load balancers. */
const publish = 8183;
const url = `http://127.0.0.1:${publish}`;
const names = ["lb-01", "lb-02", "web-01", "web-02"];

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("a stack with two load balancers, two web servers and a pair is made", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial(
  "a web server with a replica is dead and away: the others do without it, and no request fails",
  async (t) => {
    await docker("stop", "--time=5", containerOf("web-02"));
    await stack.configure(settings("web-02"));
    const preview = await readPreview(stack);
    isToldOnce(t, preview, "web-02");
    t.deepEqual(preview.updates.map(({ resource }) => resource).sort(), [
      "database-proxy-web-01-service",
      "database-replication",
      "database-web-01-opening",
      "load-balancer-lb-01-service",
      "load-balancer-lb-02-service",
    ]);
    t.log(preview.sentences["database-replication"], preview.warnings);
    await stack.up();
    await serves(t, "web-01");
    t.is(await stateOf("web-02"), "exited");
    const after = await readPreview(stack);
    isToldOnce(t, after, "web-02");
    t.deepEqual(after.updates, []);
    await isVerified(t, ["web-02"]);
  },
);

test.serial("a change of the rest does not wait for it", async (t) => {
  await stack.configure({ ...settings("web-02"), "trilithon:web": { uploadLimitMegabytes: 20 } });
  const { updates } = await readPreview(stack);
  t.deepEqual(
    updates.map(({ resource }) => resource),
    ["web-01-nginx-service"],
  );
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("taken back, it is started, gets what was changed meanwhile, and serves", async (t) => {
  await stack.configure({ ...settings(), "trilithon:web": { uploadLimitMegabytes: 20 } });
  const preview = await readPreview(stack);
  t.log(preview);
  t.true(preview.updates.some(({ resource }) => resource === "web-02"));
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 10 });
  await stack.up();
  isFaultless(t, await load.stop());
  t.regex(await stack.on("web-02", "nginx -T 2>/dev/null"), /client_max_body_size 20m/);
  t.deepEqual((await readPreview(stack)).updates, []);
  await isVerified(t, []);
});

test.serial("a load balancer is gone and away: it is not started again", async (t) => {
  await docker("rm", "--force", containerOf("lb-02"));
  await stack.configure(settings("lb-02"));
  const preview = await readPreview(stack);
  isToldOnce(t, preview, "lb-02");
  t.log(preview);
  await stack.up();
  t.not(await stateOf("lb-02"), "running");
  await serves(t, "web-02");
  t.deepEqual((await readPreview(stack)).updates, []);
  await isVerified(t, ["lb-02"]);
});

test.serial("taken back, it is a new machine, and gets all that belongs there", async (t) => {
  await stack.configure(settings());
  await stack.up();
  t.is(await stateOf("lb-02"), "running");
  const answer = await fetch(`http://127.0.0.1:${publish + 1}/`);
  t.is(answer.status, 200);
  t.deepEqual((await readPreview(stack)).updates, []);
  await isVerified(t, []);
});

test.serial("a dead host that is away is removed like any other", async (t) => {
  await docker("kill", containerOf("lb-02"));
  await stack.configure(settings("lb-02"));
  await stack.up();
  await stack.configure({
    ...settings(),
    "trilithon:hosts": hosts().filter(({ name }) => name !== "lb-02"),
  });
  await stack.up();
  t.is(await stateOf("lb-02"), "");
  t.deepEqual((await readPreview(stack)).updates, []);
});

function settings(away?: string): Settings {
  const containers = { subnet: `172.31.${number}.0/24`, publish, sshPortBase: 26_000 };
  return {
    ...threeHosts(number),
    "trilithon:containers": containers,
    "trilithon:hosts": hosts(away),
  };
}

function hosts(away?: string) {
  const net = `172.31.${number}`;
  return [
    { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
    { name: "lb-02", address: `${net}.12`, roles: ["load-balancer"] },
    { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
    { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
  ].map((host) => (host.name === away ? { ...host, away: true } : host));
}

/** One line says that it is away, and nothing else is said of it. */
function isToldOnce(t: ExecutionContext, { warnings }: Preview, name: string): void {
  const told = warnings.filter((warning) => warning.includes(`${name} is away: nothing is asked`));
  t.is(told.length, 1, warnings.join("\n"));
  t.false(warnings.join("\n").includes("drift was not checked"), warnings.join("\n"));
}

async function serves(t: ExecutionContext, name: string): Promise<void> {
  const load: Load = startLoad({ url, requestsPerSecond: 20, writeEvery: 4 });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const result = await load.stop();
  isFaultless(t, result);
  t.true((result.servers[name] ?? 0) > 0, JSON.stringify(result));
}

function isFaultless(t: ExecutionContext, result: LoadResult): void {
  t.deepEqual(result.failures, {}, JSON.stringify(result));
  t.true(result.answered > 0);
}

async function isVerified(t: ExecutionContext, away: readonly string[]): Promise<void> {
  const { endpoints, privateKeys } = await stack.outputs();
  t.deepEqual(endpoints.away, away);
  t.is(endpoints.hosts.length, names.length - away.length);
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
  const table = renderTable({ stack: stackName, url, away: endpoints.away, verdicts });
  t.true(
    verdicts.every(({ passed }) => passed),
    table,
  );
}

function containerOf(name: string): string {
  return `trilithon-${stackName}-${name}`;
}

function docker(...args: string[]): Promise<string> {
  return must(args.join(" "), "docker", args);
}

/** `running`, `exited`, `created`; empty where there is none. */
async function stateOf(name: string): Promise<string> {
  const filter = `name=^${containerOf(name)}$`;
  return (
    await docker("container", "ls", "--all", "--filter", filter, "--format", "{{.State}}")
  ).trim();
}
