import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import test from "ava";
import { runCheck, type Site } from "../../../scripts/verify/check";
import { listChecks } from "../../../scripts/verify/checks/all";
import { certificateChecks, judgeCertificate } from "../../../scripts/verify/checks/certificate";
import {
  certificateRenewalChecks,
  judgeRenewal,
} from "../../../scripts/verify/checks/certificate-renewal";
import { parseEndpoints, trustOf } from "../../../scripts/verify/endpoints";
import { request } from "../../../scripts/verify/http";
import { makePem } from "../../support/pem";
import { sampleOutput, severalOutput } from "./sample";

const domain = sampleOutput.domain;

/** A page over TLS, with the endpoints of a stack that has it. */
async function servePage({ names = [domain], from = -1, to = 90 } = {}) {
  const authority = await makePem({ names: ["Example"], isAuthority: true });
  const { certificate, key } = await makePem({ issuer: authority, names, from, to });
  const server = createServer({ cert: certificate, key }, (asked, answer) => {
    answer.end(`for ${asked.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const ports = { ...sampleOutput.ports, loadBalancerTls: port };
  const output = { ...sampleOutput, url, ports, scheme: "https", ca: authority.certificate };
  const endpoints = parseEndpoints({ ...output, loadBalancers: {} });
  return { server, endpoints, stranger: await makePem({ names: ["Other"], isAuthority: true }) };
}

const silent = (endpoints: ReturnType<typeof parseEndpoints>): Site => ({
  endpoints,
  request: () => Promise.reject(new Error("is not asked")),
  run: () => Promise.reject(new Error("is not asked")),
});

async function verdictOf(endpoints: ReturnType<typeof parseEndpoints>) {
  const [check] = certificateChecks(endpoints);
  if (check === undefined) throw new Error("there is no check");
  return runCheck(check, silent(endpoints));
}

test("a page at an address is known by the site's name, and by its own authority", async (t) => {
  const { server, endpoints, stranger } = await servePage();
  const question = { url: `${endpoints.url}/`, headers: { Host: domain } };
  const { body } = await request({ ...question, trust: trustOf(endpoints) });
  t.is(body, `for ${domain}`);
  for (const trust of [
    undefined,
    { name: domain },
    { name: domain, ca: stranger.certificate },
    { ...trustOf(endpoints), name: "other.com" },
  ]) {
    await t.throwsAsync(request({ ...question, trust }), { message: /failed: / });
  }
  const verdict = await verdictOf(endpoints);
  t.true(verdict.passed, verdict.seen);
  t.regex(verdict.seen, /^ends on \d{4}-\d\d-\d\d, in 89 days; TLSv1\.3$/);
  t.regex((await verdictOf({ ...endpoints, ca: stranger.certificate })).seen, /certificate/);
  server.close();
});

test("a certificate of another name, or near its end, is told", async (t) => {
  const other = await servePage({ names: ["other.com"] });
  t.like(await verdictOf(other.endpoints), { passed: false });
  t.regex((await verdictOf(other.endpoints)).seen, /does not match certificate's altnames/);
  const short = await servePage({ from: -80, to: 5 });
  t.like(await verdictOf(short.endpoints), { passed: false });
  other.server.close();
  short.server.close();
});

test("fourteen days are enough", (t) => {
  const now = new Date("2026-11-29T12:00:00Z");
  const protocol = "TLSv1.3";
  const shown = {
    ...{ validFrom: "Sep 14 12:00:00 2026 GMT", validTo: "Dec 13 12:00:00 2026 GMT", protocol },
  };
  t.deepEqual(judgeCertificate(shown, now), {
    passed: true,
    seen: "ends on 2026-12-13, in 14 days; TLSv1.3",
  });
  t.false(judgeCertificate(shown, new Date("2026-11-29T12:00:01Z")).passed);
});

test("of a short life a quarter is enough", (t) => {
  const shown = {
    ...{ validFrom: "Nov 25 12:00:00 2026 GMT", validTo: "Dec  1 12:00:00 2026 GMT" },
    protocol: "TLSv1.3",
  };
  t.true(judgeCertificate(shown, new Date("2026-11-30T00:00:00Z")).passed);
  t.false(judgeCertificate(shown, new Date("2026-11-30T00:00:01Z")).passed);
});

test("whether a load balancer's certificate is renewed by itself is asked of it", async (t) => {
  const output = { ...severalOutput, certificateUnit: "trilithon-acme" };
  const endpoints = parseEndpoints(output);
  const checks = certificateRenewalChecks(endpoints);
  t.deepEqual(
    checks.map(({ name }) => name),
    ["lb-01: its certificate is renewed by itself"],
  );
  const [check] = checks;
  if (check === undefined) throw new Error("there is no check");
  const asked: string[] = [];
  const site: Site = {
    ...silent(endpoints),
    run: async (host, script) => {
      asked.push(host.name);
      t.regex(script, /show -P Result -- trilithon-acme\.service/);
      return "timer=active\nrun=inactive\nresult=success\nrenewed\n";
    },
  };
  t.like(await runCheck(check, site), { passed: true, seen: "its last run succeeded" });
  t.deepEqual(asked, ["lb-01"]);
  t.deepEqual(certificateRenewalChecks(parseEndpoints(severalOutput)), []);
});

test("a renewal that failed is told with its last words", (t) => {
  const said = "[www.foobar.com] acme: error: 403 :: unauthorized";
  for (const [timer, run, result, seen] of [
    ["active", "failed", "exit-code", `its last run ended with exit-code: ${said}`],
    ["active", "failed", "timeout", `its last run ended with timeout: ${said}`],
    ["inactive", "inactive", "success", "its timer is inactive"],
    ["", "inactive", "success", "its timer is not there"],
  ]) {
    const text = `timer=${timer}\nrun=${run}\nresult=${result}\n${said}\n`;
    t.deepEqual(judgeRenewal(text), { passed: false, seen: `${seen}` });
  }
  t.deepEqual(judgeRenewal(`timer=active\nrun=activating\nresult=success\n${said}\n`), {
    ...{ passed: true, seen: `a run is under way: ${said}` },
  });
  t.deepEqual(judgeRenewal("timer=active\nrun=inactive\nresult=success\n"), {
    ...{ passed: true, seen: "its last run succeeded" },
  });
});

test("each name is looked at at each load balancer, and who comes without TLS is led to it", (t) => {
  const ports = { ...severalOutput.ports, loadBalancerTls: 443 };
  const url = "https://172.31.64.11";
  const loadBalancers = { "lb-01": { url } };
  const of = (more: object) =>
    listChecks(parseEndpoints({ ...severalOutput, ...more }), { changes: "none" })
      .together.map(({ name }) => name)
      .filter((name) => /certificate|without TLS/.test(name));
  t.deepEqual(of({ ports, url, loadBalancers, areContainers: true }), [
    `${url}: its certificate is good for ${domain}`,
    `${url}: its certificate is good for shop.foobar.com`,
    `${url}: its certificate is good for blog.foobar.com`,
    "lb-01: who comes without TLS is led to it",
  ]);
  t.deepEqual(of({}), []);
});
