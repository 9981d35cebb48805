/**
 * A plugin that answers every call at once with what it was told: what any plugin for the same program costs at the
 * least. Its state is read before each update too, as that of the real one is.
 */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import {
  type IResourceProviderServer,
  ResourceProviderService,
} from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

const messageBytesAtMost = 400 * 1024 * 1024;

const served: Partial<IResourceProviderServer> = {
  handshake: answer(() =>
    new proto.ProviderHandshakeResponse()
      .setAcceptSecrets(true)
      .setAcceptOutputs(true)
      .setAcceptResources(true),
  ),
  getPluginInfo: answer(() => new PluginInfo().setVersion("0.1.0")),
  checkConfig: answer((request: proto.CheckRequest) =>
    new proto.CheckResponse().setInputs(request.getNews()),
  ),
  diffConfig: answer(() => noDifference()),
  configure: answer(() =>
    new proto.ConfigureResponse()
      .setAcceptsecrets(true)
      .setAcceptoutputs(true)
      .setAcceptresources(true)
      .setSupportspreview(true),
  ),
  check: answer((request: proto.CheckRequest) =>
    new proto.CheckResponse().setInputs(request.getNews()),
  ),
  diff: answer(() => noDifference()),
  create: answer((request: proto.CreateRequest) =>
    new proto.CreateResponse()
      .setId(request.getUrn())
      .setProperties(request.getProperties())
      .setRefreshBeforeUpdate(true),
  ),
  read: answer((request: proto.ReadRequest) =>
    new proto.ReadResponse()
      .setId(request.getId())
      .setProperties(request.getProperties())
      .setInputs(request.getInputs())
      .setRefreshBeforeUpdate(true),
  ),
  delete: answer(() => new Empty()),
  cancel: answer(() => new Empty()),
};

function noDifference(): proto.DiffResponse {
  return new proto.DiffResponse().setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE);
}

function answer<Request, Response>(respond: (request: Request) => Response) {
  return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>) =>
    reply(null, respond(call.request));
}

const server = new Server({
  "grpc.max_receive_message_length": messageBytesAtMost,
  "grpc.max_send_message_length": messageBytesAtMost,
});
// What is not served answers UNIMPLEMENTED; the generated type wants all.
server.addService(ResourceProviderService, served as IResourceProviderServer);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
process.on("SIGINT", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
