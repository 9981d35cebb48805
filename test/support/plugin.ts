/** The plugin, served in this process or as one of its own, and the calls that the engine makes to it. */

import { credentials, Server, type ServiceError } from "@grpc/grpc-js";
import {
  ResourceProviderClient,
  ResourceProviderService,
} from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type AnyKind, anyKind } from "../../provider/kind";
import { release, service } from "../../provider/kinds/service/kind";
import type { ListedHost } from "../../provider/protocol/configured-hosts";
import { Engine } from "../../provider/protocol/engine";
import { provider } from "../../provider/protocol/provider";
import { Pool } from "../../provider/ssh/pool";
import type { SessionOptions } from "../../provider/ssh/session";
import { listen, RecordedEngine } from "./engine";
import { fromStruct, toStruct, visible, type WireMap } from "./wire";

export interface PluginOptions extends SessionOptions {
  /** Default: Service and Release. */
  readonly kinds?: readonly AnyKind[];
  /** Those of the stack's settings. Default: not known. */
  readonly listedHosts?: readonly ListedHost[];
}

export interface Checked {
  readonly inputs: WireMap;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

export interface Diffed {
  readonly hasChanges: boolean;
  /** Property path to `add`, `delete`, `update`, with `-replace` where so. */
  readonly detailed: Readonly<Record<string, string>>;
  readonly diffs: readonly string[];
  readonly replaces: readonly string[];
  readonly isRemovedBeforeReplaced: boolean;
}

export interface State {
  readonly id: string;
  readonly properties: WireMap;
  readonly isReadBeforeUpdate: boolean;
}

export interface Found extends State {
  readonly inputs: WireMap;
}

/** A named resource of one type, as the engine knows it. */
export interface Named {
  readonly type: string;
  readonly name?: string;
  readonly stack?: string;
}

export function urnOf({ type, name = "it", stack = "dev" }: Named): string {
  return `urn:pulumi:${stack}::test::${type}::${name}`;
}

export class PluginClient {
  /** Every response as anybody may see it, and every error: what must hold no secret. */
  readonly seen: string[] = [];
  readonly raw: ResourceProviderClient;

  constructor(port: number) {
    this.raw = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  async check(resource: Named, news: WireMap): Promise<Checked> {
    const request = new proto.CheckRequest().setUrn(urnOf(resource)).setNews(toStruct(news));
    const response = await this.call<proto.CheckResponse>((done) => this.raw.check(request, done));
    return this.#saw({
      inputs: fromStruct(response.getInputs()),
      failures: response
        .getFailuresList()
        .map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() })),
    });
  }

  async diff(resource: Named, olds: WireMap, news: WireMap): Promise<Diffed> {
    const request = new proto.DiffRequest()
      .setUrn(urnOf(resource))
      .setOlds(toStruct(olds))
      .setNews(toStruct(news));
    const response = await this.call<proto.DiffResponse>((done) => this.raw.diff(request, done));
    const detailed: Record<string, string> = {};
    response.getDetaileddiffMap().forEach((entry, path) => {
      detailed[path] = kinds[entry.getKind()] ?? "";
    });
    return this.#saw({
      hasChanges: response.getChanges() === proto.DiffResponse.DiffChanges.DIFF_SOME,
      detailed,
      diffs: response.getDiffsList(),
      replaces: response.getReplacesList(),
      isRemovedBeforeReplaced: response.getDeletebeforereplace(),
    });
  }

  async create(resource: Named, news: WireMap, phase: Phase = "up"): Promise<State> {
    const request = new proto.CreateRequest()
      .setUrn(urnOf(resource))
      .setProperties(toStruct(news))
      .setPreview(phase === "preview");
    const response = await this.call<proto.CreateResponse>((done) =>
      this.raw.create(request, done),
    );
    return this.#saw({
      id: response.getId(),
      properties: fromStruct(response.getProperties()),
      isReadBeforeUpdate: response.getRefreshBeforeUpdate(),
    });
  }

  async read(resource: Named, state: Pick<Found, "id" | "properties" | "inputs">): Promise<Found> {
    const request = new proto.ReadRequest()
      .setUrn(urnOf(resource))
      .setId(state.id)
      .setProperties(toStruct(state.properties))
      .setInputs(toStruct(state.inputs));
    const response = await this.call<proto.ReadResponse>((done) => this.raw.read(request, done));
    return this.#saw({
      id: response.getId(),
      properties: fromStruct(response.getProperties()),
      inputs: fromStruct(response.getInputs()),
      isReadBeforeUpdate: response.getRefreshBeforeUpdate(),
    });
  }

  async update(resource: Named, olds: State, news: WireMap, phase: Phase = "up"): Promise<State> {
    const request = new proto.UpdateRequest()
      .setUrn(urnOf(resource))
      .setId(olds.id)
      .setOlds(toStruct(olds.properties))
      .setNews(toStruct(news))
      .setPreview(phase === "preview");
    const response = await this.call<proto.UpdateResponse>((done) =>
      this.raw.update(request, done),
    );
    return this.#saw({
      id: olds.id,
      properties: fromStruct(response.getProperties()),
      isReadBeforeUpdate: response.getRefreshBeforeUpdate(),
    });
  }

  async delete(resource: Named, { id, properties }: State): Promise<void> {
    const request = new proto.DeleteRequest()
      .setUrn(urnOf(resource))
      .setId(id)
      .setProperties(toStruct(properties));
    await this.call<Empty>((done) => this.raw.delete(request, done));
  }

  async cancel(): Promise<void> {
    await this.call<Empty>((done) => this.raw.cancel(new Empty(), done));
  }

  /** One call, whose error carries just the plugin's own message. */
  call<Response>(
    make: (done: (error: ServiceError | null, response: Response) => void) => void,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      make((error, response) => {
        if (error === null) {
          resolve(response);
          return;
        }
        this.seen.push(error.message, error.details);
        reject(new Error(error.details));
      });
    });
  }

  #saw<Answer extends object>(answer: Answer): Answer {
    this.seen.push(JSON.stringify(visible(JSON.parse(JSON.stringify(answer)))));
    return answer;
  }
}

export type Phase = "preview" | "up";

/** The plugin in this process, with an engine that keeps what it is told. */
export class TestPlugin extends PluginClient {
  static async start({
    kinds = [service, release].map(anyKinds),
    listedHosts = [],
    ...session
  }: PluginOptions = {}) {
    const engine = await RecordedEngine.start();
    const server = new Server();
    const pool = new Pool(session);
    const plugin = { name: "trilithon", version: "0.0.0", kinds, listedHosts };
    server.addService(ResourceProviderService, provider(plugin, new Engine(engine.address), pool));
    return new TestPlugin(await listen(server), server, engine, pool);
  }

  constructor(
    port: number,
    private readonly server: Server,
    readonly engine: RecordedEngine,
    readonly pool: Pool,
  ) {
    super(port);
  }

  async stop(): Promise<void> {
    await this.pool.close();
    this.raw.close();
    this.server.forceShutdown();
    this.engine.stop();
  }
}

const kinds: Readonly<Record<number, string>> = {
  [proto.PropertyDiff.Kind.ADD]: "add",
  [proto.PropertyDiff.Kind.ADD_REPLACE]: "add-replace",
  [proto.PropertyDiff.Kind.DELETE]: "delete",
  [proto.PropertyDiff.Kind.DELETE_REPLACE]: "delete-replace",
  [proto.PropertyDiff.Kind.UPDATE]: "update",
  [proto.PropertyDiff.Kind.UPDATE_REPLACE]: "update-replace",
};

function anyKinds(kind: typeof service): AnyKind {
  return anyKind(kind);
}
