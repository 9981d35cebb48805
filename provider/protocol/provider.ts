/** Pulumi's ResourceProvider service over any list of kinds. It knows none of them by name. */

import { type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { AnyKind, Host } from "../kind";
import type { Pool } from "../ssh/pool";
import { configuredHosts, type ListedHost } from "./configured-hosts";
import { detailedDiff } from "./detailed-diff";
import type { Engine } from "./engine";
import { Lifecycle } from "./lifecycle";
import { typeOf } from "./owner";
import { Run } from "./run";
import { hiddenTexts, withoutSecrets } from "./secrets";
import { receive, send } from "./values";

export interface Plugin {
  readonly name: string;
  readonly version: string;
  readonly kinds: readonly AnyKind[];
  /** The hosts that the stack's settings list at present. Default: none, where that is not known. */
  readonly listedHosts?: readonly ListedHost[];
}

type Served = Partial<IResourceProviderServer>;

export function provider(
  plugin: Plugin,
  engine: Engine | undefined,
  pool: Pool,
): IResourceProviderServer {
  const ending = new AbortController();
  const run = new Run(plugin.listedHosts);
  let hosts: ReadonlyMap<string, Host> = new Map();
  const kinds = new Map(plugin.kinds.map((kind) => [kind.type, kind]));
  const resourceOf = (urn: string): Lifecycle => {
    const type = typeOf(urn);
    const kind = kinds.get(type);
    if (kind === undefined) throw new Error(`${plugin.name}: there is no resource type ${type}`);
    return new Lifecycle({ kind, urn, engine, pool, run, signal: ending.signal });
  };

  const served: Served = {
    handshake: answer(async () => {
      const response = new proto.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptOutputs(true);
      response.setAcceptResources(true);
      return response;
    }),

    getPluginInfo: answer(async () => {
      const response = new PluginInfo();
      response.setVersion(plugin.version);
      return response;
    }),

    checkConfig: answer(async (request: proto.CheckRequest) => {
      const response = new proto.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),

    // How hosts are reached never changes what is on them.
    diffConfig: answer(async () => {
      const response = new proto.DiffResponse();
      response.setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE);
      return response;
    }),

    configure: answer(async (request: proto.ConfigureRequest) => {
      hosts = configuredHosts(receive(request.getArgs()).properties);
      const response = new proto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setAcceptoutputs(true);
      response.setAcceptresources(true);
      response.setSupportspreview(true);
      return response;
    }),

    check: answer(async (request: proto.CheckRequest) => {
      const news = receive(request.getNews());
      const olds = receive(request.getOlds());
      const { inputs, failures } = resourceOf(request.getUrn()).check(olds, news);
      const response = new proto.CheckResponse();
      response.setInputs(send(inputs.properties, inputs.secrets));
      response.setFailuresList(
        failures.map(({ property, reason }) => {
          const failure = new proto.CheckFailure();
          // The engine prints the value of a property that is named here, a secret in plain.
          failure.setReason(`${property}: ${reason}`);
          return failure;
        }),
      );
      return response;
    }),

    diff: answer(
      async (request: proto.DiffRequest) => {
        const olds = receive(request.getOlds());
        const news = receive(request.getNews());
        const resource = resourceOf(request.getUrn());
        const differences = resource.diff(olds, news);
        const response = detailedDiff(differences);
        response.setDeletebeforereplace(resource.isRemovedBeforeReplaced(olds, news, differences));
        return response;
      },
      (request) => ({ urn: request.getUrn(), structs: [request.getOlds(), request.getNews()] }),
    ),

    create: answer(
      async (request: proto.CreateRequest) => {
        const news = receive(request.getProperties());
        const created = request.getPreview()
          ? await resourceOf(request.getUrn()).previewCreate(news)
          : await resourceOf(request.getUrn()).create(news);
        const response = new proto.CreateResponse();
        response.setId(created.id);
        response.setProperties(send(created.properties, created.secrets));
        response.setRefreshBeforeUpdate(created.isReadBeforeUpdate);
        return response;
      },
      (request) => ({ urn: request.getUrn(), structs: [request.getProperties()] }),
    ),

    read: answer(
      async (request: proto.ReadRequest) => {
        const olds = receive(request.getProperties());
        const inputs = receive(request.getInputs());
        const isImport = Object.keys({ ...olds.properties, ...inputs.properties }).length === 0;
        const found = isImport
          ? await resourceOf(request.getUrn()).importAs(request.getId(), hosts)
          : await resourceOf(request.getUrn()).read(request.getId(), olds, inputs);
        const response = new proto.ReadResponse();
        if (found === undefined) return response;
        response.setId(found.id);
        response.setProperties(send(found.properties, found.secrets));
        response.setInputs(send(found.inputs, found.secrets));
        response.setRefreshBeforeUpdate(found.isReadBeforeUpdate);
        return response;
      },
      (request) => ({
        urn: request.getUrn(),
        structs: [request.getProperties(), request.getInputs()],
      }),
    ),

    update: answer(
      async (request: proto.UpdateRequest) => {
        const olds = receive(request.getOlds());
        const news = receive(request.getNews());
        const updated = request.getPreview()
          ? await resourceOf(request.getUrn()).previewUpdate(request.getId(), olds, news)
          : await resourceOf(request.getUrn()).update(request.getId(), olds, news);
        const response = new proto.UpdateResponse();
        response.setProperties(send(updated.properties, updated.secrets));
        response.setRefreshBeforeUpdate(updated.isReadBeforeUpdate);
        return response;
      },
      (request) => ({ urn: request.getUrn(), structs: [request.getOlds(), request.getNews()] }),
    ),

    delete: answer(
      async (request: proto.DeleteRequest) => {
        await resourceOf(request.getUrn()).remove(
          request.getId(),
          receive(request.getProperties()),
        );
        return new Empty();
      },
      (request) => ({ urn: request.getUrn(), structs: [request.getProperties()] }),
    ),

    // Comes at every normal end too.
    cancel: answer(async () => {
      ending.abort();
      await pool.close();
      return new Empty();
    }),
  };
  // What is not served answers UNIMPLEMENTED, which the engine understands; the generated type wants all.
  return served as IResourceProviderServer;

  /** `received` are the parts of a request whose secrets must not stand in an error. */
  function answer<Request, Response>(
    work: (request: Request) => Promise<Response>,
    received?: (request: Request) => { urn: string; structs: readonly (Struct | undefined)[] },
  ) {
    return async (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>) => {
      try {
        const response = await work(call.request);
        await engine?.flush();
        reply(null, response);
      } catch (error) {
        await engine?.flush();
        const said = error instanceof Error ? error.message : String(error);
        const message = received === undefined ? said : hidden(said, received(call.request));
        reply({ code: status.UNKNOWN, message, details: message });
      }
    };
  }

  function hidden(
    message: string,
    { urn, structs }: { urn: string; structs: readonly (Struct | undefined)[] },
  ): string {
    const kind = kinds.get(typeOf(urn));
    if (kind === undefined) return message;
    return withoutSecrets(
      message,
      structs.flatMap((struct) => hiddenTexts(kind, receive(struct))),
    );
  }
}
