import test, { type ExecutionContext } from "ava";
import { HostUnreachable, RemoteError } from "../../../provider/errors";
import { Pool } from "../../../provider/ssh/pool";
import { onLinux } from "../../support/on-linux";
import { Sandbox } from "../../support/sandbox";
import { SshServer, type SshServerOptions } from "../../support/ssh-server";

interface Machine {
  readonly server: SshServer;
  readonly pool: Pool;
}

async function machine(t: ExecutionContext, options: SshServerOptions = {}): Promise<Machine> {
  const sandbox = await Sandbox.make();
  const server = await SshServer.start({ execute: sandbox.execute, ...options });
  const pool = new Pool({ connectSeconds: 60 });
  t.teardown(async () => {
    await pool.close();
    await server.stop();
    await sandbox.remove();
  });
  return { server, pool };
}

onLinux(
  "50 questions that come together are one round trip, each with its own answer",
  async (t) => {
    const { server, pool } = await machine(t);
    const questions = Array.from({ length: 50 }, (_, i) =>
      pool.ask(server.host(), { script: `printf 'answer %s\\n\\n' ${i}`, doing: `reading ${i}` }),
    );
    t.deepEqual(
      await Promise.all(questions),
      questions.map((_, i) => `answer ${i}\n\n`),
    );
    t.is(server.connections, 1);
    t.is(server.roundTrips, 1);
  },
);

onLinux(
  "questions that follow each other closely travel together, also over a connection that is there",
  async (t) => {
    const { server, pool } = await machine(t);
    const ask = (script: string) => pool.ask(server.host(), { script, doing: "reading" });
    await ask("echo connected");
    const first = ask("echo first");
    await new Promise((resolve) => setImmediate(resolve));
    t.deepEqual(await Promise.all([first, ask("echo second")]), ["first\n", "second\n"]);
    t.is(server.roundTrips, 2);
  },
);

onLinux(
  "questions that come while one is under way make the next round trip together",
  async (t) => {
    const { server, pool } = await machine(t, { delayMilliseconds: 10 });
    const ask = (script: string) => pool.ask(server.host(), { script, doing: "reading" });
    const first = ask("echo first");
    while (server.roundTrips === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const later = [ask("echo second"), ask("echo third")];
    t.deepEqual(await Promise.all([first, ...later]), ["first\n", "second\n", "third\n"]);
    t.is(server.roundTrips, 2);
  },
);

onLinux("one question's failure is its own: the others are answered", async (t) => {
  const { server, pool } = await machine(t);
  const ask = (script: string, doing: string) => pool.ask(server.host(), { script, doing });
  const [good, bad, empty, last] = await Promise.allSettled([
    ask("echo good; echo noise >&2", "reading good"),
    ask("echo half an answer; echo 'no such thing' >&2; exit 4", "reading bad"),
    ask(":", "reading nothing"),
    ask("cat; exec 5</dev/null; cd /; printf 'no newline'", "reading last"),
  ]);
  t.deepEqual(good, { status: "fulfilled", value: "good\n" });
  t.deepEqual(empty, { status: "fulfilled", value: "" });
  t.deepEqual(last, { status: "fulfilled", value: "no newline" });
  const reason: unknown = bad.status === "rejected" ? bad.reason : undefined;
  t.true(reason instanceof RemoteError);
  t.is(String(reason), "Error: web-01: reading bad: exit 4\nno such thing");
  t.is(server.roundTrips, 1);
});

onLinux("a question's failure shows no secret", async (t) => {
  const { server, pool } = await machine(t);
  const asked = {
    script: "echo 'bad: hunter2-planted' >&2; exit 1",
    doing: "reading",
    secrets: ["hunter2-planted"],
  };
  await t.throwsAsync(pool.ask(server.host(), asked), {
    message: "web-01: reading: exit 1\nbad: [secret]",
  });
});

test("all questions to a host that does not answer hear of it", async (t) => {
  const { server, pool } = await machine(t);
  // Nothing listens there; a port that was given back may be another test's soon.
  const host = server.host({ port: 1 });
  const asked = { script: "echo", doing: "reading" };
  const answers = await Promise.allSettled([1, 2, 3].map(() => pool.ask(host, asked)));
  for (const answer of answers) {
    t.true(answer.status === "rejected" && answer.reason instanceof HostUnreachable);
  }
});

test("two hosts have a connection each; the same host by another name or instance shares one", async (t) => {
  const { server: one, pool } = await machine(t);
  const { server: other } = await machine(t);
  const hosts = [one.host(), one.host({ name: "again", instance: "2" }), other.host()];
  const asked = { script: "echo", doing: "reading" };
  await Promise.all(hosts.map((host) => pool.ask(host, asked)));
  t.is(one.connections, 1);
  t.is(other.connections, 1);
});
