import test from "ava";
import type { Site } from "../../../scripts/verify/check";
import { firewallChecks, judgeFirewall } from "../../../scripts/verify/checks/firewall";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "./sample";

const command = "/etc/trilithon-firewall/firewall";

test("each host is asked, where there is a firewall", async (t) => {
  t.deepEqual(firewallChecks(parseEndpoints(sampleOutput)), []);
  const endpoints = parseEndpoints({ ...sampleOutput, firewallCommand: command });
  const checks = firewallChecks(endpoints);
  t.is(checks.length, endpoints.hosts.length);
  const asked: string[] = [];
  const run: Site["run"] = async (host, script) => {
    asked.push(`${host.name}: ${script.trim()}`);
    return "";
  };
  const finding = await checks[0]?.run({ endpoints, run } as Site);
  t.true(finding?.passed);
  t.deepEqual(asked, [`lb-01: ${command} differs open; ${command} differs declared`]);
});

test("rules that are missing, and those besides, are told line by line", (t) => {
  const lines = ["nftables lacks tcp dport 80 accept", "nftables has besides tcp dport 9 accept"];
  const finding = judgeFirewall(`${lines.join("\n")}\n`);
  t.false(finding.passed);
  t.deepEqual(finding.lines, lines);
});
