import { createSocket } from "node:dgram";
import { once } from "node:events";
import test from "ava";
import { compareRecord, dnsChecks, judgeDns } from "../../../scripts/verify/checks/dns";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "./sample";

const a = { name: "www.foobar.com", type: "A", ttl: 60, values: ["10.0.0.1", "10.0.0.2"] } as const;

test("an answer is the same in any order and case, with and without a dot", (t) => {
  t.is(compareRecord(a, ["10.0.0.2", "10.0.0.1"]), undefined);
  const mx = { ...a, type: "MX", values: ["10 Mail.foobar.com."] } as const;
  t.is(compareRecord(mx, ["10 mail.foobar.com"]), undefined);
  const caa = { ...a, type: "CAA", values: ["0 issue letsencrypt.org"] } as const;
  t.is(compareRecord(caa, ['0 issue "letsencrypt.org"']), undefined);
  const text = { ...a, type: "TXT", values: ['"V=spf1 -all"'] } as const;
  t.is(compareRecord(text, ['"V=spf1 -all"']), undefined);
});

test("another answer, a part of it, and none are told", (t) => {
  const told = "www.foobar.com A: expected 10.0.0.1, 10.0.0.2, got";
  t.is(compareRecord(a, ["10.0.0.1"]), `${told} 10.0.0.1`);
  t.is(compareRecord(a, ["10.0.0.1", "10.0.0.3"]), `${told} 10.0.0.1, 10.0.0.3`);
  t.is(compareRecord(a, "ENOTFOUND"), `${told} ENOTFOUND`);
  const text = { ...a, type: "TXT", values: ['"V=spf1 -all"'] } as const;
  t.not(compareRecord(text, ['"v=spf1 -all"']), undefined);
});

test("it fails with a line for each record that is another one", (t) => {
  t.deepEqual(judgeDns([undefined, undefined]), { passed: true, seen: "2 of 2 as declared" });
  t.deepEqual(judgeDns([undefined, "x"]), {
    ...{ passed: false, seen: "1 of 2 as declared", lines: ["x"] },
  });
});

const nameServers = {
  "lb-01": { name: "lb-01.ns.foobar.com", address: "127.0.0.1" },
  "lb-02": { name: "lb-02.ns.foobar.com", address: "127.0.0.2" },
};

test("name servers that are there are asked, and the resolvers of the settings", (t) => {
  const output = { ...sampleOutput, dns: [a], nameServers, resolvers: ["1.1.1.1"] };
  const names = dnsChecks({ ...parseEndpoints(output), away: ["lb-02"] }).map(({ name }) => name);
  t.deepEqual(names, ["lb-01: its name server answers for the site", "1.1.1.1 finds the site"]);
  t.deepEqual(dnsChecks(parseEndpoints(sampleOutput)), []);
});

test("a name server is asked over the network", async (t) => {
  const server = createSocket("udp4");
  // Nothing is there: NXDOMAIN, with the question as it came.
  server.on("message", (question, { port, address }) => {
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8403, 2);
    server.send(answer, port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const at = `127.0.0.1:${server.address().port}`;
  const output = { ...sampleOutput, dns: [a], resolvers: [at] };
  const endpoints = parseEndpoints(output);
  const [check] = dnsChecks(endpoints);
  const site = { endpoints, request: () => t.fail(), run: () => t.fail() };
  const finding = await check?.run(Object(site));
  server.close();
  t.false(finding?.passed);
  t.deepEqual(finding?.lines, ["www.foobar.com A: expected 10.0.0.1, 10.0.0.2, got ENOTFOUND"]);
});
