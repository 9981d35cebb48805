/** An application that says who it is, and what its private service and its database answer. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";

const { PORT, HOST_NAME, HOME, CALLED, BASE = "" } = process.env;
const { CACHE_HOST, CACHE_PORT, CACHE_PASSWORD } = process.env;

/** One counter for all hosts, in RESP. */
function count() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(CACHE_PORT), CACHE_HOST);
    let said = "";
    socket.on("error", reject);
    socket.on("data", (part) => {
      said += part;
      if (said.split("\r\n").length > 2) socket.end();
    });
    socket.on("close", () => resolve(said.split("\r\n").slice(0, 2).join(" ")));
    socket.write(`AUTH ${CACHE_PASSWORD}\r\nINCR visits\r\n`);
  });
}

const routes = {
  "/healthz": async (response) => {
    response.statusCode = existsSync(`${HOME}/broken`) ? 500 : 200;
    return "fine";
  },
  "/": async () => `${CALLED} on ${HOST_NAME}`,
  "/count": async () => (CACHE_HOST === undefined ? "no cache" : await count()),
};

createServer(async (request, response) => {
  const route = request.url.startsWith(BASE) ? routes[request.url.slice(BASE.length)] : undefined;
  if (route === undefined) response.statusCode = 404;
  try {
    response.end(`${route === undefined ? "nothing" : await route(response)}\n`);
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error}\n`);
  }
}).listen(Number(PORT), "127.0.0.1");
