/** What becomes of answers that did not come whole, and of what they say. */

import test, { type ExecutionContext } from "ava";
import { AnswerGarbled, HostUnreachable, RemoteError } from "../../../provider/errors";
import { Pool } from "../../../provider/ssh/pool";
import {
  answerFrames,
  answering,
  type Execution,
  frame,
  SshServer,
} from "../../support/ssh-server";

type Execute = (execution: Execution, time: number, server: SshServer) => void | Promise<void>;

async function host(t: ExecutionContext, execute: Execute) {
  let time = 0;
  const server: SshServer = await SshServer.start({
    execute: (execution) => {
      time += 1;
      return execute(execution, time, server);
    },
  });
  const pool = new Pool({ connectSeconds: 60, farewellSeconds: 0.05 });
  t.teardown(async () => {
    await pool.close();
    await server.stop();
  });
  const ask = (secrets: readonly string[] = []) =>
    pool.ask(server.host(), { script: "x", doing: "reading", secrets });
  return { server, pool, ask };
}

function send({ channel }: Execution, bytes: readonly Buffer[], status: number | undefined): void {
  channel.write(Buffer.concat(bytes));
  if (status !== undefined) channel.exit(status);
  channel.end();
}

/** An answer of which a piece is missing. */
function lossy(execution: Execution): void {
  const { mark } = execution;
  const exit = frame(mark, "exit 0 0 6 0");
  send(
    execution,
    [frame(mark, "begin"), frame(mark, "out 0", Buffer.from("abc")), exit, frame(mark, "end")],
    0,
  );
}

test("a read whose answer did not come whole is made again", async (t) => {
  const { server, ask } = await host(t, (execution, time) =>
    time < 3 ? lossy(execution) : answering(() => ({ stdout: "abcdef" }))(execution),
  );
  t.is(await ask(), "abcdef");
  t.is(server.roundTrips, 3);
});

test("a read whose answer never comes whole says so, after three attempts", async (t) => {
  const { server, ask } = await host(t, lossy);
  await t.throwsAsync(ask(), {
    instanceOf: AnswerGarbled,
    message:
      "web-01: reading: the answer did not come whole; let nothing that a login of root starts go on to print once it is done",
  });
  t.is(server.roundTrips, 3);
});

test("a command whose answer did not come whole is not run again", async (t) => {
  const { server, pool } = await host(t, lossy);
  await t.throwsAsync(pool.run(server.host(), { script: "x", doing: "applying" }), {
    instanceOf: AnswerGarbled,
  });
  t.is(server.roundTrips, 1);
});

test("an answer that lacks a piece is garbled, also where the channel ends without a status", async (t) => {
  const { server, pool } = await host(t, ({ mark, channel }) => {
    const exit = frame(mark, "exit 0 0 6 0");
    channel.write(Buffer.concat([frame(mark, "begin"), exit, frame(mark, "end")]));
    channel.end();
  });
  await t.throwsAsync(pool.run(server.host(), { script: "x", doing: "applying" }), {
    instanceOf: AnswerGarbled,
  });
});

test("a read that lost its connection is made again over a new one", async (t) => {
  const { server, ask } = await host(t, (execution, time, own) =>
    time === 1 ? own.dropConnections() : answering(() => ({ stdout: "well" }))(execution),
  );
  t.is(await ask(), "well");
  t.is(server.connections, 2);
});

test("a runner that ends before its script tells what it said", async (t) => {
  const { server, pool } = await host(t, (execution) => {
    execution.channel.stderr.write("fork: Cannot allocate memory\n");
    send(execution, [frame(execution.mark, "begin")], 12);
  });
  await t.throwsAsync(pool.run(server.host(), { script: "x", doing: "applying" }), {
    instanceOf: RemoteError,
    message: "web-01: applying: exit 12\nfork: Cannot allocate memory",
  });
});

test("a channel that closes without a word is a lost connection", async (t) => {
  const { server, pool } = await host(t, (execution) =>
    send(execution, [frame(execution.mark, "begin")], undefined),
  );
  await t.throwsAsync(pool.run(server.host(), { script: "x", doing: "applying" }), {
    instanceOf: HostUnreachable,
  });
});

test("an answer that is whole is not kept waiting by a channel that stays open", async (t) => {
  const { pool, server } = await host(t, ({ mark, channel }) => {
    const frames = [
      frame(mark, "begin"),
      answerFrames(mark, 0, { stdout: "well" }),
      frame(mark, "end"),
    ];
    channel.write(Buffer.concat(frames));
  });
  const command = { script: "x", doing: "applying", deadlineSeconds: 110 };
  t.is(await pool.run(server.host(), command), "well");
});

test("progress without an end of line is progress all the same", async (t) => {
  const { pool, server } = await host(t, (execution) =>
    answering(() => ({ stdout: "one\n@progress last" }))(execution),
  );
  const told: string[] = [];
  const onProgress = (message: string) => told.push(message);
  t.is(await pool.run(server.host(), { script: "x", doing: "applying", onProgress }), "one\n");
  t.deepEqual(told, ["last"]);
  t.is(await pool.run(server.host(), { script: "x", doing: "applying" }), "one\n@progress last");
});

test("output without an end of line comes whole", async (t) => {
  const { pool, server } = await host(t, (execution) =>
    answering(() => ({ stdout: "no end of line" }))(execution),
  );
  const command = { script: "x", doing: "applying", onProgress: () => undefined };
  t.is(await pool.run(server.host(), command), "no end of line");
});

test("what a failed read said on standard output shows no secret", async (t) => {
  const { ask } = await host(t, (execution) =>
    answering(() => ({ stdout: "bad: hunter2-planted", status: 1 }))(execution),
  );
  const error = await t.throwsAsync(ask(["hunter2-planted"]), {
    message: "web-01: reading: exit 1\nbad: [secret]",
  });
  t.is(error instanceof RemoteError && error.output, "bad: [secret]");
});
