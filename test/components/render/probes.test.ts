import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { nobodyConnected } from "../../../components/render/probes";
import { onLinux } from "../../support/on-linux";

function isFree(port: number): boolean {
  const [program = "", ...words] = nobodyConnected(port);
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
