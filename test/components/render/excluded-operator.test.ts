/** Who would be kept out is told by the host, which sees where the question comes from. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { renderExcludedOperator } from "../../../components/render/excluded-operator";

function told(connection: string, from: "anyone" | readonly string[]): string {
  const openings = [
    { protocol: "tcp", port: 22, from },
    { protocol: "tcp", port: 80, from: "anyone" },
    { protocol: "vrrp", from: ["10.0.0.2"] },
  ] as const;
  const [program = "", ...words] = renderExcludedOperator(openings);
  const env = { PATH: process.env.PATH, SSH_CONNECTION: connection };
  const { stdout, stderr } = spawnSync(program, words, { encoding: "utf8", env });
  return stdout + stderr;
}

const excluded = (from: string) =>
  `keep out SSH from ${from}, where this machine comes from: it is in no network of firewall.operators, and so the host takes the change back\n`;
const operators = ["203.0.113.0/25", "2001:db8::/33"];

for (const [connection, from, line] of [
  ["203.0.113.127 50000 10.0.0.1 22", operators, ""],
  ["203.0.113.128 50000 10.0.0.1 22", operators, excluded("203.0.113.128")],
  ["203.0.113.128 50000 10.0.0.1 22", "anyone", ""],
  ["203.0.113.9 50000 10.0.0.1 2222", operators, excluded("203.0.113.9")],
  ["::ffff:203.0.113.9 50000 ::ffff:10.0.0.1 22", operators, ""],
  ["2001:db8:7fff::9 50000 2001:db8::1 22", operators, ""],
  // Its first bits are those of the IPv4 network.
  ["cb00:7100::9 50000 cb00:7100::1 22", operators, excluded("cb00:7100::9")],
  ["2001:db8:8000::9 50000 2001:db8::1 22", operators, excluded("2001:db8:8000::9")],
] as const) {
  test(`from ${connection} to ${from}: ${line === "" ? "nothing" : "excluded"}`, (t) => {
    t.is(told(connection, from), line);
  });
}
