/** Server-sent events: what the page hears without asking. */
import type { ServerResponse } from "node:http";

export interface Stream {
  send(event: string, value: unknown): void;
  /** Runs once nobody listens any more. */
  onEnd(work: () => void): void;
}

/** A browser that does not read on is let go of: it connects again, and is told all. */
const bytesAtMost = 8 * 1024 * 1024;

export function openStream(response: ServerResponse): Stream {
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  response.write("retry: 1000\n\n");
  return {
    send: (event, value) => {
      if (response.writableLength > bytesAtMost) response.destroy();
      else response.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
    },
    onEnd: (work) => response.once("close", work),
  };
}
