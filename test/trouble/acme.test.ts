/**
 * Certificates from an authority that speaks ACME (pebble) for two load balancers that share an address: each has its own, whoever of
 * them is asked by the authority, and whatever becomes of the authority and of the other one.
 */
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import test, { type ExecutionContext } from "ava";
import { makeAuthority, makeCertificate } from "../../provider/certificates";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { request, tlsOptions } from "../../scripts/verify/http";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { makePem } from "../support/pem";

const stackName = "acme";
const net = "172.31.89";
const address = `${net}.10`;
const authority = `${net}.50`;
const domain = "www.foobar.com";
const balancers = { "lb-01": `${net}.11`, "lb-02": `${net}.12` };
const names = Object.keys(balancers);
const pebble = `trilithon-${stackName}-pebble`;
const certificate = "/var/lib/trilithon/acme/certificate.pem";

function settings(https: unknown): Settings {
  return {
    "trilithon:domain": domain,
    "trilithon:hosts": [
      ...Object.entries(balancers).map(([name, address]) => ({
        ...{ name, address, roles: ["load-balancer"] },
      })),
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8389, sshPortBase: 13_500, memoryMegabytes: 512 },
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:loadBalancer": { virtualAddress: address },
    "trilithon:https": https,
  };
}

let stack: TestStack;
/** Of the certificates that it gives. */
let issuer = "";

test.before(async () => {
  stack = await TestStack.make(stackName, settings("own-ca"));
});

test.after.always(() => stack?.remove());

const inPebble = (script: string) => must(pebble, "docker", ["exec", pebble, "sh", "-c", script]);

/** Answers whom to trust for its directory. All names are at the shared address, as its own name server says. */
async function startPebble(): Promise<string> {
  await must(pebble, "docker", [
    ...["run", "--detach", "--name", pebble, "--label", `trilithon.stack=${stackName}`],
    ...["--network", `trilithon-${stackName}`, "--ip", authority, "--memory", "512m"],
    ...["trilithon-host:latest", "sleep", "infinity"],
  ]);
  await inPebble(
    "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends pebble",
  );
  const own = await makeAuthority("pebble");
  const served = await makeCertificate({ name: "acme", addresses: [authority], authority: own });
  const config = {
    ...{ listenAddress: "0.0.0.0:14000", managementListenAddress: "0.0.0.0:15000" },
    ...{ certificate: "/root/own.pem", privateKey: "/root/own.key", httpPort: 80, tlsPort: 443 },
  };
  const folder = await mkdtemp(join(tmpdir(), "trilithon-acme-"));
  const put = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    await must(pebble, "docker", ["cp", join(folder, name), `${pebble}:/root/${name}`]);
  };
  await put("own.pem", served.certificate);
  await put("own.key", served.privateKey);
  await put("pebble.json", JSON.stringify({ pebble: config }));
  await rm(folder, { recursive: true });
  for (const command of [
    `pebble-challtestsrv -http01 '' -https01 '' -tlsalpn01 '' -defaultIPv6 '' -defaultIPv4 ${address} -doh ''`,
    "PEBBLE_VA_NOSLEEP=1 pebble -config /root/pebble.json -dnsserver 127.0.0.1:8053",
  ]) {
    await must(pebble, "docker", [
      ...["exec", "--detach", pebble, "sh", "-c", `${command} >>/root/log 2>&1`],
    ]);
  }
  const trust = { name: "", ca: own.certificate };
  const url = `https://${authority}:15000/roots/0`;
  issuer = await until(async () => (await request({ url, trust })).body);
  return own.certificate;
}

/** Tries again until it gives something, for a minute or so. */
async function until<T>(give: () => Promise<T | undefined>): Promise<T> {
  for (let left = 120; ; left -= 1) {
    const found = await give().catch((error: Error) => {
      if (left === 0) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (left === 0) throw new Error("did not come");
    await wait(0.5);
  }
}

/** What a load balancer shows, if it is the authority's. */
function shown(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { host, port: 443, ...tlsOptions({ name: domain, ca: issuer }) };
    const socket = connect(options);
    socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
    socket.once("error", () => resolve(undefined));
    socket.once("secureConnect", () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
  });
}

const started = (host: string) =>
  stack.on(host, "systemctl show -P InvocationID -P StateChangeTimestampMonotonic haproxy");
const issue = (host: string) => stack.try(host, "systemctl start trilithon-acme.service");

/** As if it had been given long ago: it ends in some days. */
async function age(host: string): Promise<void> {
  const old = await makePem({ names: [domain], from: -80, to: 10 });
  await stack.on(
    host,
    `cat >${certificate} <<'END'\n${old.certificate}${old.key}END\nsystemctl reload haproxy`,
  );
}

function startAsking(t: ExecutionContext) {
  const asked: Promise<string | undefined>[] = [];
  const one = async () => {
    // An old certificate is of somebody else: what counts is the answer.
    const question = { url: `http://${address}/healthz`, headers: { Host: domain } };
    const { status } = await request({ ...question, deadlineSeconds: 30 });
    return status === 200 ? undefined : `status ${status}`;
  };
  const timer = setInterval(() => {
    asked.push(one().catch((error: Error) => error.message));
  }, 50);
  t.teardown(() => clearInterval(timer));
  return async () => {
    clearInterval(timer);
    return (await Promise.all(asked)).filter((answer) => answer !== undefined);
  };
}

test.serial(
  "each load balancer gets a certificate of its own, in the place of another one",
  async (t) => {
    await stack.up();
    const directoryCa = await startPebble();
    const directory = `https://${authority}:14000/dir`;
    const acme = { email: "admin@foobar.com", directory, directoryCa };
    await stack.configure(settings({ acme, ca: issuer }));
    const preview = await readPreview(stack);
    t.regex(summary(preview, "load-balancer-lb-01-acme-service"), /trilithon-acme\.timer/);
    await stack.up();
    const prints = await Promise.all(
      Object.values(balancers).map((host) => until(() => shown(host))),
    );
    t.is(new Set(prints).size, 2);
    t.deepEqual((await readPreview(stack)).updates, []);
    const endpoints = parseEndpoints(await stack.output("endpoints"));
    const sshKeys = await stack.output("sshKeys", "--show-secrets");
    const privateKeys = sshKeys as Readonly<Record<string, string>>;
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
    const failed = verdicts.filter(({ passed }) => !passed);
    t.deepEqual(failed, [], renderTable({ stack: stackName, url: endpoints.url, verdicts }));
  },
);

test.serial("its key is there alone, and only root reads it", async (t) => {
  const state = (await stack.pulumi("stack", "export", "--show-secrets")).stdout;
  for (const name of names) {
    const text = await stack.on(name, `cat ${certificate}`);
    const [line = ""] = /PRIVATE KEY-----\n(.*)\n/.exec(text)?.slice(1) ?? [];
    t.true(line.length > 40);
    t.false(state.includes(line));
    t.is(await stack.on(name, `stat -c '%a %U' ${certificate}`), "600 root\n");
    const found = await stack.on(name, `grep -rlF -e '${line}' /var/lib/trilithon /etc/haproxy`);
    t.is(found, `${certificate}\n`);
  }
});

test.serial("nothing is asked or reloaded without need", async (t) => {
  for (const name of names) {
    const before = await started(name);
    t.is((await issue(name)).status, 0);
    t.is(await started(name), before);
  }
});

test.serial(
  "each renews in time, whoever has the address that the authority asks at",
  async (t) => {
    for (const [name, host] of Object.entries(balancers)) {
      const before = await shown(host);
      await age(name);
      await until(async () => ((await shown(host)) === undefined ? true : undefined));
      const stop = startAsking(t);
      t.is((await issue(name)).status, 0);
      const after = await until(() => shown(host));
      t.not(after, before);
      t.deepEqual(await stop(), []);
    }
  },
);

test.serial(
  "while the authority is away nothing changes, and then it is asked again",
  async (t) => {
    await age("lb-01");
    const before = await started("lb-01");
    await stack.on("lb-01", `ip route add unreachable ${authority}/32`);
    t.not((await issue("lb-01")).status, 0);
    t.is(await started("lb-01"), before);
    const text = await stack.on("lb-01", `cat ${certificate}`);
    t.true(new X509Certificate(text).subject.includes(domain));
    await stack.on("lb-01", `ip route del unreachable ${authority}/32`);
    t.is((await issue("lb-01")).status, 0);
    t.truthy(await until(() => shown(balancers["lb-01"])));
  },
);

test.serial("an authority that forgot the account gets it again", async (t) => {
  await inPebble("pkill -x pebble");
  await must(pebble, "docker", [
    ...["exec", "--detach", pebble, "sh", "-c"],
    "PEBBLE_VA_NOSLEEP=1 pebble -config /root/pebble.json -dnsserver 127.0.0.1:8053 >>/root/log 2>&1",
  ]);
  await age("lb-02");
  const before = await stack.on("lb-02", `sha256sum ${certificate}`);
  await until(async () => ((await issue("lb-02")).status === 0 ? true : undefined));
  t.not(await stack.on("lb-02", `sha256sum ${certificate}`), before);
});

test.serial("one that is alone renews as well", async (t) => {
  await must("stop", "docker", ["stop", `trilithon-${stackName}-lb-01`]);
  await age("lb-02");
  const before = await stack.on("lb-02", `sha256sum ${certificate}`);
  await until(async () => ((await issue("lb-02")).status === 0 ? true : undefined));
  t.not(await stack.on("lb-02", `sha256sum ${certificate}`), before);
});
