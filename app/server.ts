/** The guest book's process: reads its settings, serves, and stops without cutting anyone off. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { openBook } from "./database/book";
import { describeError } from "./database/fault";
import { startPreparing } from "./readiness";
import { requestIdOf } from "./request";
import { sendAnswer } from "./routes";
import { parseSettings } from "./settings";

/** Longer than a web server keeps an idle connection to its upstream (Nginx: 60 s), so that the other side closes it. */
const keepAliveSeconds = 75;
/** Above the longest write, below systemd's own 90 s. */
const stopDeadlineSeconds = 20;

main();

function main(): void {
  const settings = readSettings();
  const book = openBook(settings.database);
  const readiness = startPreparing(book.prepare, log);
  let isStopping = false;
  const application = {
    hostName: settings.hostName,
    book,
    isReady: readiness.isReady,
    isStopping: () => isStopping,
    log,
  };
  const server = createServer((request, response) => {
    const id = requestIdOf(request);
    // By the same id HAProxy and Nginx log the request.
    const logFor = (line: string) => log(id === undefined ? line : `${line} [request ${id}]`);
    void sendAnswer({ ...application, log: logFor }, request, response).catch((error: unknown) => {
      logFor(`an answer could not be sent: ${describeError(error)}`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = keepAliveSeconds * 1000;
  server.listen(settings.port, "127.0.0.1", () => log(`listening on 127.0.0.1:${settings.port}`));
  server.on("error", (error) => {
    log(describeError(error));
    process.exit(1);
  });

  const stop = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    log(`${signal}: finishing the requests under way`);
    readiness.stop();
    const deadline = setTimeout(() => {
      log(`some requests were cut off after ${stopDeadlineSeconds} s`);
      server.closeAllConnections();
    }, stopDeadlineSeconds * 1000);
    server.close(async () => {
      clearTimeout(deadline);
      await book.close();
      log("stopped");
      process.exit(0);
    });
    server.closeIdleConnections();
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}

function readSettings(): ReturnType<typeof parseSettings> {
  try {
    return parseSettings(process.env, (path) => readFileSync(path, "utf8"));
  } catch (error) {
    log(describeError(error));
    process.exit(1);
  }
}

function log(line: string): void {
  console.log(line);
}
