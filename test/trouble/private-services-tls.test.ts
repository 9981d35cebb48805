/**
 * The hop from applications to a private service on another host: a stack of before has TLS there by one `up`, in which no request fails
 * and nothing that the service holds is lost; nobody reads it on the way; a wrong certificate is refused; another authority and another
 * password come while the application counts in the service with every request.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { type Certified, makeAuthority, makeCertificate } from "../../provider/certificates";
import { rotate } from "../../scripts/rotate/rotate";
import { must } from "../../scripts/setup/run";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { imageWith } from "../end-to-end/support/image-with";
import { startLoad } from "../end-to-end/support/load";
import { OldCode } from "../end-to-end/support/old-code";
import { readPreview } from "../end-to-end/support/preview";
import { readSecrets, type Secret } from "../end-to-end/support/secrets";
import {
  type Settings,
  TestStack,
  threeHostsWithoutDatabase,
} from "../end-to-end/support/test-stack";
import { authorityOf, changeState, makeShort } from "../support/certificates-in-state";
import { placesOf } from "../support/secrets-on-hosts";
import { ask } from "./applications/visitors";

/** The last one that has private services without TLS. */
const codeOfBefore = "217218c";
const stackName = "private-services";
const number = 125;
const publish = 8790;
const site = { port: publish, domain: "www.foobar.com" };
const hosts = ["lb-01", "web-01", "web-02"];
const address = `172.31.${number}.11`;
const kept = ["cache", "queue"] as const;
const units = { cache: "valkey-server", queue: "redis-server" };

let stack: TestStack;
let oldCode: OldCode;
let image: string;

function settings(change: Settings = {}): Settings {
  return {
    ...threeHostsWithoutDatabase(number, { publish, sshPortBase: 17_000 }),
    "trilithon:application": {
      ...{ name: "teller", source: join(__dirname, "side-by-side"), start: ["node", "server.mjs"] },
      ...{ packages: { nodejs: "present" }, environment: { COUNTS: "everything" } },
    },
    "trilithon:services": {
      cache: { kind: "valkey", hosts: ["lb-01"], ...change },
      queue: { kind: "redis", hosts: ["lb-01"], port: 6479, persistent: true },
      parts: { kind: "memcached", hosts: ["lb-01"] },
    },
  };
}

test.before(async () => {
  image = await imageWith("trilithon-tcpdump", ["tcpdump"]);
  oldCode = await OldCode.make(stackName, codeOfBefore);
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
  await oldCode?.remove();
});

const count = async () => {
  const { status, body } = await ask(site, "/count");
  return { status, text: body.trim() };
};

const visits = async () => Number((await count()).text.replace(/^\+OK :/, ""));

/** Which of these can be read on the way between the application's hosts and the service. */
async function readOnTheWay(t: ExecutionContext, words: readonly string[]) {
  const listen = `timeout 8 tcpdump -i any -n -s 0 -A 'host ${address} and (port 6379 or port 7379)' 2>/dev/null || true`;
  const heard = must("tcpdump", "docker", [
    ...["run", "--rm", "--network", `container:trilithon-${stackName}-lb-01`],
    ...["--cap-add", "NET_RAW", "--cap-add", "NET_ADMIN", image, "sh", "-c", listen],
  ]);
  await sleep(3000);
  for (let n = 0; n < 10; n += 1) t.regex((await count()).text, /^\+OK :\d+$/);
  const text = await heard;
  t.true(text.length > 2000, "packets were seen");
  return words.filter((word) => text.includes(word));
}

const command = "INCR visits";

async function passwordOf(name: string): Promise<Secret> {
  const secrets = await readSecrets(stack);
  const found = secrets.find((secret) => secret.name === `service-${name}-password`);
  if (found === undefined) throw new Error(`no password of ${name}`);
  return found;
}

const textOf = ({ texts: [text = ""] }: Secret) => text;

/** Each request counts in the service. */
async function underLoad(t: ExecutionContext, what: string, work: () => Promise<unknown>) {
  const url = `http://127.0.0.1:${publish}`;
  const load = startLoad({ url, requestsPerSecond: 30, writeEvery: 2 });
  try {
    await work();
  } finally {
    await sleep(2000);
    const { servers: _, ...result } = await load.stop();
    t.log(what, result);
    t.true(result.answered > 30, what);
    t.deepEqual(result.failures, {}, what);
  }
}

async function upUnderLoad(t: ExecutionContext, what: string) {
  await underLoad(t, what, () => stack.up());
  t.deepEqual((await readPreview(stack)).sentences, {}, what);
}

const startsOf = () =>
  Promise.all(
    Object.values(units).map((unit) =>
      stack.on(
        "lb-01",
        `systemctl show -P InvocationID ${unit} && systemctl show -P MainPID ${unit}`,
      ),
    ),
  );

/** From web-01, as an application of any sort: 0 where something answers. */
const reach = (port: number) =>
  stack.try(
    "web-01",
    `perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => "${address}:${port}", Timeout => 3)'`,
  );

const overTls = (service: string, port: number, said: string) =>
  stack.try(
    "web-01",
    `printf '${said}\\r\\nquit\\r\\n' | timeout 10 openssl s_client -quiet -verify_return_error -verify_ip ${address} -CAfile /etc/teller/${service}-authority.pem -connect ${address}:${port}`,
  );

test.serial("before, the password and what is kept can be read", async (t) => {
  await oldCode.with(stack, async () => {
    await stack.up();
  });
  const password = textOf(await passwordOf("cache"));
  t.deepEqual(await readOnTheWay(t, [command, password]), [command, password]);
});

test.serial("one `up` encrypts it: no request fails, and nothing restarts", async (t) => {
  const { sentences } = await readPreview(stack);
  for (const name of kept) {
    const said = sentences[`service-${name}-lb-01-service`] ?? "";
    t.regex(said, /reload (valkey|redis)-server/, name);
    t.regex(said, /applications on other hosts are told to ask it over TLS, at port/, name);
    t.notRegex(said, /restart/, name);
  }
  t.regex(sentences["service-parts-lb-01-service"] ?? "", /restart memcached \(.*is lost/);
  const before = { starts: await startsOf(), visits: await visits() };
  await upUnderLoad(t, "the first up");
  t.deepEqual(await startsOf(), before.starts);
  t.true((await visits()) > before.visits, "what it held is there");
  t.deepEqual(await readOnTheWay(t, [command, textOf(await passwordOf("cache"))]), []);
});

test.serial(
  "the plain ports are closed to other hosts, and all that is checked holds",
  async (t) => {
    for (const port of [6379, 6479, 11_211]) t.not((await reach(port)).status, 0, `${port}`);
    for (const port of [7379, 7479, 12_211]) t.is((await reach(port)).status, 0, `${port}`);
    const { endpoints, privateKeys } = await stack.outputs();
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "allowed" });
    const failed = verdicts.filter(({ passed }) => !passed);
    t.deepEqual(failed, [], renderTable({ stack: stackName, url: endpoints.url, verdicts }));
  },
);

test.serial("each kind shows a certificate of its own authority, and no other one", async (t) => {
  const asked = [
    ["cache", 7379, "PING", /^-NOAUTH/],
    ["queue", 7479, "PING", /^-NOAUTH/],
    ["parts", 12_211, "version", /^VERSION /],
  ] as const;
  for (const [service, port, said, answer] of asked) {
    const { stdout, stderr } = await overTls(service, port, said);
    t.regex(stdout, answer, `${service}: ${stderr}`);
    const other = service === "cache" ? "queue" : "cache";
    const refused = await overTls(other, port, said);
    t.notRegex(refused.stdout, answer, `${service} by the authority of ${other}`);
  }
});

test.serial("a start has TLS as well", async (t) => {
  for (const unit of [...Object.values(units), "memcached"]) {
    await stack.on("lb-01", `systemctl restart ${unit}`);
  }
  t.regex((await count()).text, /^\+OK :\d+$/);
  t.regex((await overTls("queue", 7479, "PING")).stdout, /^-NOAUTH/);
  t.regex((await overTls("parts", 12_211, "version")).stdout, /^VERSION /);
});

interface Shown {
  readonly what: string;
  readonly make: (authority: Certified) => Promise<Certified>;
}

const rightNames = [address, "lb-01"];
const wrong: readonly Shown[] = [
  {
    what: "one of another authority",
    make: async () => {
      const authority = await makeAuthority("service-cache authority");
      return makeCertificate({ name: "lb-01", addresses: rightNames, authority });
    },
  },
  {
    what: "one of another address",
    make: (authority) =>
      makeCertificate({ name: "web-01", addresses: [`172.31.${number}.21`], authority }),
  },
  {
    what: "one that has ended",
    make: (authority) => makeShort(rightNames, authority, new Date(Date.now() - 60_000)),
  },
];

test.serial("a wrong certificate is refused by the application, and mended", async (t) => {
  const authority = await authorityOf(stack, "service-cache-authority");
  for (const { what, make } of wrong) {
    await show(await make(authority));
    const { status, text } = await count();
    t.is(status, 500, what);
    t.regex(text, /certificate/i, what);
    const { sentences } = await readPreview(stack);
    t.regex(
      sentences["service-cache-lb-01-service"] ?? "",
      /write \/etc\/trilithon\/valkey\.pem .*\[drift\]/s,
      what,
    );
    await stack.up();
    t.is((await count()).status, 200, what);
  }
});

/** By hand. The file keeps its owner and mode. */
async function show({ certificate, privateKey }: Certified): Promise<void> {
  const write = (text: string, path: string) =>
    `echo ${Buffer.from(text).toString("base64")} | base64 -d >/etc/trilithon/${path}`;
  await stack.on(
    "lb-01",
    `${write(certificate, "valkey.pem")} && ${write(privateKey, "valkey-key.pem")} && systemctl reload valkey-server`,
  );
}

const serials = () =>
  Promise.all(
    ["valkey", "redis", "memcached"].map((kind) =>
      stack.on("lb-01", `openssl x509 -noout -serial -in /etc/trilithon/${kind}.pem`),
    ),
  );

test.serial("another authority is taken in by reloads, and the former one ends", async (t) => {
  const before = { starts: await startsOf(), serials: await serials() };
  const changed = await rotate(stack.place, ["certificates"], "second");
  t.true(changed.includes("trilithon:services.cache.authorityKeeper"), changed.join());
  await upUnderLoad(t, "another authority");
  t.deepEqual(await startsOf(), before.starts);
  for (const [index, serial] of (await serials()).entries()) t.not(serial, before.serials[index]);
  const trusted = () => stack.on("web-01", "grep -c BEGIN /etc/teller/cache-authority.pem");
  t.is(await trusted(), "2\n");
  await changeState(stack, "service-cache-authority", {
    formerUntil: new Date(Date.now() - 1000).toISOString(),
  });
  await upUnderLoad(t, "the end of the former authority");
  t.is(await trusted(), "1\n");
  for (const [service, port, said, answer] of [
    ["queue", 7479, "PING", /^-NOAUTH/],
    ["parts", 12_211, "version", /^VERSION /],
  ] as const) {
    t.regex((await overTls(service, port, said)).stdout, answer, service);
  }
});

/** From lb-01 itself. */
async function isLetIn({ texts: [password = ""] }: Secret, port: number): Promise<boolean> {
  const said = await stack.on(
    "lb-01",
    `printf 'AUTH ${password}\\nPING\\n' | valkey-cli -h 127.0.0.1 -p ${port}`,
  );
  return said.endsWith("PONG\n");
}

test.serial(
  "another password is taken in without a restart, and the former one ends",
  async (t) => {
    const former = await Promise.all(kept.map(passwordOf));
    const starts = await startsOf();
    await rotate(stack.place, ["services"], "third");
    await upUnderLoad(t, "another password");
    t.deepEqual(await startsOf(), starts);
    const present = await Promise.all(kept.map(passwordOf));
    for (const [index, port] of [6379, 6479].entries()) {
      const [before, now] = [former[index], present[index]];
      if (before === undefined || now === undefined) throw new Error(`port ${port}`);
      t.not(textOf(before), textOf(now));
      t.deepEqual(
        [await isLetIn(before, port), await isLetIn(now, port)],
        [false, true],
        `${port}`,
      );
      t.deepEqual(await placesOf(stack, hosts, before), [], `the former one of ${port}`);
      t.true((await placesOf(stack, hosts, now)).length > 1);
      t.false(stack.said.join("").includes(textOf(now)));
    }
  },
);

test.serial("it can be switched off, and on again", async (t) => {
  const password = textOf(await passwordOf("cache"));
  const keepers = { authorityKeeper: "second", passwordKeeper: "third" };
  const words = [command, password];
  const of = (change: Settings) => {
    const all = settings({ ...keepers, ...change });
    const services = Object(all["trilithon:services"]);
    return {
      ...all,
      "trilithon:web": { authorityKeeper: "second" },
      "trilithon:services": {
        ...services,
        queue: { ...services.queue, ...keepers },
        parts: { ...services.parts, authorityKeeper: "second" },
      },
    };
  };
  await stack.configure(of({ protocol: "plain" }));
  await upUnderLoad(t, "off");
  t.deepEqual(await readOnTheWay(t, words), words);
  t.not((await reach(7379)).status, 0);
  await stack.configure(of({}));
  await upUnderLoad(t, "on");
  t.deepEqual(await readOnTheWay(t, words), []);
  t.not((await reach(6379)).status, 0);
});
