/** Real sshd, bash, sudo and systemd: logins that print, connections that are dropped, what hangs. */

import anyTest, { type TestFn } from "ava";
import { AccessDenied, ReadTimedOut, RemoteError } from "../../provider/errors";
import type { Host } from "../../provider/kind";
import { Pool } from "../../provider/ssh/pool";
import { imageNames } from "../../scripts/setup/base-image";
import { removeLabelled } from "../../scripts/setup/labelled";
import { must } from "../../scripts/setup/run";
import { startMachines } from "../end-to-end/support/machines";

const test = anyTest as TestFn<{ hosts: readonly Host[] }>;
const stack = "talking";

test.before(async (t) => {
  await removeLabelled(stack);
  const { hosts, privateKey } = await startMachines(stack, "172.31.110.0/24", [
    { name: "old-01", address: "172.31.110.11", roles: [], image: imageNames.bookworm },
    { name: "new-01", address: "172.31.110.12", roles: [], user: "jane.doe" },
  ]);
  t.context.hosts = hosts.map((host) => {
    const { name, sshAddress, port, user, hostKey } = host as unknown as Record<string, string>;
    return { name, address: sshAddress, port: Number(port), user, hostKey, privateKey } as Host;
  });
});

test.after.always(() => removeLabelled(stack));

function on({ name }: Host, script: string): Promise<string> {
  return must(name, "docker", ["exec", `trilithon-${stack}-${name}`, "sh", "-ec", script]);
}

function homeOf({ user }: Host): string {
  return user === "root" ? "/root" : `/home/${user}`;
}

async function withPool<T>(work: (pool: Pool) => Promise<T>, readSeconds = 30): Promise<T> {
  const pool = new Pool({ readSeconds });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

test.serial("what a login prints is in no answer and in no error", async (t) => {
  for (const host of t.context.hosts) {
    const noise =
      "echo Welcome; echo setlocale: LC_ALL >&2; printf 'no end of line'; (sleep 0.2; echo late) &";
    await on(
      host,
      `f=${homeOf(host)}/.bashrc; touch $f; printf '%s\\n' "${noise}" | cat - $f >/tmp/f; cat /tmp/f >$f`,
    );
    await withPool(async (pool) => {
      const read = (script: string) => pool.ask(host, { script, doing: "reading" });
      t.deepEqual(await Promise.all([read("echo one"), read("id -u"), read("seq 3")]), [
        "one\n",
        "0\n",
        "1\n2\n3\n",
      ]);
      await t.throwsAsync(read("sleep 0.5; echo 'own words' >&2; exit 3"), {
        instanceOf: RemoteError,
        message: `${host.name}: reading: exit 3\nown words`,
      });
      const input = Buffer.from("sent");
      t.is(await pool.run(host, { script: "cat; sleep 0.5", doing: "trying", input }), "sent");
    });
  }
});

test.serial(
  "sudo's own complaints are not taken for a refusal, and its refusal is told",
  async (t) => {
    const host = t.context.hosts.find(({ user }) => user !== "root");
    if (host === undefined) return t.fail();
    await on(
      host,
      "sed -i '/new-01/d' /etc/hosts 2>/dev/null || sed '/new-01/d' /etc/hosts >/tmp/h && cat /tmp/h >/etc/hosts; hostname unresolvable-host",
    );
    await withPool(async (pool) => {
      await t.throwsAsync(
        pool.run(host, { script: "echo 'check failed' >&2; exit 1", doing: "trying" }),
        {
          instanceOf: RemoteError,
          message: "new-01: trying: exit 1\ncheck failed",
        },
      );
    });
    await on(host, "mv /etc/sudoers.d/tests /tmp/tests.sudoers");
    await withPool((pool) =>
      t.throwsAsync(pool.ask(host, { script: "echo", doing: "reading" }), {
        instanceOf: AccessDenied,
        message: /^new-01: jane\.doe may not use sudo without a password: /,
      }),
    );
    await on(host, "mv /tmp/tests.sudoers /etc/sudoers.d/tests");
  },
);

test.serial(
  "connections that sshd drops, and an sshd that restarts, are dialled again",
  async (t) => {
    for (const host of t.context.hosts) {
      await on(
        host,
        "mkdir -p /etc/ssh/sshd_config.d; echo 'MaxStartups 1:70:2' >/etc/ssh/sshd_config.d/00-few.conf; systemctl restart ssh",
      );
      // Each pool dials by itself, all at the same time.
      const answers = Array.from({ length: 6 }, () =>
        withPool((pool) => pool.ask(host, { script: "echo well", doing: "reading" })),
      );
      t.deepEqual(new Set(await Promise.all(answers)), new Set(["well\n"]));
      await on(host, "rm /etc/ssh/sshd_config.d/00-few.conf; systemctl restart ssh");
      const restart = on(host, "systemctl stop ssh; sleep 1; systemctl start ssh");
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.is(
        await withPool((pool) => pool.ask(host, { script: "echo again", doing: "reading" })),
        "again\n",
      );
      await restart;
    }
  },
);

test.serial("a daemon that hangs costs only the read that asks it", async (t) => {
  for (const host of t.context.hosts) {
    await withPool(async (pool) => {
      const read = (script: string) => pool.ask(host, { script, doing: "reading it" });
      const [first, hung, last] = await Promise.allSettled([
        read("echo first"),
        read("sh -c 'kill -STOP $$'"),
        read("echo last"),
      ]);
      t.deepEqual(first, { status: "fulfilled", value: "first\n" });
      t.deepEqual(last, { status: "fulfilled", value: "last\n" });
      t.true(hung.status === "rejected" && hung.reason instanceof ReadTimedOut);
    }, 2);
    t.is((await on(host, "pgrep -f '[k]ill -STOP' || echo none")).trim(), "none");
  }
});
