import test from "ava";
import {
  type Opening,
  renderFirewallRules,
  renderFirewallScript,
  renderFirewallUnit,
} from "../../../components/render/firewall";
import { isGolden } from "./golden";

const openings: readonly Opening[] = [
  {
    ...{ what: "SSH", protocol: "tcp", port: 22, families: ["ip", "ip6"] },
    ...{ from: "anyone", whom: "anyone", perMinute: 60 },
  },
  {
    ...{ what: "page", protocol: "tcp", port: 80, families: ["ip"] },
    ...{ from: "anyone", whom: "anyone" },
  },
  {
    ...{ what: "page", protocol: "tcp", port: 80, families: ["ip6"] },
    ...{ from: "anyone", whom: "anyone" },
  },
  {
    ...{ what: "MySQL", protocol: "tcp", port: 3306, families: ["ip"] },
    ...{ from: ["10.0.0.21", "10.0.0.22"], whom: "web-01 web-02" },
  },
  {
    ...{ what: "VRRP", protocol: "vrrp", families: ["ip"] },
    ...{ from: ["10.0.0.12"], whom: "lb-02" },
  },
  {
    ...{ what: "allowed", protocol: "udp", port: 53, families: ["ip", "ip6"] },
    ...{ from: ["10.0.0.0/8", "2001:db8::/32"], whom: "10.0.0.0/8 2001:db8::/32" },
  },
];

test("the rules of both parts are the same, in a chain each", (t) => {
  const [open, declared] = (["open", "declared"] as const).map((part) =>
    renderFirewallRules(part, openings),
  );
  isGolden(t, "firewall.nft", declared ?? "");
  const chain = (text = "") => text.slice(text.indexOf("{", text.indexOf("chain")));
  t.is(chain(open), chain(declared));
});

test("what loads them", (t) => {
  isGolden(t, "firewall.sh", renderFirewallScript());
  isGolden(t, "trilithon-firewall.service", renderFirewallUnit("declared"));
  isGolden(t, "trilithon-firewall-open.service", renderFirewallUnit("open"));
});
