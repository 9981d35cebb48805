/** Readiness over HTTP and TCP, against real ports of this computer. */

import { execFileSync, spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionContext } from "ava";
import { renderReloaded } from "../../../../provider/kinds/service/ready";
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

async function upWith(
  t: ExecutionContext,
  ready: object,
  journal = "",
): Promise<readonly string[]> {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", { journal });
  const { told } = await resource().up({
    host: wireHost(server.host()),
    ...wire({ unit: "it.service", ready: { deadlineSeconds: 1, ...ready } }),
  });
  return told;
}

for (const status of [200, 204]) {
  onLinux(`a unit that answers ${status} is ready`, async (t) => {
    const port = await portAnswering(t, [status]);
    await t.notThrowsAsync(upWith(t, { http: `http://127.0.0.1:${port}/health?deep=1` }));
  });
}

for (const status of [302, 404, 500, 503]) {
  onLinux(
    `a unit that answers ${status} is not ready, and that is what was last seen`,
    async (t) => {
      const port = await portAnswering(t, [status]);
      const url = `http://127.0.0.1:${port}/health`;
      const error = await t.throwsAsync(upWith(t, { http: url }));
      t.regex(
        error?.message ?? "",
        /it was not ready within 1 seconds \(ready.deadlineSeconds, an application's readySeconds\); all is put back as it was:/,
      );
      t.true(error?.message.includes(`${url}: HTTP/1.1 ${status}`));
    },
  );
}

onLinux(
  "what was last seen is told after the daemon's own words, however many they are",
  async (t) => {
    const port = await portAnswering(t, [403]);
    const journal = Array.from({ length: 60 }, (_, line) => `line ${line}\n`).join("");
    const error = await t.throwsAsync(upWith(t, { http: `http://127.0.0.1:${port}/` }, journal));
    t.regex(
      error?.message ?? "",
      /\nline 59\n[\s\S]*\nhttp:\/\/127\.0\.0\.1:\d+\/: HTTP\/1\.1 403 Forbidden$/,
    );
  },
);

onLinux("an answer that does not match is somebody else's", async (t) => {
  const port = await portAnswering(t, [200]);
  const http = `http://127.0.0.1:${port}/`;
  await t.notThrowsAsync(upWith(t, { http, matches: "^Connection: close\\r?$" }));
  const error = await t.throwsAsync(upWith(t, { http, matches: "^Server: it\\r?$" }));
  t.true(error?.message.endsWith(`${http}: expected an answer that matches ^Server: it\\r?$`));
});

onLinux("a unit that answers well after a while is ready", async (t) => {
  const port = await portAnswering(t, [503, 503, 200]);
  await t.notThrowsAsync(upWith(t, { http: `http://127.0.0.1:${port}`, deadlineSeconds: 60 }));
});

onLinux("a port that accepts connections is ready, and one that does not is not", async (t) => {
  const port = await portAnswering(t, [500]);
  await t.notThrowsAsync(upWith(t, { tcp: port }));
  await t.throwsAsync(upWith(t, { tcp: 1 }), { message: /port 1: .*Connection refused/s });
});

onLinux("a redirect is told with where it leads, and headers are sent", async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host} ${request.headers["x-forwarded-proto"]}`);
    response.writeHead(301, { Location: "https://www.example.com/health" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  const headers = { Host: "www.example.com", "X-Forwarded-Proto": "http" };
  await t.throwsAsync(upWith(t, { http: `http://127.0.0.1:${port}/health`, headers }), {
    message:
      /HTTP\/1.1 301 Moved Permanently, a redirect to https:..www.example.com.health, is not healthy/,
  });
  t.is(asked[0], "www.example.com http");
});

onLinux(
  "a unit that ends again and again is not waited for, and its first words are told",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    await sandbox.unit("it.service", { journal: "first: no such file\n" });
    const command = ends((path) => sandbox.path(path), "it.service");
    await t.throwsAsync(
      resource().up({
        host: wireHost(server.host()),
        ...wire({ unit: "it.service", ready: { deadlineSeconds: 600, command } }),
      }),
      {
        message:
          /it ended 5 times by itself; all is put back as it was. What it said first:\nfirst: no such file/,
      },
    );
  },
);

/** An application whose unit has `mainPid` as its main process. */
async function releaseWith(t: ExecutionContext, { mainPid }: { readonly mainPid: number }) {
  const port = await portAnswering(t, [200]);
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", { properties: `MainPID=${mainPid}\n` });
  await sandbox.write("/source/server.js", "one\n");
  const up = resource("trilithon:index:Release").up({
    host: wireHost(server.host()),
    ...wire({
      ...{ unit: "it.service", root: sandbox.path("/srv/it"), source: sandbox.path("/source") },
      version: "one",
      ready: { http: `http://127.0.0.1:${port}/health`, deadlineSeconds: 1 },
    }),
  });
  return { up, port };
}

onLinux("an application is not ready by what another process answers at its port", async (t) => {
  const other = spawn("sleep", ["600"]);
  t.teardown(() => other.kill());
  const { up, port } = await releaseWith(t, { mainPid: other.pid ?? 0 });
  const error = await t.throwsAsync(up);
  t.regex(
    error?.message ?? "",
    new RegExp(`\nport ${port} is taken by \\S.* \\(process ${process.pid}\\)$`),
  );
});

onLinux("an application is ready by what it answers itself", async (t) => {
  const { up } = await releaseWith(t, { mainPid: process.pid });
  await t.notThrowsAsync(up);
});

/** Each start is an invocation of its own; `former` ran before the change. */
async function withStarts(t: ExecutionContext, unit: string) {
  const machine = await startMachine(t);
  await machine.sandbox.unit(unit, { journal: "the last one\n" });
  await machine.sandbox.write(`/state/units/${unit}/invocation`, "1-former");
  const boot = Array.from({ length: 40 }, (_, line) => `boot ${line}\n`).join("");
  const starts = {
    "1-former": "of before\n",
    "2-first": `${boot}no tax table\nstatus=7\n`,
    "3-second": "address in use\n",
  };
  for (const [start, said] of Object.entries(starts)) {
    await machine.sandbox.write(`/state/units/${unit}/starts/${start}`, said);
  }
  return machine;
}

/** A command that fails, and finds one more end of the unit at each look. */
function ends(path: (path: string) => string, unit: string): readonly string[] {
  const count = path("/ends");
  const properties = path(`/state/units/${unit}/properties`);
  return ["sh", "-c", `echo x >>${count}; echo NRestarts=$(wc -l <${count}) >${properties}; false`];
}

onLinux("of the first start its last words are told, not those of later ones", async (t) => {
  const { sandbox, server, resource } = await withStarts(t, "it.service");
  const command = ends((path) => sandbox.path(path), "it.service");
  const error = await t.throwsAsync(
    resource().up({
      host: wireHost(server.host()),
      ...wire({ unit: "it.service", ready: { deadlineSeconds: 600, command } }),
    }),
  );
  t.regex(
    error?.message ?? "",
    /What it said first:\nboot 27\n[\s\S]*boot 39\nno tax table\nstatus=7$/,
  );
});

onLinux("words that the journal has of no start are told as well", async (t) => {
  const { sandbox, server, resource } = await withStarts(t, "it.service");
  // So it is where the process had ended before the journal looked whose they are.
  for (const start of ["2-first", "3-second"]) {
    await sandbox.write(`/state/units/it.service/starts/${start}`, "");
  }
  await sandbox.unit("it.service", { journal: "no such queue\nstatus=1\n" });
  const command = ends((path) => sandbox.path(path), "it.service");
  const error = await t.throwsAsync(
    resource().up({
      host: wireHost(server.host()),
      ...wire({ unit: "it.service", ready: { deadlineSeconds: 600, command } }),
    }),
  );
  t.regex(error?.message ?? "", /What it said first:\nno such queue\nstatus=1$/);
});

onLinux("one that ended once and then hangs tells why it ended", async (t) => {
  const { sandbox, server, resource } = await withStarts(t, "it.service");
  const properties = sandbox.path("/state/units/it.service/properties");
  const command = ["sh", "-c", `echo NRestarts=1 >${properties}; echo not found; false`];
  const error = await t.throwsAsync(
    resource().up({
      host: wireHost(server.host()),
      ...wire({ unit: "it.service", ready: { deadlineSeconds: 1, command } }),
    }),
  );
  t.regex(
    error?.message ?? "",
    /was not ready within 1 seconds \(.*\), and ended by itself meanwhile; all is put back as it was\. What it said first:\nboot [\s\S]*status=7$/,
  );
});

onLinux("a process that crashes ends the wait for another one, and is named", async (t) => {
  const { sandbox, server, resource } = await withStarts(t, "it.service");
  await sandbox.unit("it-mail.service", {});
  const command = ends((path) => sandbox.path(path), "it.service");
  const error = await t.throwsAsync(
    resource().up({
      host: wireHost(server.host()),
      ...wire({
        unit: "it.service",
        moreUnits: { "it-mail.service": { ready: { deadlineSeconds: 600, command } } },
      }),
    }),
  );
  t.regex(error?.message ?? "", /\nit ended 5 times by itself; [\s\S]*no tax table/);
});

for (const [serves, drained] of [
  [true, true],
  [false, false],
] as const) {
  const title = serves
    ? "a host is drained while another serves"
    : "the last server that serves is not drained, and that is said";
  onLinux(title, async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const port = await portAnswering(t, [serves ? 200 : 503]);
    const drain = sandbox.path("/run/drain");
    await sandbox.unit("it.service", { reads: [drain] });
    const it = resource();
    const up = (content: string) =>
      it.up({
        host: wireHost(server.host()),
        ...wire({
          unit: "it.service",
          files: { [sandbox.path("/etc/it")]: { content } },
          drain: {
            file: drain,
            seconds: 1,
            allowed: [{ http: "http://127.0.0.1:9/" }, { http: `http://127.0.0.1:${port}/` }],
            finished: { http: `http://127.0.0.1:${port}/` },
            finishSeconds: 1,
          },
        }),
      });
    await up("one");
    const { told } = await up("two");
    t.true(
      told.some((line) =>
        line.includes("restart it (no request lost while another server serves)"),
      ),
    );
    t.is(
      await sandbox.loaded("it.service", "drain").then(
        () => true,
        () => false,
      ),
      drained,
    );
    t.false(await sandbox.exists("/run/drain"));
    t.is(
      told.some((line) => line.includes("no other server serves")),
      !drained,
      told.join("\n"),
    );
  });
}

onLinux(
  "a reload is over once no former worker listens any more: it would answer for the new ones",
  (t) => {
    const service = { unit: "it.service", name: "it", reloaded: { newWorker: true } };
    const { text } = renderReloaded(Object(service));
    // The former worker, 41, listens at the first two looks.
    const stubs = `main=40 workers=' 41 '
children() { echo 42; }
systemctl() { echo active; }
journal() { :; }
fail() { echo "failed: $1"; exit 1; }
looks=$(mktemp)
ss() { echo look >>"$looks"; [ "$(wc -l <"$looks")" -gt 2 ] || echo 'users:(("it",pid=41,fd=6))'; echo 'users:(("it",pid=42,fd=6))'; }
`;
    const script = `${stubs}${text}\ncat "$looks"; rm "$looks"`;
    t.is(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" }), "look\nlook\nlook\n");
  },
);
