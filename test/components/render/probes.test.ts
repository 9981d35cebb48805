import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { nobodyConnected, reachesOne } from "../../../components/render/probes";
import { onLinux } from "../../support/on-linux";

function isFree(port: number, socket?: string): boolean {
  const [program = "", ...words] = nobodyConnected({ port, socket });
  try {
    execFileSync(program, words);
    return true;
  } catch {
    return false;
  }
}

onLinux("a connection to a port is seen, over either family, and its end", async (t) => {
  for (const host of ["127.0.0.1", "::"]) {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    t.true(isFree(port), host);
    const accepted = once(server, "connection");
    const client = connect(port, "127.0.0.1");
    const [served] = await accepted;
    t.false(isFree(port), host);
    const closed = once(client.resume(), "close");
    served.end();
    await closed;
    t.true(isFree(port), host);
    server.close();
  }
});

onLinux("a connection to a unix socket is seen, and its end", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-socket-"));
  const socket = join(folder, "php-fpm.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  t.true(isFree(3000, socket));
  const accepted = once(server, "connection");
  const client = connect(socket);
  const [served] = await accepted;
  t.false(isFree(3000, socket));
  const closed = [once(client.resume(), "close"), once(served.resume(), "close")];
  served.end();
  await Promise.all(closed);
  t.true(isFree(3000, socket));
  server.close();
  rmSync(folder, { recursive: true });
});

test("one server that is reached is enough, and where none is the way out is told", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const nobody = { address: "127.0.0.1", port: 1 };
  const run = (servers: Parameters<typeof reachesOne>[0]) =>
    promisify(execFile)("sh", ["-c", reachesOne(servers)]);
  await t.notThrowsAsync(run([nobody, { address: "127.0.0.1", port }]));
  server.close();
  const error = await t.throwsAsync(run([nobody, { address: "127.0.0.1", port: 2 }]));
  t.regex(
    error?.message ?? "",
    /\nnone of 127\.0\.0\.1:1 127\.0\.0\.1:2 is reached: let web\.tlsPort through between the hosts, or set loadBalancer\.backendProtocol to http\n/,
  );
});
