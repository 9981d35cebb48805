import { execFileSync } from "node:child_process";
import test from "ava";
import { renderSshdConfig, renderSshdScript } from "../../../components/render/sshd";
import { isGolden } from "./golden";

const hostKey = "ssh-ed25519 AAAA";

test("the file of a host that is known by its Ed25519 key", (t) => {
  isGolden(t, "sshd.conf", renderSshdConfig({ hostKey }));
});

test("what is asked before it is live", (t) => {
  isGolden(t, "sshd.sh", renderSshdScript());
  t.notThrows(() => execFileSync("sh", ["-n"], { input: renderSshdScript() }));
});

test("a raw line takes the place of ours, whatever its case, and Match comes last", (t) => {
  const rawLines = [
    "maxstartups 10",
    "X11Forwarding=yes",
    "Match User ada",
    "  AllowTcpForwarding no",
  ];
  const text = renderSshdConfig({ hostKey, rawLines });
  t.notRegex(text, /MaxStartups|X11Forwarding no|windows/);
  t.regex(text, /LoginGraceTime 30\n/);
  t.true(text.endsWith(`\n${rawLines.join("\n")}\n`));
});

test("the key by which the stack knows the host is offered further on", (t) => {
  const text = renderSshdConfig({ hostKey: "ecdsa-sha2-nistp256 AAAA" });
  t.notRegex(text, /^HostKeyAlgorithms/m);
  t.regex(text, /but for the ECDSA key by which the stack knows this host/);
  t.regex(renderSshdConfig({ hostKey: "ssh-rsa AAAA" }), /^HostKeyAlgorithms -ecdsa-\*$/m);
});
