/** An application with a route for each thing that a proxy can get wrong. Notes each request in the file ASKED. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";

const { PORT, HOST_NAME, ASKED, BASE = "" } = process.env;
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How many parts of a stream somebody has, as he tells any of the servers. */
const seen = "/tmp/seen";

/** Each part once somebody has the one before; `held back` in its place where nobody has it after 20 seconds. */
async function inTurns(response, type, partOf) {
  rmSync(seen, { force: true });
  response.setHeader("content-type", type);
  for (let sent = 0; sent < 4; sent += 1) {
    response.write(partOf(sent));
    const end = Date.now() + 20_000;
    while (!existsSync(seen) || Number(readFileSync(seen, "utf8")) <= sent) {
      if (Date.now() > end) return response.end("held back\n");
      await wait(10);
    }
  }
  response.end();
}

const routes = {
  "/healthz": (_, response) => response.end("fine\n"),
  "/echo": async (request, response) => {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of request) {
      bytes += part.length;
      hash.update(part);
    }
    const { method, url, rawHeaders } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, rawHeaders, bytes, sha256: hash.digest("hex") }));
  },
  "/crash": () => process.exit(1),
  "/status": (_, response, query) => {
    response.statusCode = Number(query.get("is"));
    response.end("on purpose\n");
  },
  "/begin": async (_, response) => {
    response.setHeader("content-length", "1000");
    response.write("begun");
    await wait(100);
    response.destroy();
  },
  "/headers": (_, response, query) => {
    const size = Number(query.get("bytes"));
    response.setHeader("set-cookie", `big=${"x".repeat(size)}`);
    response.end("ok\n");
  },
  "/events": (_, response) => inTurns(response, "text/event-stream", (n) => `data: ${n}\n\n`),
  "/stream": (_, response) => inTurns(response, "text/plain", (n) => `${n}\n`),
  "/seen": (_, response, query) => {
    writeFileSync(seen, query.get("parts"));
    response.end("noted\n");
  },
  "/slow": async (request, response, query) => {
    request.resume();
    await wait(Number(query.get("ms")));
    response.end("done\n");
  },
  "/assets": (_, response) => response.end(readdirSync("public/static").join("\n")),
  "/alive": (_, response) => response.end(`${Object.keys(networkInterfaces()).length}\n`),
  // A file that it alone has.
  [`/uploads/of-${HOST_NAME}`]: (_, response) => response.end(`of ${HOST_NAME}\n`),
  "/page": (_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html>${"<p>some text</p>".repeat(250)}`);
  },
};

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://probe");
  if (pathname !== `${BASE}/healthz` && pathname !== "/alive") {
    appendFileSync(ASKED, `${HOST_NAME} ${request.method} ${request.url}\n`);
  }
  response.setHeader("x-application", HOST_NAME);
  const route = pathname.startsWith(BASE) && routes[pathname.slice(BASE.length)];
  if (route) return route(request, response, searchParams);
  response.statusCode = 404;
  response.end(`no route ${pathname}\n`);
});
// After the handshake each byte comes back: what is in the frames does not matter to a proxy.
server.on("upgrade", (request, socket) => {
  appendFileSync(ASKED, `${HOST_NAME} UPGRADE ${request.url}\n`);
  socket.on("error", () => undefined);
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.pipe(socket);
});
server.listen(Number(PORT), "127.0.0.1");
