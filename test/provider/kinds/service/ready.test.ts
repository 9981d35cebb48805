/** Readiness over HTTP and TCP, against real ports of this computer. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

async function portAnswering(t: ExecutionContext, statuses: readonly number[]): Promise<number> {
  const left = [...statuses];
  const server = createServer((_, response) => {
    response.statusCode = (left.length > 1 ? left.shift() : left[0]) ?? 500;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  // A server that listens on TCP has such an address.
  return (server.address() as AddressInfo).port;
}

async function upWith(t: ExecutionContext, ready: object): Promise<readonly string[]> {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", {});
  const { told } = await resource().up({
    host: wireHost(server.host()),
    ...wire({ unit: "it.service", ready: { deadlineSeconds: 1, ...ready } }),
  });
  return told;
}

for (const status of [200, 204, 302]) {
  onLinux(`a unit that answers ${status} is ready`, async (t) => {
    const port = await portAnswering(t, [status]);
    await t.notThrowsAsync(upWith(t, { http: `http://127.0.0.1:${port}/health?deep=1` }));
  });
}

for (const status of [404, 500, 503]) {
  onLinux(
    `a unit that answers ${status} is not ready, and that is what was last seen`,
    async (t) => {
      const port = await portAnswering(t, [status]);
      const url = `http://127.0.0.1:${port}/health`;
      const error = await t.throwsAsync(upWith(t, { http: url }));
      t.regex(
        error?.message ?? "",
        /it was not ready within 1 seconds; all is put back as it was:/,
      );
      t.true(error?.message.includes(`${url}: HTTP/1.1 ${status}`));
    },
  );
}

onLinux("a unit that answers well after a while is ready", async (t) => {
  const port = await portAnswering(t, [503, 503, 200]);
  await t.notThrowsAsync(upWith(t, { http: `http://127.0.0.1:${port}`, deadlineSeconds: 60 }));
});

onLinux("a port that accepts connections is ready, and one that does not is not", async (t) => {
  const port = await portAnswering(t, [500]);
  await t.notThrowsAsync(upWith(t, { tcp: port }));
  await t.throwsAsync(upWith(t, { tcp: 1 }), { message: /port 1: .*Connection refused/s });
});
