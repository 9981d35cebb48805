/** The engine's log in this process: keeps what it is told. */

import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { type LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

export interface Message {
  readonly urn: string;
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly text: string;
  readonly isPassing: boolean;
}

export class RecordedEngine {
  readonly messages: Message[] = [];
  readonly #server = new Server();
  #port = 0;

  static async start(): Promise<RecordedEngine> {
    const engine = new RecordedEngine();
    const served: Partial<IEngineServer> = {
      log: (call, reply) => {
        engine.#take(call.request);
        reply(null, new Empty());
      },
    };
    // What is not served answers UNIMPLEMENTED; the generated type wants all.
    engine.#server.addService(EngineService, served as IEngineServer);
    engine.#port = await listen(engine.#server);
    return engine;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** What stays under the resources. */
  told(severity?: Message["severity"]): string[] {
    return this.messages
      .filter(
        (message) => !message.isPassing && (severity ?? message.severity) === message.severity,
      )
      .map(({ text }) => text);
  }

  clear(): void {
    this.messages.length = 0;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #take(request: LogRequest): void {
    this.messages.push({
      urn: request.getUrn(),
      severity: severities[request.getSeverity()],
      text: request.getMessage(),
      isPassing: request.getEphemeral(),
    });
  }
}

export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

const severities = {
  [LogSeverity.DEBUG]: "debug",
  [LogSeverity.INFO]: "info",
  [LogSeverity.WARNING]: "warning",
  [LogSeverity.ERROR]: "error",
} as const;
