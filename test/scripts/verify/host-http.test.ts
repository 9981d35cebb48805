import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import test from "ava";
import type { Site } from "../../../scripts/verify/check";
import { askHost } from "../../../scripts/verify/checks/host-http";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "./sample";

const endpoints = parseEndpoints(sampleOutput);
const [host] = endpoints.hosts;
if (host === undefined) throw new Error("the sample has no host");
const here: Site = {
  endpoints,
  request: () => Promise.reject(new Error("not asked")),
  run: async (_host, script) => (await promisify(execFile)("sh", ["-c", script])).stdout,
};
const question = { path: "/up?a=b'c", domain: "www.foobar.com", scheme: "https" } as const;

test("asks as the load balancer does, over a connection each", async (t) => {
  const asked: unknown[] = [];
  const connections = new Set<unknown>();
  const server = createServer(({ url, headers, socket }, response) => {
    connections.add(socket);
    asked.push([url, headers.host, headers["x-forwarded-proto"]]);
    response.setHeader("X-Served-By", `web-0${asked.length}`);
    response.end(`first\r\n\r\nsecond ${asked.length}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // It listens on a port, not on a path.
  const { port } = server.address() as AddressInfo;
  const answers = await askHost(here, host, { ...question, port, times: 3 });
  server.close();
  t.deepEqual(
    answers.map(({ status, servedBy }) => [status, servedBy]),
    [
      [200, "web-01"],
      [200, "web-02"],
      [200, "web-03"],
    ],
  );
  t.true(answers[2]?.body.includes("first\r\n\r\nsecond 3"));
  t.deepEqual(asked[0], ["/up?a=b'c", "www.foobar.com", "https"]);
  t.is(connections.size, 3);
});

test("a closed port is told in words", async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  t.deepEqual(await askHost(here, host, { ...question, port, times: 2 }), [
    { fault: "refuses connections", body: "" },
  ]);
});
