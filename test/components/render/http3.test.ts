/** Whose HAProxy speaks HTTP/3, by what the program says of itself. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { http3Check } from "../../../components/render/http3";

/** As `haproxy -vv` says it, in short. */
function said(version: string, features: string): string {
  return `HAProxy version ${version} 2026/10/14 - https://haproxy.org/
Build options : TARGET = linux-glibc
Feature list : +PROMEX ${features} +SSL

       quic : mode=HTTP  side=FE     mux=QUIC  flags=HTX|NO_UPG|FRAMED
`;
}

function ask(version: string, features: string) {
  const stub = `haproxy() { printf '%s' "$SAID"; }\n`;
  const env = { ...process.env, SAID: said(version, features) };
  const { status, stdout } = spawnSync("sh", ["-c", stub + http3Check], { encoding: "utf8", env });
  return { status, stdout };
}

test("the HAProxy of Debian 14 speaks HTTP/3", (t) => {
  t.deepEqual(ask("3.2.26-1", "+QUIC -QUIC_OPENSSL_COMPAT"), { status: 0, stdout: "" });
});

test("those of Debian 12 and 13 are refused in one line", (t) => {
  const remedy = "take http3 out, or use HAProxy 3.2 of Debian 14";
  t.deepEqual(ask("2.6.12-1+deb12u3", "-QUIC"), {
    status: 1,
    stdout: `https.http3: expected a HAProxy with QUIC, got 2.6.12-1+deb12u3, which was built without it: ${remedy}\n`,
  });
  t.deepEqual(ask("3.0.11-1+deb13u4", "+QUIC +QUIC_OPENSSL_COMPAT"), {
    status: 1,
    stdout: `https.http3: expected a HAProxy with QUIC, got 3.0.11-1+deb13u4, which has it by a layer at which handshakes fail: ${remedy}\n`,
  });
});
