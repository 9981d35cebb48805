import test from "ava";
import { halfMade } from "../../../scripts/setup/half-made";

const container = "docker:index/container:Container";
const creating = (name: string) => ({
  type: "creating",
  resource: { urn: `urn:${name}`, type: container, inputs: { name: `trilithon-dev-${name}` } },
});
const ourKey = "ssh-ed25519 AAAAours";

/** As the official plugin left it: web-01 is recorded, and yet counts as begun; the others run, or were never started. */
const state = {
  version: 3,
  deployment: {
    resources: [
      { urn: "urn:key", type: "trilithon:index:SshKey", outputs: { publicKey: ourKey } },
      { urn: "urn:hosts", type: "trilithon:components:ContainerHosts" },
      { urn: "urn:web-01", type: container, id: "id-web-01", inputs: {}, outputs: {} },
    ],
    pending_operations: [
      ...["web-01", "web-02", "lb-01"].map(creating),
      { type: "updating", resource: { urn: "urn:web-03", type: container, inputs: {} } },
    ],
  },
};

const inspected = (name: string, status: string) => ({
  Id: `id-${name}`,
  Name: `/trilithon-dev-${name}`,
  State: { Status: status },
});

const cases = {
  "one that runs with our key": { host: "web-02", status: "running", key: ourKey, isOne: true },
  "one that was stopped since": { host: "web-02", status: "exited", key: ourKey, isOne: true },
  "one that was never started": { host: "lb-01", status: "created", key: "", isOne: true },
  "one that is recorded": { host: "web-01", status: "running", key: ourKey, isOne: false },
  "one that was not begun": { host: "web-04", status: "running", key: ourKey, isOne: false },
  "one of another checkout": {
    host: "web-02",
    status: "running",
    key: "ssh-ed25519 AAAAtheirs",
    isOne: false,
  },
  "one without a key": { host: "web-02", status: "running", key: "", isOne: false },
};

for (const [title, { host, status, key, isOne }] of Object.entries(cases)) {
  test(`half-made ${isOne ? "is" : "is not"} ${title}`, async (t) => {
    const found = await halfMade(state, {
      containers: [inspected(host, status)],
      hostKeyOf: async () => key,
    });
    t.deepEqual(found, isOne ? [`id-${host}`] : []);
  });
}

test("without an interrupted up, and without any state, nothing is half-made", async (t) => {
  const engine = { containers: [inspected("web-02", "created")], hostKeyOf: async () => ourKey };
  t.deepEqual(
    await halfMade({ deployment: { resources: state.deployment.resources } }, engine),
    [],
  );
  t.deepEqual(await halfMade({ deployment: {} }, engine), []);
});
