/** An application that gets another name: what goes first, and what is told of it. */
import test from "ava";
import type { Service } from "../../../../provider/kinds/service/args";
import { replacementOf } from "../../../../provider/kinds/service/replacement";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

const host = {
  ...{ name: "web-01", address: "10.0.0.1", port: 22, user: "root" },
  ...{ hostKey: "ssh-ed25519 A", privateKey: "key" },
};

const environmentFile = {
  ...{ content: "A=1\n", mode: "0644", owner: "root", group: "root" },
  onChange: "restart" as const,
};

function application(name: string, port: number, more: Partial<Service> = {}): Service {
  return {
    ...{ host, name, unit: `${name}.service`, root: `/srv/${name}`, users: {}, absent: [] },
    files: { [`/etc/${name}/environment`]: environmentFile },
    ready: { http: `http://127.0.0.1:${port}/healthz`, deadlineSeconds: 60 },
    onChange: "restart",
    ...more,
  };
}

test("under a name and a port of its own the new one starts before the former one stops", (t) => {
  t.deepEqual(replacementOf(application("shop", 3000), application("store", 3001)), {
    first: "creation",
    told: [
      "web-01: store.service starts, and then shop.service stops; its files and the versions in /srv/shop are removed; what it wrote elsewhere stays, and is not the new one's",
    ],
  });
});

test("at the same port, or with a file of both, the former one stops first, and that is told", (t) => {
  const toldOf = (desired: Service) => {
    const { first, told } = replacementOf(application("shop", 3000), desired);
    return [first, told[0]?.split(";")[0]];
  };
  const stops = "web-01: shop.service stops before store.service starts, as both have";
  const meanwhile = "requests fail meanwhile unless another host serves";
  t.deepEqual(toldOf(application("store", 3000)), ["removal", `${stops} port 3000: ${meanwhile}`]);
  const files = { "/etc/shop/environment": environmentFile };
  t.deepEqual(toldOf(application("store", 3001, { files })), [
    "removal",
    `${stops} file /etc/shop/environment: ${meanwhile}`,
  ]);
});

test("at the same port where others reach it, the former one stops first as well", (t) => {
  const cache = (name: string, port: number) => ({
    ...application(name, 1, { port }),
    ready: { deadlineSeconds: 60 },
  });
  const { first, told } = replacementOf(cache("valkey", 6379), cache("redis", 6379));
  t.is(first, "removal");
  t.regex(
    told[0] ?? "",
    /^web-01: valkey\.service stops before redis\.service starts, as both have port 6379:/,
  );
  t.is(replacementOf(cache("valkey", 6379), cache("redis", 6380)).first, "creation");
});

test("on another host nothing is said of the former one", (t) => {
  const elsewhere = application("shop", 3000, { host: { ...host, name: "web-02" } });
  t.deepEqual(replacementOf(application("shop", 3000), elsewhere), { first: "removal", told: [] });
});

onLinux("the engine hears which goes first", async (t) => {
  const machine = await startMachine(t);
  const { sandbox } = machine;
  await sandbox.unit("shop.service", {});
  const inputs = (name: string, root: string) => ({
    host: wireHost(machine.server.host()),
    ...wire({
      ...{ unit: `${name}.service`, root: sandbox.path(root) },
      ...{ source: sandbox.path("/source"), version: "one" },
    }),
  });
  await sandbox.write("/source/server.js", "one\n");
  const app = machine.resource("trilithon:index:Release");
  await app.up(inputs("shop", "/srv/shop"));
  const apart = await app.preview(inputs("store", "/srv/store"));
  t.deepEqual(apart.diff?.replaces, ["name", "unit", "root"]);
  t.false(apart.diff?.isRemovedBeforeReplaced);
  t.regex(apart.told[0] ?? "", /^web-01: store\.service starts, and then shop\.service stops;/);
  const shared = await app.preview(inputs("store", "/srv/shop"));
  t.true(shared.diff?.isRemovedBeforeReplaced);
  t.regex(
    shared.told[0] ?? "",
    /^web-01: shop\.service stops before store\.service starts, as both have root /,
  );
  const same = await app.preview(inputs("shop", "/srv/shop"));
  t.deepEqual(same.told, []);
});
