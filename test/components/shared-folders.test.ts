import test from "ava";
import { mockPulumi, settle } from "./mocks";

const source = "./test/components/render";
const release = "trilithon:index:Release";

const program = run();

async function run() {
  const world = await mockPulumi();
  const { Application } = await import("../../components/application");
  const { makeHost } = await import("./hosts-for-tests");
  const [a, b] = [makeHost("a", "10.0.0.1"), makeHost("b", "10.0.0.2")];
  const shared = { persistent: ["public/uploads"], shared: { folders: ["public/uploads"] } };
  const given = { source, start: ["ruby", "main.rb"], ...shared };
  const shop = new Application("shop", { ...given, hosts: [a, b], name: "shop" });
  const alone = new Application("alone", { ...given, hosts: [a], name: "alone" });
  await settle();
  return { world, shop, alone };
}

function contentOf(file: unknown): unknown {
  return typeof file === "object" && file !== null && "content" in file ? file.content : undefined;
}

test("what is shared is also asked of another host", async (t) => {
  const { shop, alone } = await program;
  t.deepEqual([shop.sharedPaths, alone.sharedPaths], [["/uploads"], []]);
});

test("shares folders between its hosts, each known to the others by its certificate", async (t) => {
  const { world } = await program;
  const service = world.find("trilithon:index:Service", "shop-b-shared");
  t.is(service.inputs.unit, "shop.shared.service");
  t.true(service.startedAt > world.find(release, "shop-b").endedAt);
  const files = Object(service.inputs.files);
  const config = String(contentOf(files["/etc/shop/shared/config.xml"]));
  t.deepEqual(config.match(/name="[ab]"|tcp:\/\/[0-9.:]+/g), [
    ...['name="a"', "tcp://10.0.0.1:22000", 'name="b"', "tcp://10.0.0.2:22000"],
    "tcp://10.0.0.2:22000",
  ]);
  t.is(new Set(config.match(/device id="[A-Z2-7-]{63}" name/g)).size, 2);
  t.like(files["/etc/shop/shared/key.pem"], {
    ...{ content: "private-key-of-shop-b-shared-certificate", owner: "shop", mode: "0600" },
  });
  const { inputs } = world.find("trilithon:index:Certificate", "shop-a-shared-certificate");
  t.like(inputs, { name: "syncthing", addresses: ["10.0.0.1"] });
  t.like(world.find("trilithon:index:Packages", "shop-a-shared-packages").inputs, {
    packages: { syncthing: "present" },
  });
  t.false(world.resources.some(({ name }) => /alone.*shared/.test(name)));
});
