import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  renderPrivateServiceConfig,
  renderPrivateServiceUnit,
  tlsPortBeside,
} from "../../../components/render/private-service";
import {
  renderPrivateServiceScript,
  renderPrivateServiceTls,
  renderRetirementUnit,
  tlsIsNew,
} from "../../../components/render/private-service-tls";
import { isGolden } from "./golden";

const config = {
  ...{ address: "172.31.64.21", port: 6379, tlsPort: 7379, memoryMegabytes: 64 },
  persistent: false,
};

test("renders a cache", (t) => {
  isGolden(t, "valkey.conf", renderPrivateServiceConfig({ ...config, kind: "valkey" }));
  isGolden(
    t,
    "valkey-server.service.conf",
    renderPrivateServiceUnit({ ...config, kind: "valkey" }),
  );
});

test("what is to outlive a restart is written, and never thrown away", (t) => {
  const cache = renderPrivateServiceConfig({ ...config, kind: "redis" });
  const kept = renderPrivateServiceConfig({ ...config, kind: "redis", persistent: true });
  const settings = (text: string) =>
    text.split("\n").filter((line) => /^(max|append|save)/.test(line));
  t.deepEqual(settings(cache), [
    ...["maxmemory 64mb", "maxmemory-policy allkeys-lru", "appendonly no", 'save ""'],
  ]);
  t.deepEqual(settings(kept), [
    ...["maxmemory 64mb", "maxmemory-policy noeviction", "appendonly yes"],
    ...["appendfsync everysec", 'save ""'],
  ]);
});

test("Memcached listens on no other address, not over UDP, and with TLS at one port alone", (t) => {
  const ports = { port: 11_211, tlsPort: 12_211 };
  const text = renderPrivateServiceUnit({ ...config, kind: "memcached", ...ports });
  const listens = "notls:127.0.0.1:11211,notls:172.31.64.21:11211,172.31.64.21:12211";
  const files =
    "ssl_chain_cert=/etc/trilithon/memcached.pem,ssl_key=/etc/trilithon/memcached-key.pem";
  t.true(
    text.includes(
      `ExecStart=\nExecStart=/usr/bin/memcached -u memcache -m 64 -p 11211 -U 0 -l ${listens} -Z -o ${files}\n`,
    ),
  );
  t.true(text.includes("ExecReload=\nExecReload=+/usr/local/sbin/trilithon-memcached reload\n"));
  t.false(text.includes("ExecStartPost"), "it has no password");
  t.true(renderPrivateServiceScript("memcached", 11_211).includes("127.0.0.1:11211"));
});

test("renders how it speaks TLS, and takes in certificates and passwords", (t) => {
  isGolden(t, "valkey-tls.conf", renderPrivateServiceTls("valkey", 7379));
  isGolden(t, "trilithon-valkey", renderPrivateServiceScript("valkey", 6379));
  isGolden(t, "trilithon-valkey-password.service", renderRetirementUnit("valkey", "0123abcd"));
});

test("a reload passes all of that file to CONFIG SET, in which a value has no blank", (t) => {
  const lines = renderPrivateServiceTls("redis", 7379).split("\n");
  const settings = lines.filter((line) => line !== "" && !line.startsWith("#"));
  t.deepEqual(settings, [
    "tls-auth-clients no",
    "tls-cert-file /etc/trilithon/redis.pem",
    "tls-key-file /etc/trilithon/redis-key.pem",
    "tls-port 7379",
  ]);
});

test("the port for TLS is 1000 more, or less where that is no port", (t) => {
  t.deepEqual([6379, 64_535, 64_536].map(tlsPortBeside), [7379, 65_535, 63_536]);
});

test("an upgrade is told that applications go over to TLS; a new service, and one that has it, tell nothing", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-service-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const [, , script = ""] = tlsIsNew("valkey", { port: 6379, tlsPort: 7379 });
  const told = () =>
    spawnSync("sh", ["-c", script.replaceAll("/etc/", `${folder}/`)], { encoding: "utf8" }).stdout;
  t.is(told(), "");
  for (const file of ["systemd/system/valkey-server.service.d", "trilithon"]) {
    await mkdir(join(folder, file), { recursive: true });
  }
  await writeFile(join(folder, "systemd/system/valkey-server.service.d/trilithon.conf"), "");
  t.regex(told(), /over TLS, at port 7379: .* leaves them at port 6379\n$/);
  await writeFile(join(folder, "trilithon/valkey.pem"), "");
  t.is(told(), "");
});
