/** Serves kinds as a Pulumi plugin: prints the port, answers until the engine says goodbye or is gone. */

import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Pool } from "../ssh/pool";
import { listedHosts } from "./configured-hosts";
import { Engine } from "./engine";
import { type Plugin, provider } from "./provider";

/** The engine sends whole states; its own limit is this large. */
const messageBytesAtMost = 400 * 1024 * 1024;
const parentCheckMilliseconds = 1000;

export async function serve(plugin: Plugin): Promise<void> {
  const pool = new Pool();
  const end = () => void pool.close().finally(() => process.exit(0));
  const engineAddress = process.argv[2];
  const server = new Server({
    "grpc.max_receive_message_length": messageBytesAtMost,
    "grpc.max_send_message_length": messageBytesAtMost,
  });
  const engine = engineAddress === undefined ? undefined : new Engine(engineAddress);
  const settled = { ...plugin, listedHosts: listedHosts() };
  server.addService(ResourceProviderService, provider(settled, engine, pool));
  const port = await listen(server);
  process.stdout.write(`${port}\n`);
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  endWithParent(end);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/** A killed engine cannot say goodbye, and its plugins would live on. */
function endWithParent(end: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, parentCheckMilliseconds).unref();
}
