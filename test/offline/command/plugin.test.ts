import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import test from "ava";
import type { Properties } from "../../../provider/kind";
import { at, receive, send, unknown } from "../../../provider/protocol/values";

const urn = "urn:pulumi:dev::test::command:local:Command::build";
const args = { create: "echo $TOKEN", environment: { TOKEN: "hunter2" } };

let plugin: ChildProcess;
let client: ResourceProviderClient;

test.before(async () => {
  plugin = spawn(process.execPath, ["--import=tsx", "offline/command/plugin.ts"]);
  if (plugin.stdout === null) throw new Error("the plugin has no output");
  const [port] = await once(createInterface(plugin.stdout), "line");
  client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
});

test.after.always(() => {
  client.close();
  plugin.kill();
});

test("keeps what a command wrote secret when an input is, and only then", async (t) => {
  const secret = await create(args, [["environment", "TOKEN"]]);
  t.is(secret.properties.stdout, "hunter2");
  t.true(secret.secrets.some((path) => path[0] === "stdout"));
  const open = await create(args, []);
  t.false(open.secrets.some((path) => path[0] === "stdout"));
});

test("does not pretend in a preview to know what a command will write", async (t) => {
  const preview = await create(args, [], "preview");
  t.is(preview.properties.stdout, unknown);
  const made = await create(args, []);
  const update = await change(made.properties, { ...args, create: "echo new" }, "preview");
  t.is(update.properties.stdout, unknown);
});

test("runs the command again when an input changed", async (t) => {
  const made = await create(args, []);
  const changed = await change(made.properties, { ...args, create: "echo new" }, "up");
  t.is(changed.properties.stdout, "new");
  t.is(at(changed.properties, ["id"]), made.properties.id);
});

test("makes the replacement first, as the official plugin does", async (t) => {
  const made = await create({ ...args, triggers: ["1"] }, []);
  const request = new proto.DiffRequest();
  request.setUrn(urn);
  request.setOlds(send(made.properties, []));
  request.setNews(send({ ...args, triggers: ["2"] }, []));
  const response = await promisify<proto.DiffRequest, proto.DiffResponse>(client.diff).call(
    client,
    request,
  );
  t.deepEqual(response.getReplacesList(), ["triggers"]);
  t.false(response.getDeletebeforereplace());
});

type Phase = "preview" | "up";

async function create(properties: Properties, secrets: string[][], phase: Phase = "up") {
  const request = new proto.CreateRequest();
  request.setUrn(urn);
  request.setProperties(send(properties, secrets));
  request.setPreview(phase === "preview");
  const call = promisify<proto.CreateRequest, proto.CreateResponse>(client.create);
  return receive((await call.call(client, request)).getProperties());
}

async function change(olds: Properties, news: Properties, phase: Phase) {
  const request = new proto.UpdateRequest();
  request.setUrn(urn);
  request.setOlds(send(olds, []));
  request.setNews(send(news, []));
  request.setPreview(phase === "preview");
  const call = promisify<proto.UpdateRequest, proto.UpdateResponse>(client.update);
  return receive((await call.call(client, request)).getProperties());
}
