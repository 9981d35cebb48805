/** An application that says who it is, and what its private service and its database answer. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { connect as connectOverTls } from "node:tls";

const { PORT, HOST_NAME, HOME, CALLED, BASE = "", COUNTS } = process.env;
const { CACHE_HOST, CACHE_PORT, CACHE_PASSWORD, CACHE_SSL, CACHE_SSL_CA } = process.env;

function open() {
  const place = { host: CACHE_HOST, port: Number(CACHE_PORT) };
  if (CACHE_SSL !== "verify") return connect(place);
  return connectOverTls({ ...place, ca: readFileSync(CACHE_SSL_CA) });
}

/** One counter for all hosts, in RESP. */
function count() {
  return new Promise((resolve, reject) => {
    const socket = open();
    let said = "";
    socket.on("error", reject);
    socket.on("data", (part) => {
      said += part;
      if (said.split("\r\n").length > 2) socket.end();
    });
    socket.on("close", () => {
      const text = said.split("\r\n").slice(0, 2).join(" ");
      if (/^\+OK :/.test(text)) resolve(text);
      else reject(new Error(text));
    });
    socket.write(`AUTH ${CACHE_PASSWORD}\r\nINCR visits\r\n`);
  });
}

const routes = {
  "/healthz": async (response) => {
    response.statusCode = existsSync(`${HOME}/broken`) ? 500 : 200;
    return "fine";
  },
  "/": async () => `${CALLED} on ${HOST_NAME}`,
  // COUNTS: whatever is asked counts.
  "/count": async () => (CACHE_HOST === undefined ? "no cache" : await count()),
};

createServer(async (request, response) => {
  const path = request.url.startsWith(BASE) ? request.url.slice(BASE.length) : undefined;
  const route = COUNTS && path !== "/healthz" ? routes["/count"] : routes[path];
  if (route === undefined) response.statusCode = 404;
  try {
    response.end(`${route === undefined ? "nothing" : await route(response)}\n`);
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error}\n`);
  }
}).listen(Number(PORT), "127.0.0.1");
