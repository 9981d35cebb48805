/** What is checked of the addresses of IPv6, and from where. */
import test from "ava";
import { runCheck, type Site } from "../../../scripts/verify/check";
import { ipv6Checks } from "../../../scripts/verify/checks/ipv6";
import { virtualAddressChecks } from "../../../scripts/verify/checks/virtual-address";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { shopOutput } from "./sample";

const endpoints = parseEndpoints({
  ...shopOutput,
  virtualAddress: "172.31.64.10",
  virtualAddress6: "fd00::10",
  hosts: Object.fromEntries(
    Object.entries<object>(shopOutput.hosts).map(([name, host], index) => [
      name,
      // The last one has none.
      index < 3 ? { ...host, address6: `fd00::1${index + 1}` } : host,
    ]),
  ),
});
const names = endpoints.hosts.map(({ name }) => name);

/** Which host is asked for what; each script's last words. */
function siteWith(answer: (name: string, script: string) => string): Site & { asked: string[] } {
  const asked: string[] = [];
  return {
    ...{ endpoints, asked },
    request: async () => ({ status: 200, headers: {}, body: "" }),
    run: async ({ name }, script) => {
      asked.push(`${name}:${script.slice(script.lastIndexOf("\n'") + 2)}`);
      return answer(name, script);
    },
  };
}

test("each load balancer is asked from another host that has IPv6", async (t) => {
  t.deepEqual(names, ["lb-01", "lb-02", "web-01", "web-02"]);
  const site = siteWith(() => "HTTP/1.1 301 x\r\n\r\n\u001e");
  const checks = ipv6Checks(endpoints);
  t.deepEqual(
    checks.map(({ name }) => name),
    ["lb-01: the page is at fd00::11", "lb-02: the page is at fd00::12"],
  );
  const [first] = checks;
  if (first === undefined) return t.fail();
  t.like(await runCheck(first, site), { passed: true, seen: "status 301" });
  t.deepEqual(site.asked, ["web-01: 81 /up www.foobar.com https 1 fd00::11 2>&1 || true"]);
  const silent = siteWith(() => "refuses connections\n");
  t.like(await runCheck(first, silent), { passed: false, seen: "refuses connections" });
  t.deepEqual(ipv6Checks(parseEndpoints(shopOutput)), []);
});

test("the address of IPv6 that moves is at one load balancer, and the page is there", async (t) => {
  const [, check] = virtualAddressChecks(endpoints);
  if (check === undefined) return t.fail();
  t.is(check.name, "fd00::10: one load balancer has it, and the page is there");
  const site = siteWith((name, script) => {
    if (!script.startsWith("ip -j -6")) return "HTTP/1.1 200 x\r\n\r\n\u001e";
    return JSON.stringify([{ addr_info: name === "lb-01" ? [{ local: "fd00::10" }] : [] }]);
  });
  t.like(await runCheck(check, site), {
    passed: true,
    seen: "lb-01 has it; web-01 asked there: status 200",
  });
});
