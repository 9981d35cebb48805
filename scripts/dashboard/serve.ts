/** The web server of the page, at 127.0.0.1 alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Access, headersOfAll, judgeRequest, makeAccess, setCookie, urlOf } from "./access";
import type { PageFile } from "./bundle";
import { isRange, type ReadCharts } from "./charts";
import { feed } from "./feed";
import { follow, wrongLog } from "./logs";
import { openStream } from "./stream";
import type { Watch } from "./watch";

const address = "127.0.0.1";

export interface Dashboard {
  /** With the token. */
  readonly url: string;
  close(): Promise<void>;
}

export interface Served {
  readonly watch: Watch;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly readCharts: ReadCharts;
  /** 0: any that is free. */
  readonly port: number;
}

export async function serve(served: Served): Promise<Dashboard> {
  const access = makeAccess();
  const server = createServer();
  await listen(server, served.port);
  const { port } = server.address() as AddressInfo;
  const host = `${address}:${port}`;
  server.on("request", (request, response) => answer(request, response, { access, host, served }));
  return {
    url: `http://${host}${access.path}?token=${access.token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: Error & { readonly code?: string }) =>
      reject(new Error(`--port: ${explain(port, error)}`)),
    );
    server.listen({ port, host: address }, resolve);
  });
}

function explain(port: number, error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `something listens at ${address}:${port} already: name another one, or none`;
    case "EACCES":
      return `this user may not listen at ${port}: name one above 1023, or none`;
    default:
      return error.message;
  }
}

interface Answering {
  readonly access: Access;
  readonly host: string;
  readonly served: Served;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { access, host, served }: Answering,
): void {
  for (const [name, value] of Object.entries(headersOfAll)) response.setHeader(name, value);
  const verdict = judgeRequest(request, { access, host });
  if (typeof verdict === "object") {
    fail(response, 403, `${verdict.refused}: open the URL that npm run dashboard printed`);
    return;
  }
  if (verdict === "token") response.setHeader("Set-Cookie", setCookie(access));
  const { pathname, searchParams } = urlOf(request.url ?? "/", host);
  const path = pathname.slice(access.path.length);
  const file = served.files.get(path);
  if (file !== undefined) {
    response.writeHead(200, { "Content-Type": file.type }).end(file.text);
    return;
  }
  const { watch } = served;
  switch (path) {
    case "feed":
      feed(watch, openStream(response));
      return;
    case "charts":
      void sendCharts(response, searchParams.get("range") ?? "", served);
      return;
    case "logs": {
      const [name, log] = [searchParams.get("host") ?? "", searchParams.get("log") ?? ""];
      const wrong = wrongLog(watch, name, log);
      if (wrong !== undefined) fail(response, 404, wrong);
      else void follow(watch, { host: name, log }, openStream(response));
      return;
    }
    default:
      fail(response, 404, "there is no such page");
  }
}

async function sendCharts(response: ServerResponse, range: string, { readCharts }: Served) {
  if (!isRange(range)) {
    fail(response, 404, "no such range");
    return;
  }
  const charts = await readCharts(range);
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(charts));
}

function fail(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${words}\n`);
}
