import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  renderSshdConfig,
  renderSshdDropIn,
  renderSshdScript,
  sshdFiles,
} from "../../../components/render/sshd";
import { isGolden } from "./golden";

const hostKey = "ssh-ed25519 AAAA";

test("the file of a host that is known by its Ed25519 key", (t) => {
  isGolden(t, "sshd.conf", renderSshdConfig({ hostKey }));
});

test("what is asked before it is live, and a reload that ends when sshd listens anew", (t) => {
  isGolden(t, "ssh.service.conf", renderSshdDropIn());
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

/** Beside an sshd that prints `all` for its files, and `own` for ours. */
function check({ all, own, main = "Include /etc/ssh/sshd_config.d/*.conf\n" }: Answers) {
  const folder = mkdtempSync(join(tmpdir(), "sshd-"));
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
    return join(folder, name);
  };
  const sshd = put(
    "sshd",
    `#!/bin/sh
case "$*" in
  -t) [ -n "${all}" ] || { echo 'Bad configuration option'; exit 255; } ;;
  '-T -h /etc/ssh/ssh_host_ed25519_key -f '*) printf '%s' '${own}' ;;
  -T) printf 'HostKey /etc/ssh/ssh_host_ed25519_key\\n%s' '${all}' ;;
  *) exit 1 ;;
esac
`,
  );
  const script = renderSshdScript()
    .replaceAll("/usr/sbin/sshd", sshd)
    .replaceAll(sshdFiles.config, put("own.conf", renderSshdConfig({ hostKey })))
    .replaceAll(" /etc/ssh/sshd_config;", ` ${put("main", main)};`);
  const { status, stdout } = spawnSync("sh", [put("script", script), "check"], {
    encoding: "utf8",
  });
  return { status, told: stdout.replaceAll(folder, "") };
}

interface Answers {
  readonly all: string;
  readonly own: string;
  readonly main?: string;
}

test("our lines are compared as each version of sshd writes them", (t) => {
  const own = "MaxStartups 50:30:200\nx11forwarding no\nPrintMotd yes\n";
  t.deepEqual(check({ own, all: "MaxStartups 50:30:200\nX11Forwarding no\nPrintMotd no\n" }), {
    status: 0,
    told: "",
  });
  t.deepEqual(check({ own, all: "MaxStartups 3:30:3\nX11Forwarding no\n" }), {
    status: 1,
    told: 'sshd has "maxstartups 3:30:3", not "maxstartups 50:30:200": a line before the Include of /etc/ssh/sshd_config, or a file before /own.conf, says so\n',
  });
});

test("an sshd that takes no file, and one that does not load the folder", (t) => {
  t.deepEqual(check({ own: "", all: "" }), { status: 1, told: "Bad configuration option\n" });
  const { status, told } = check({ own: "x11forwarding no\n", all: "x", main: "#Include no\n" });
  t.is(status, 1);
  t.regex(told, /does not load \/etc\/ssh\/sshd_config\.d: its first line has to be Include/);
});
