/** The engine's log: lines under a resource, and the progress on its row. */

import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

export type Severity = "info" | "warning";

export class Engine {
  readonly #client: EngineClient;
  #sent: Promise<void> = Promise.resolve();

  constructor(address: string) {
    this.#client = new EngineClient(address, credentials.createInsecure());
  }

  /** Stays under the resource in the summary. */
  log(urn: string, severity: Severity, message: string): void {
    this.#send(
      urn,
      severity === "warning" ? LogSeverity.WARNING : LogSeverity.INFO,
      message,
      false,
    );
  }

  /** Shown on the resource's row until the next; an empty one takes it away. */
  progress(urn: string, message: string): void {
    this.#send(urn, LogSeverity.INFO, message, true);
  }

  /** Waits until all messages have arrived: a phase may end right after an answer, and what is under way would be lost. */
  async flush(): Promise<void> {
    await this.#sent;
  }

  #send(urn: string, severity: LogSeverity, message: string, ephemeral: boolean): void {
    const request = new LogRequest();
    request.setUrn(urn);
    request.setSeverity(severity);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    this.#sent = this.#sent.then(
      () => new Promise((resolve) => this.#client.log(request, () => resolve())),
    );
  }
}
