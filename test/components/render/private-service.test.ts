import test from "ava";
import {
  renderPrivateServiceConfig,
  renderPrivateServiceUnit,
} from "../../../components/render/private-service";
import { isGolden } from "./golden";

const config = { address: "172.31.64.21", port: 6379, memoryMegabytes: 64, persistent: false };

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

test("Memcached listens on no other address, and not over UDP", (t) => {
  const text = renderPrivateServiceUnit({ ...config, kind: "memcached", port: 11_211 });
  t.true(
    text.includes(
      "ExecStart=\nExecStart=/usr/bin/memcached -u memcache -m 64 -p 11211 -U 0 -l 127.0.0.1,172.31.64.21\n",
    ),
  );
});
