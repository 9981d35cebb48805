/** The script that gets certificates, run for real: OpenSSL is OpenSSL, and what asks the authority, HAProxy and systemd are stubs. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  renderAcmeConfig,
  renderAcmeScript,
  renderAcmeService,
  renderAcmeTimer,
} from "../../../components/render/acme";
import { makePem } from "../../support/pem";
import { isGolden } from "./golden";

const config = {
  email: "admin@foobar.com",
  directory: "https://acme.example.com:14000/dir",
  names: ["www.foobar.com", "foobar.com"],
};

const reload = "systemctl try-reload-or-restart haproxy";

test("renders the script, its configuration and its units", (t) => {
  isGolden(t, "trilithon-acme", renderAcmeScript());
  isGolden(t, "acme.conf", renderAcmeConfig(config));
  isGolden(t, "trilithon-acme.service", renderAcmeService({ hasVariables: false }));
  isGolden(t, "trilithon-acme.timer", renderAcmeTimer({ turnSeconds: 0 }));
});

test("what lego is told of a DNS provider comes from a file, and load balancers take turns", (t) => {
  const text = renderAcmeConfig({ ...config, dnsProvider: "rfc2136" });
  t.regex(text, /^provider='rfc2136'$/m);
  t.regex(text, /^limit=25m$/m);
  const service = renderAcmeService({ hasVariables: true });
  t.regex(service, /^EnvironmentFile=\/etc\/haproxy\/acme-environment$/m);
  const timer = renderAcmeTimer({ turnSeconds: 600 });
  t.regex(timer, /^OnActiveSec=602s\nOnBootSec=660s$/m);
});

/** A host with the script. `lego` gives what lies in `given`, and every program notes that it was run. */
function makeHost(t: ExecutionContext) {
  const root = mkdtempSync(join(tmpdir(), "trilithon-acme-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const at = (name: string) => join(root, name);
  const [certificate, log] = [at("acme/certificate.pem"), at("log")];
  const program = (name: string, body: string) => {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\necho "${name} $*" >>${log}\n${body}\n`);
    chmodSync(at(`bin/${name}`), 0o755);
  };
  mkdirSync(at("bin"));
  writeFileSync(log, "");
  writeFileSync(at("account.key"), "account");
  const paths = {
    ...{ config: at("acme.conf"), accountKey: at("account.key"), certificate },
    ...{ undo: at("undo"), lock: at("lock") },
  };
  writeFileSync(at("script"), renderAcmeScript({ ...paths, directoryCa: at("directory-ca.pem") }));
  program(
    "lego",
    `[ -e ${at("given.crt")} ] || { echo "the authority is down" >&2; exit 1; }
grep -q account ${at("acme/lego/accounts/acme.example.com_14000/admin@foobar.com/keys/admin@foobar.com.key")} || exit 1
mkdir -p ${at("acme/lego/certificates")}
cp ${at("given.crt")} ${at("acme/lego/certificates/www.foobar.com.crt")}
cp ${at("given.key")} ${at("acme/lego/certificates/www.foobar.com.key")}`,
  );
  program("haproxy", `[ ! -e ${at("refuse")} ] || grep -q "$(cat ${at("refuse")})" ${certificate}`);
  program("systemctl", `[ ! -e ${at("no-reload")} ]`);
  const run = (word: string): string => {
    const env = { ...process.env, PATH: `${at("bin")}:${process.env.PATH}` };
    try {
      execFileSync("sh", [at("script"), word], { env, stdio: "pipe" });
      return "done";
    } catch (error) {
      return String(Object(error).stderr).trim();
    }
  };
  return {
    ...{ at, run, certificate },
    configure: (more: Partial<Parameters<typeof renderAcmeConfig>[0]> = {}) =>
      writeFileSync(at("acme.conf"), renderAcmeConfig({ ...config, ...more })),
    give: async (days: number, since = 1) => {
      const { certificate, key } = await makePem({ names: config.names, from: -since, to: days });
      writeFileSync(at("given.crt"), certificate);
      writeFileSync(at("given.key"), key);
      return certificate;
    },
    live: () => readFileSync(certificate, "utf8"),
    /** As a change does that takes a file away, and is not done yet. */
    takeAway: (number: number, path: string, content: string) => {
      mkdirSync(at("undo/haproxy.service"), { recursive: true });
      writeFileSync(at(`undo/haproxy.service/${number}.path`), `${path}\n`);
      writeFileSync(at(`undo/haproxy.service/${number}.old`), content);
    },
    lego: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("lego ")),
    /** What ran since this was asked last. */
    ran: () => {
      const lines = readFileSync(log, "utf8").split("\n");
      writeFileSync(log, "");
      return lines.flatMap(
        (line) => /^(lego|systemctl try-reload-or-restart haproxy)/.exec(line)?.[0] ?? [],
      );
    },
  };
}

test("before the first certificate HAProxy has one to start with, and nobody else may read it", (t) => {
  const host = makeHost(t);
  t.is(host.run("placeholder"), "done");
  t.is(new X509Certificate(host.live()).subject, "CN=placeholder");
  t.regex(host.live(), /-----BEGIN PRIVATE KEY-----/);
  t.is(statSync(host.certificate).mode & 0o777, 0o600);
  const before = host.live();
  t.is(host.run("placeholder"), "done");
  t.is(host.live(), before);
});

test("what visitors were shown until now stays in place of that, until there is another one", async (t) => {
  const host = makeHost(t);
  host.configure();
  const former = await makePem();
  host.takeAway(1, "/etc/haproxy/haproxy.cfg", "global");
  host.takeAway(2, "/etc/haproxy/certificates/1.pem", former.certificate);
  // Of one without its key HAProxy can make nothing.
  t.is(host.run("placeholder"), "done");
  t.is(new X509Certificate(host.live()).subject, "CN=placeholder");
  host.takeAway(3, "/etc/haproxy/certificates/1.pem.key", former.key);
  t.is(host.run("placeholder"), "done");
  t.is(host.live(), former.certificate + former.key);
  const certificate = await host.give(90);
  t.is(host.run("issue"), "done");
  t.true(host.live().startsWith(certificate));
  // The authority's own counts for more than what a later change takes away.
  t.is(host.run("placeholder"), "done");
  t.true(host.live().startsWith(certificate));
});

test("a certificate that somebody removed is asked for again", async (t) => {
  const host = makeHost(t);
  host.configure();
  await host.give(90);
  host.run("issue");
  host.ran();
  rmSync(host.certificate);
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), ["lego", reload]);
  t.not(new X509Certificate(host.live()).subject, "CN=placeholder");
});

test("a reload that failed is tried again, without another certificate", async (t) => {
  const host = makeHost(t);
  host.configure();
  await host.give(90);
  writeFileSync(host.at("no-reload"), "");
  t.not(host.run("issue"), "done");
  t.deepEqual(host.ran(), ["lego", reload]);
  rmSync(host.at("no-reload"));
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), [reload]);
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), []);
});

test("the authority is shown whose the names are by HAProxy, or by a DNS provider", async (t) => {
  const host = makeHost(t);
  await host.give(90);
  host.configure();
  host.run("issue");
  t.regex(host.lego().join(), /--domains www\.foobar\.com --domains foobar\.com --http .* run$/);
  host.ran();
  host.configure({ names: ["www.foobar.com"], dnsProvider: "rfc2136" });
  host.run("issue");
  t.regex(host.lego().join(), /--domains www\.foobar\.com --dns rfc2136 run$/);
});

test("gets a certificate once, and reloads HAProxy for it alone", async (t) => {
  const host = makeHost(t);
  host.configure();
  const certificate = await host.give(90);
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), ["lego", reload]);
  t.true(host.live().startsWith(certificate));
  t.regex(host.live(), /-----BEGIN PRIVATE KEY-----/);
  t.is(statSync(host.certificate).mode & 0o777, 0o600);
  t.false(existsSync(host.at("acme/lego/certificates/www.foobar.com.key")));
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), []);
});

test("gets another one for other names, and of another authority", async (t) => {
  const host = makeHost(t);
  await host.give(90);
  for (const more of [{}, { names: ["www.foobar.com"] }, {}]) {
    host.configure(more);
    t.is(host.run("issue"), "done");
    t.deepEqual(host.ran(), ["lego", reload]);
  }
  host.configure({ directory: "https://acme.example.com:14000/other" });
  t.is(host.run("issue"), "done");
  t.deepEqual(host.ran(), ["lego", reload]);
});

test("renews in the last third of a life, whatever the life is", async (t) => {
  for (const [since, left, isDue] of [
    [61, 29, true],
    // Of hosts that began together some are up to a twelfth earlier.
    [40, 50, false],
    [4.1, 1.9, true],
    [2, 4, false],
  ] as const) {
    const host = makeHost(t);
    host.configure();
    await host.give(left, since);
    host.run("issue");
    host.ran();
    const renewed = await host.give(90);
    t.is(host.run("issue"), "done");
    t.deepEqual(host.ran(), isDue ? ["lego", reload] : [], `${left} days`);
    t.is(host.live().startsWith(renewed), isDue);
  }
});

test("an authority that is down changes nothing, and is asked again", async (t) => {
  const host = makeHost(t);
  host.configure();
  host.run("placeholder");
  const before = host.live();
  t.is(host.run("issue"), "the authority is down");
  t.is(host.live(), before);
  t.deepEqual(host.ran(), ["lego"]);
  const certificate = await host.give(90);
  t.is(host.run("issue"), "done");
  t.true(host.live().startsWith(certificate));
});

test("a certificate that HAProxy does not take is not left in its place", async (t) => {
  const host = makeHost(t);
  host.configure();
  host.run("placeholder");
  const before = host.live();
  // It takes the former one, and no other.
  writeFileSync(host.at("refuse"), before.split("\n")[2] ?? "");
  await host.give(90);
  t.is(host.run("issue"), "HAProxy does not take the certificate: the former one is back");
  t.is(host.live(), before);
  t.deepEqual(host.ran(), ["lego"]);
});
