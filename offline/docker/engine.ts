/** The Docker Engine: the only file of this room that opens a socket to it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";

/** An answer of the engine other than success. */
export class EngineError extends Error {
  constructor(
    message: string,
    readonly status: number | undefined,
  ) {
    super(message);
  }
}

let engine: Promise<Docker> | undefined;

/** The engine that `docker` itself would talk to. Loaded when first needed, since many phases need none. */
export function dockerEngine(): Promise<Docker> {
  engine ??= import("dockerode").then(({ default: Client }) => new Client(endpoint(process.env)));
  return engine;
}

/** Asks the engine, and says what was being done when it refuses. */
export async function asking<Answer>(
  doing: string,
  question: (docker: Docker) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await question(await dockerEngine());
  } catch (error) {
    throw explained(doing, error);
  }
}

/** As `asking`, where the thing may be gone. */
export async function askingFor<Answer>(
  doing: string,
  question: (docker: Docker) => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await asking(doing, question);
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
}

/** dockerode reads DOCKER_HOST itself, but knows nothing of the contexts of the `docker` command. */
export function endpoint(environment: NodeJS.ProcessEnv): Docker.DockerOptions | undefined {
  if (environment.DOCKER_HOST) return undefined;
  const folder = environment.DOCKER_CONFIG ?? join(homedir(), ".docker");
  const context =
    environment.DOCKER_CONTEXT ?? text(json(join(folder, "config.json")), "currentContext");
  if (context === undefined || context === "default") return undefined;
  const digest = createHash("sha256").update(context).digest("hex");
  const meta = json(join(folder, "contexts", "meta", digest, "meta.json"));
  const host = text(meta, "Endpoints", "docker", "Host");
  if (host?.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  throw new Error(
    `docker context ${context}: expected a unix:// socket, got ${host ?? "nothing"}: set DOCKER_HOST`,
  );
}

function explained(doing: string, error: unknown): EngineError {
  if (!(error instanceof Error)) return new EngineError(`${doing}: ${error}`, undefined);
  const code = text(error, "code");
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "EACCES") {
    const remedy = code === "EACCES" ? "may this user use it?" : "is it running?";
    const message = `${doing}: the Docker engine does not answer: ${error.message}: ${remedy}`;
    return new EngineError(message, undefined);
  }
  const status: unknown = Reflect.get(error, "statusCode");
  const message = text(error, "json", "message") ?? error.message;
  return new EngineError(`${doing}: ${message}`, typeof status === "number" ? status : undefined);
}

function json(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // No file, no context: the same as for the `docker` command.
    return undefined;
  }
}

function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, name) : undefined,
    value,
  );
  return typeof found === "string" ? found : undefined;
}
