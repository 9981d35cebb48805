import type { ExecutionContext } from "ava";
import type { Properties } from "../../../../provider/kind";
import { applyReplication } from "../../../../provider/kinds/mysql-replication/apply";
import type { Replication } from "../../../../provider/kinds/mysql-replication/args";
import { diff } from "../../../../provider/kinds/mysql-replication/diff";
import { plan } from "../../../../provider/kinds/mysql-replication/plan";
import { readReplication } from "../../../../provider/kinds/mysql-replication/read";
import type { Task } from "../../../../provider/kinds/mysql-replication/steps";
import { MysqlHosts } from "../../../support/mysql-hosts";
import { cluster, memberInputs, names } from "../../../support/mysql-inputs";
import { onLinux } from "../../../support/on-linux";

/** A cluster that was made by `up`, and an application that writes to its primary. */
async function made(t: ExecutionContext, more: Properties = {}, size = 2) {
  const hosts = await fresh(t, size);
  const desired = cluster(more, size);
  await up(t, hosts, desired);
  return { hosts, desired };
}

async function fresh(t: ExecutionContext, size: number): Promise<MysqlHosts> {
  const addresses = names.slice(0, size).map((name, index) => [name, `10.0.0.${index + 1}`]);
  const hosts = await MysqlHosts.make(Object.fromEntries(addresses));
  t.teardown(() => hosts.remove());
  // However it is changed, no two members may take writes of applications at the same time.
  hosts.mysqlds.watch = (statement) => {
    const open = hosts.mysqlds.servers.filter(
      ({ isRunning, isOpen, data }) => isRunning && isOpen && data.schemas.has("trilithon"),
    );
    if (open.length < 2) return;
    hosts.faults.push(`${open.map(({ name }) => name)} take writes after ${statement}`);
  };
  return hosts;
}

/** Reads, plans and applies as the engine does; it fails where anything is left to do. */
async function up(
  t: ExecutionContext,
  hosts: MysqlHosts,
  desired: Replication,
  before = desired,
): Promise<string[]> {
  const live = await readReplication(before, hosts.context);
  const steps = plan(live, desired);
  const sentences = steps.map(({ sentence }) => sentence);
  hosts.progress.length = 0;
  await applyReplication(steps, live, desired, hosts.context);
  // The preview said it all.
  const done = hosts.progress.filter((one) => /^web-0\d: /.test(one));
  t.deepEqual(done, sentences);
  t.deepEqual(hosts.faults, []);
  return sentences;
}

async function isSettled(t: ExecutionContext, hosts: MysqlHosts, desired: Replication, after = "") {
  t.deepEqual(hosts.faults, [], after);
  const live = await readReplication(desired, hosts.context);
  t.deepEqual(live && diff(live, desired), [], `${after} ${JSON.stringify(live?.status)}`);
}

/** All restart, the primary last; it is opened by the unit beside it, which is not part of this test. */
async function restartAll(hosts: MysqlHosts, desired: Replication): Promise<void> {
  for (const server of hosts.mysqlds.servers) server.restart();
  if (Object.keys(desired.members).length > 1) {
    hosts.on(desired.primary).take("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
  }
  hosts.mysqlds.settle();
}

/** What was acknowledged is on the primary, and on every replica that follows. */
function isWhole(t: ExecutionContext, hosts: MysqlHosts, desired: Replication): void {
  for (const name of Object.keys(desired.members)) {
    const { entries } = hosts.on(name).data;
    const missing = hosts.mysqlds.acknowledged.filter((entry) => !entries.includes(entry));
    t.deepEqual(missing, [], name);
  }
}

for (const size of [1, 2, 3]) {
  onLinux(`${size} servers as installed become a cluster that outlives restarts`, async (t) => {
    const durability = size === 1 ? { carryOnAfterSeconds: 1 } : "wait-for-replica";
    const { hosts, desired } = await made(t, { durability }, size);
    for (const round of ["made", "restarted"]) {
      t.is(hosts.on("web-01").write(`${size} ${round}`), "acknowledged");
      isWhole(t, hosts, desired);
      for (const name of Object.keys(desired.members)) {
        t.is(hosts.on(name).isOpen, name === "web-01", `${name}, ${round}`);
        if (name !== "web-01") t.is(hosts.on(name).write("x"), "refused");
      }
      await restartAll(hosts, desired);
      await isSettled(t, hosts, desired);
    }
  });
}

onLinux("every start of a member that has replicas, or is one, is closed", async (t) => {
  const { hosts } = await made(t, {}, 3);
  for (const server of hosts.mysqlds.servers) {
    server.restart();
    t.false(server.isOpen, server.name);
  }
});

onLinux(
  "a write is acknowledged only once a replica has it, however long that takes",
  async (t) => {
    const { hosts, desired } = await made(t);
    hosts.on("web-02").stop();
    t.is(hosts.on("web-01").write("waits"), "waits");
    t.deepEqual(hosts.mysqlds.acknowledged, []);
    // The preview goes on meanwhile, and nothing of it is taken for a stray transaction.
    const live = await readReplication(desired, hosts.context);
    t.deepEqual(
      plan(live, desired).map(({ sentence }) => sentence),
      [
        "web-02: look again once mysqld answers (ERROR 2002 (HY000): Can't connect to local MySQL server)",
      ],
    );
    hosts.on("web-02").start();
    t.deepEqual(hosts.mysqlds.acknowledged, ["waits"]);
    isWhole(t, hosts, desired);
    await isSettled(t, hosts, desired);
  },
);

onLinux("with a time-out the primary carries on alone", async (t) => {
  const { hosts, desired } = await made(t, { durability: { carryOnAfterSeconds: 7 } });
  t.is(hosts.on("web-01").variables.get("rpl_semi_sync_source_timeout"), "7000");
  hosts.on("web-02").stop();
  t.is(hosts.on("web-01").write("alone"), "acknowledged");
  hosts.on("web-02").start();
  isWhole(t, hosts, desired);
});

/** What somebody does by hand, to each of which one `up` is the answer. */
const byHand: readonly (readonly [member: string, sql: string])[] = [
  ["web-01", "SET GLOBAL super_read_only = ON"],
  ["web-01", "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = ON"],
  ["web-01", "SET GLOBAL offline_mode = ON"],
  ["web-01", "SET PERSIST super_read_only = OFF"],
  ["web-01", "SET PERSIST read_only = OFF"],
  ["web-01", "SET GLOBAL rpl_semi_sync_source_enabled = OFF"],
  ["web-01", "SET PERSIST rpl_semi_sync_source_enabled = OFF"],
  ["web-01", "RESET PERSIST rpl_semi_sync_source_enabled"],
  ["web-01", "RESET PERSIST rpl_semi_sync_source_timeout"],
  ["web-01", "SET GLOBAL rpl_semi_sync_source_timeout = 1000"],
  ["web-01", "SET PERSIST rpl_semi_sync_source_timeout = 1000"],
  ["web-01", "SET PERSIST rpl_semi_sync_source_wait_no_replica = OFF"],
  ["web-01", "SET PERSIST rpl_semi_sync_source_wait_for_replica_count = 2"],
  ["web-01", "SET PERSIST rpl_semi_sync_source_wait_point = AFTER_COMMIT"],
  ["web-01", "ALTER USER 'replication'@'%' IDENTIFIED BY 'another'"],
  ["web-01", "ALTER USER 'replication'@'%' ACCOUNT LOCK"],
  ["web-01", "REVOKE BACKUP_ADMIN ON *.* FROM 'replication'@'%'"],
  ["web-01", "REVOKE REPLICATION SLAVE ON *.* FROM 'replication'@'%'"],
  ["web-01", "DROP USER 'replication'@'%'"],
  ["web-02", "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = ON"],
  ["web-02", "SET PERSIST super_read_only = OFF; SET GLOBAL super_read_only = ON"],
  ["web-02", "SET PERSIST read_only = OFF; SET GLOBAL super_read_only = ON"],
  ["web-02", "SET GLOBAL offline_mode = ON"],
  ["web-02", "STOP REPLICA"],
  ["web-02", "STOP REPLICA IO_THREAD"],
  ["web-02", "STOP REPLICA; RESET REPLICA ALL"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.0.0.3'; START REPLICA"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_PORT = 3307; START REPLICA"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_USER = 'app'; START REPLICA"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'OF replication'"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_SSL = 0; START REPLICA"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0; START REPLICA"],
  ["web-02", "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_RETRY_COUNT = 3; START REPLICA"],
  ["web-02", "SET GLOBAL rpl_semi_sync_replica_enabled = OFF"],
  ["web-02", "SET PERSIST rpl_semi_sync_replica_enabled = OFF"],
  ["web-02", "RESET PERSIST rpl_semi_sync_replica_enabled"],
  ["web-02", "SET GLOBAL rpl_semi_sync_source_enabled = ON"],
  ["web-02", "SET PERSIST rpl_semi_sync_source_enabled = ON"],
];

/** In parts, so that none takes long. */
for (let first = 0; first < byHand.length; first += 8) {
  onLinux(
    `what is done by hand is seen, and mended for good by one \`up\` (${first})`,
    async (t) => {
      const { hosts, desired } = await made(t);
      hosts.on("web-01").write("before");
      for (const [member, sql] of byHand.slice(first, first + 8)) {
        hosts.mysqlds.watch = undefined;
        t.is(hosts.on(member).take(sql).error, undefined, sql);
        const steps = await up(t, hosts, desired).catch((error: unknown) => {
          throw new Error(`${member}: ${sql}: ${error}`);
        });
        t.not(steps.length, 0, sql);
        t.false(steps.join().includes("CLONE"), sql);
        t.is(hosts.on("web-01").write(`after ${sql}`), "acknowledged");
        await restartAll(hosts, desired);
        await isSettled(t, hosts, desired, sql);
        t.is(hosts.on("web-01").write(`after ${sql} and a restart`), "acknowledged");
        isWhole(t, hosts, desired);
      }
    },
  );
}

onLinux("a receiver that connected without acknowledging connects anew (T12)", async (t) => {
  const { hosts, desired } = await made(t);
  hosts
    .on("web-02")
    .take(
      "SET GLOBAL rpl_semi_sync_replica_enabled = OFF; STOP REPLICA IO_THREAD; START REPLICA IO_THREAD; SET GLOBAL rpl_semi_sync_replica_enabled = ON",
    );
  t.is(hosts.on("web-01").write("waits"), "waits");
  t.deepEqual(await up(t, hosts, desired), [
    "web-02: tell the primary what it has received (semi-synchronous)",
  ]);
  t.deepEqual(hosts.mysqlds.acknowledged, ["waits"]);
});

onLinux(
  "an applier that failed is told with its error, and goes on once its cause is gone",
  async (t) => {
    const { hosts, desired } = await made(t);
    hosts.on("web-02").applierError = "Duplicate entry 'x'";
    t.is(hosts.on("web-01").write("not applied"), "acknowledged");
    const live = await readReplication(desired, hosts.context);
    t.deepEqual(live?.status["web-02"]?.replication, {
      state: "applier stopped",
      error: "error 1062: Duplicate entry 'x'",
    });
    t.deepEqual(await up(t, hosts, desired), [
      "web-02: follow web-01 (was: applier stopped: error 1062)",
    ]);
    isWhole(t, hosts, desired);
  },
);

onLinux(
  "a replica that cannot be made to follow fails the change, with what MySQL says",
  async (t) => {
    const { hosts, desired } = await made(t);
    hosts.on("web-02").take("STOP REPLICA");
    // Every start of the applier fails again.
    hosts.before = (server) => {
      if (server.name === "web-02") server.applierError = "Duplicate entry 'x'";
      if (server.name === "web-02") server.isApplying = false;
    };
    hosts.on("web-01").write("not applied");
    const error = await t.throwsAsync(up(t, hosts, desired));
    t.regex(error.message, /replication stopped; naming it in discardDataOn fills it anew instead/);
    t.regex(error.message, /Duplicate entry 'x'/);
  },
);

for (const size of [2, 3]) {
  onLinux(`a planned switch of ${size} members loses nothing`, async (t) => {
    const { hosts, desired: before } = await made(t, {}, size);
    const desired = cluster({ primary: "web-02" }, size);
    let writes = 0;
    hosts.before = () => {
      for (const { name } of hosts.mysqlds.servers) {
        writes += 1;
        hosts.on(name).write(`entry ${writes}`);
      }
    };
    await up(t, hosts, desired, before);
    hosts.before = undefined;
    t.is(hosts.on("web-02").write("after"), "acknowledged");
    t.is(hosts.on("web-01").write("x"), "refused");
    isWhole(t, hosts, desired);
    await restartAll(hosts, desired);
    await isSettled(t, hosts, desired);
    t.is(hosts.on("web-02").write("after a restart"), "acknowledged");
    // And back.
    await up(t, hosts, before, desired);
    isWhole(t, hosts, desired);
  });
}

onLinux("a switch that the new primary cannot follow is taken back", async (t) => {
  const { hosts, desired: before } = await made(t);
  const desired = cluster({ primary: "web-02" });
  // From the moment in which the old primary is closed, the new one gets no more.
  hosts.before = (server, sql) => {
    if (server.name !== "web-01" || !sql.includes("super_read_only = ON")) return;
    hosts.on("web-02").isCutOff = true;
    server.write("the last");
  };
  hosts.on("web-01").take("SET GLOBAL rpl_semi_sync_source_enabled = OFF");
  const live = await readReplication(before, hosts.context);
  const error = await t.throwsAsync(
    applyReplication(
      [
        {
          action: "hand over",
          sentence: "x",
          task: { do: "hand over", member: "web-01", to: "web-02" },
        },
      ],
      live,
      desired,
      hosts.context,
    ),
  );
  t.regex(
    error.message,
    /lacked transactions of web-01 after 30 seconds; web-01 stays the primary/,
  );
  t.true(hosts.on("web-01").isOpen);
  t.not(hosts.on("web-02").source, undefined);
});

onLinux(
  "a dead primary is replaced by a replica that first applies what it received",
  async (t) => {
    const { hosts, desired: before } = await made(t, {}, 3);
    // Received and acknowledged, but not applied yet.
    for (const name of ["web-02", "web-03"]) hosts.on(name).isApplying = false;
    t.is(hosts.on("web-01").write("received"), "acknowledged");
    hosts.on("web-01").stop();
    const members = { "web-02": memberInputs("web-02", 2), "web-03": memberInputs("web-03", 3) };
    const desired = cluster({ primary: "web-02", members });
    for (const name of ["web-02", "web-03"]) hosts.on(name).isReceiving = true;
    hosts.on("web-03").isApplying = true;
    await up(t, hosts, desired, before);
    t.is(hosts.on("web-02").write("after"), "acknowledged");
    isWhole(t, hosts, desired);
    t.is(hosts.on("web-02").source, undefined);
  },
);

onLinux("a former primary stays closed, and is filled anew when it is named (T10)", async (t) => {
  const { hosts, desired: before } = await made(t);
  hosts.on("web-01").write("before");
  hosts.on("web-02").stop();
  t.is(hosts.on("web-01").write("of its own"), "waits");
  hosts.on("web-01").stop();
  hosts.on("web-02").start();
  const alone = cluster({
    primary: "web-02",
    durability: { carryOnAfterSeconds: 1 },
    members: { "web-02": memberInputs("web-02", 2) },
  });
  await up(t, hosts, alone, before);
  hosts.on("web-02").write("of the new primary");

  hosts.on("web-01").start();
  t.is(hosts.on("web-01").write("x"), "refused");
  // Somebody opens it: a commit of its own waits for ever.
  hosts.mysqlds.watch = undefined;
  hosts.on("web-01").take("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
  t.is(hosts.on("web-01").write("given up"), "waits");
  const desired = cluster({ primary: "web-02" });
  await t.throwsAsync(up(t, hosts, desired, desired), {
    message: /transactions? that web-02 lacks/,
  });

  await up(t, hosts, cluster({ primary: "web-02", discardDataOn: ["web-01"] }), desired);
  await isSettled(t, hosts, desired);
  t.false(hosts.mysqlds.acknowledged.includes("given up"), "nobody was told that it is written");
  t.is(hosts.on("web-02").write("after"), "acknowledged");
  isWhole(t, hosts, desired);
});

onLinux(
  "a replica that is empty is filled, and the primary takes writes again afterwards",
  async (t) => {
    const { hosts, desired } = await made(t);
    hosts.on("web-01").write("before");
    const empty = hosts.on("web-02");
    empty.take("STOP REPLICA; RESET REPLICA ALL");
    empty.data = { schemas: new Map(), users: new Map(), definers: [], entries: [] };
    empty.executed.clear();
    empty.log.length = 0;
    empty.persisted.clear();
    empty.restart();
    t.is(hosts.on("web-01").write("waits"), "waits");
    await up(t, hosts, desired);
    t.is(hosts.on("web-01").write("after"), "acknowledged");
    isWhole(t, hosts, desired);
    t.false(hosts.mysqlds.acknowledged.includes("waits"), "it was cut off before it was let go");
  },
);

onLinux("data that came to a member after the plan is not replaced by a CLONE", async (t) => {
  const { hosts } = await made(t);
  const empty = hosts.on("web-02");
  empty.take("STOP REPLICA; RESET REPLICA ALL");
  empty.data.schemas.clear();
  empty.data.schemas.set("shop", new Map());
  const task = { do: "fill", member: "web-02", from: "web-01", discards: "nothing" } as const;
  const error = await t.throwsAsync(carryOut(hosts, task));
  t.regex(error.message, /it holds databases by now: refused to replace them/);
  t.deepEqual([...empty.data.schemas.keys()], ["shop"]);
});

onLinux("a CLONE that is refused leaves the member closed, and says why", async (t) => {
  const { hosts } = await made(t);
  hosts.on("web-01").take("REVOKE BACKUP_ADMIN ON *.* FROM 'replication'@'%'");
  const task = { do: "fill", member: "web-02", from: "web-01", discards: "its data" } as const;
  const error = await t.throwsAsync(carryOut(hosts, task));
  t.regex(error.message, /ERROR 3862 .*Clone Donor Error/);
  t.is(hosts.on("web-02").variables.get("super_read_only"), "ON");
});

onLinux(
  "a member that is taken out stops following, stays closed and keeps its data",
  async (t) => {
    const { hosts, desired: before } = await made(t, {}, 3);
    hosts.on("web-01").write("before");
    await up(t, hosts, cluster(), before);
    const gone = hosts.on("web-03");
    t.is(gone.source, undefined);
    t.deepEqual(gone.data.entries, ["before"]);
    gone.restart();
    t.false(gone.isOpen);
    for (const side of ["source", "replica"]) {
      t.is(gone.persisted.get(`rpl_semi_sync_${side}_enabled`), "OFF");
    }
    t.is(hosts.on("web-01").write("after"), "acknowledged");
  },
);

onLinux("a primary that is alone from now on no longer waits for a replica", async (t) => {
  const { hosts, desired: before } = await made(t);
  const desired = cluster({ durability: { carryOnAfterSeconds: 1 } }, 1);
  await up(t, hosts, desired, before);
  t.is(hosts.on("web-01").write("alone"), "acknowledged");
  hosts.on("web-01").restart();
  t.is(hosts.on("web-01").write("opened by itself"), "acknowledged");
});

/** Steps by themselves, whatever the plan would say; then all that it says. */
async function carryOut(hosts: MysqlHosts, ...tasks: readonly Task[]): Promise<void> {
  const desired = cluster();
  const live = await readReplication(desired, hosts.context);
  const steps = tasks.map((task) => ({ action: task.do, sentence: "a step", task }));
  await applyReplication(steps, live, desired, hosts.context);
}

onLinux("a mysqld that is away is waited for, and so is a CLONE that is under way", async (t) => {
  const { hosts, desired } = await made(t);
  const replica = hosts.on("web-02");
  replica.stop();
  let sleeps = 0;
  hosts.onSleep = () => {
    sleeps += 1;
    if (sleeps === 5) {
      replica.start();
      replica.otherProcesses = ["CLONE INSTANCE FROM x"];
    }
    // Longer than a mysqld that is silent is waited for.
    if (sleeps === 100) replica.otherProcesses = [];
  };
  await up(t, hosts, desired);
  t.is(sleeps, 100);
  t.true(hosts.progress.includes("a CLONE is under way"));
});

onLinux("a mysqld that stays away fails the change", async (t) => {
  const { hosts, desired } = await made(t);
  hosts.on("web-02").stop();
  const error = await t.throwsAsync(up(t, hosts, desired));
  t.regex(error.message, /mysqld did not answer within 60 seconds/);
});

onLinux(
  "the progress of a CLONE is told, and a mysqld that does not come up is started",
  async (t) => {
    const { hosts, desired } = await made(t);
    const task = { do: "fill", member: "web-02", from: "web-01", discards: "its data" } as const;
    const follow = { do: "follow", member: "web-02", source: "web-01" } as const;
    const replica = hosts.on("web-02");
    replica.cloneEnds = "stopped";
    const live = await readReplication(desired, hosts.context);
    const steps = [task, follow].map((one) => ({ action: one.do, sentence: "a step", task: one }));
    await applyReplication(steps, live, desired, hosts.context);
    t.true(replica.isRunning);
    t.true(hosts.progress.includes("CLONE 25 % of 4 MB"), hosts.progress.join());
    t.true(hosts.progress.includes("mysqld starts with what it was sent"));
    await isSettled(t, hosts, desired);
  },
);

onLinux("a mysqld that comes up without what it was sent fails the change", async (t) => {
  const { hosts } = await made(t);
  hosts.on("web-02").cloneEnds = "without data";
  const task = { do: "fill", member: "web-02", from: "web-01", discards: "its data" } as const;
  const error = await t.throwsAsync(carryOut(hosts, task));
  t.regex(error.message, /came up without the data, or not at all; the next up fills it again/);
});

onLinux("a replica is waited for until it is connected and has caught up", async (t) => {
  const { hosts } = await made(t);
  const [source, replica] = [hosts.on("web-01"), hosts.on("web-02")];
  replica.take("STOP REPLICA");
  source.take("SET GLOBAL rpl_semi_sync_source_enabled = OFF");
  source.write("not there yet");
  source.take("SET GLOBAL rpl_semi_sync_source_enabled = ON");
  replica.lag = 4;
  source.isCutOff = true;
  let sleeps = 0;
  hosts.onSleep = () => {
    sleeps += 1;
    if (sleeps === 3) source.isCutOff = false;
  };
  replica.taken.length = 0;
  await carryOut(hosts, { do: "follow", member: "web-02", source: "web-01" });
  t.is(sleeps, 3);
  const waits = replica.taken.filter((one) => one.includes("WAIT_FOR_EXECUTED_GTID_SET"));
  t.is(waits.length, 4);
  t.true(hosts.progress.includes("catching up with the primary"));
  t.deepEqual(replica.data.entries, ["not there yet"]);
});

onLinux(
  "a primary that cannot be reached fails the change, with the receiver's error",
  async (t) => {
    const { hosts } = await made(t);
    hosts.on("web-02").take("STOP REPLICA");
    hosts.before = (server) => {
      if (server.name === "web-02") hosts.on("web-01").isCutOff = true;
    };
    const task = { do: "follow", member: "web-02", source: "web-01" } as const;
    const error = await t.throwsAsync(carryOut(hosts, task));
    t.regex(error.message, /not connected to the primary \(receiver and applier: CONNECTING ON\)/);
    t.regex(error.message, /Error connecting to source/);
    const live = await readReplication(cluster(), hosts.context);
    t.deepEqual(live?.status["web-02"]?.replication, {
      state: "not connected",
      error: "error 2003: no way",
    });
  },
);

onLinux("a member that follows nobody is promoted as it is", async (t) => {
  const { hosts } = await made(t);
  const server = hosts.on("web-01");
  server.taken.length = 0;
  await carryOut(hosts, { do: "promote", member: "web-01" });
  t.false(server.taken.some((one) => /REPLICA/.test(one)));
});

onLinux("a promoted member applies all that it received, however long that takes", async (t) => {
  const { hosts } = await made(t);
  const replica = hosts.on("web-02");
  replica.lag = 100;
  t.is(hosts.on("web-01").write("received"), "acknowledged");
  hosts.on("web-01").stop();
  const alone = cluster({
    primary: "web-02",
    durability: { carryOnAfterSeconds: 1 },
    members: { "web-02": memberInputs("web-02", 2) },
  });
  await up(t, hosts, alone, cluster());
  t.deepEqual(replica.data.entries, ["received"]);
});

onLinux("the old primary is closed only once the new one is close behind", async (t) => {
  const { hosts, desired } = await made(t);
  const next = hosts.on("web-02");
  next.lag = 4;
  hosts.on("web-01").write("not applied yet");
  let lagAtClosing: number | undefined;
  hosts.before = (server, sql) => {
    if (server.name === "web-01" && sql.includes("super_read_only = ON")) lagAtClosing ??= next.lag;
  };
  await up(t, hosts, cluster({ primary: "web-02" }), desired);
  t.is(lagAtClosing, 0);
});

onLinux(
  "data that is there already is kept, also where its server waited for replicas",
  async (t) => {
    const hosts = await fresh(t, 2);
    const server = hosts.on("web-01");
    server.take(
      "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF; CREATE DATABASE shop",
    );
    server.take("SET PERSIST rpl_semi_sync_source_timeout = 4294967295");
    server.take("SET PERSIST rpl_semi_sync_source_enabled = ON");
    const sentences = await up(t, hosts, cluster());
    t.is(sentences[0], "web-01: make it the primary of cluster guestbook, keeping its databases");
    t.true(hosts.on("web-02").data.schemas.has("shop"));
  },
);

onLinux("a closed primary without its replication account is mended", async (t) => {
  const { hosts, desired } = await made(t);
  hosts.mysqlds.watch = undefined;
  hosts.on("web-01").take("DROP USER 'replication'@'%'");
  hosts.on("web-01").restart();
  await up(t, hosts, desired);
  t.is(hosts.on("web-01").write("after"), "acknowledged");
});

onLinux("all members have the account, so that any can be followed", async (t) => {
  const { hosts, desired } = await made(t);
  for (const user of hosts.mysqlds.servers.map(({ data }) => data.users.get("'replication'@'%'"))) {
    t.true(user?.needsTls);
  }
  hosts.on("web-01").take("ALTER USER 'replication'@'%' IDENTIFIED BY 'another'");
  await up(t, hosts, desired);
  await up(t, hosts, cluster({ primary: "web-02" }), desired);
});

onLinux(
  "its accounts of addresses take the place of one from anywhere, and of an address that is left",
  async (t) => {
    const { hosts, desired } = await made(t, {}, 3);
    const account = { name: "replication", password: "of replication" };
    const hostsOf = () =>
      hosts.mysqlds.servers.map(({ data }) =>
        [...data.users.keys()].map((key) => key.split("@")[1]).sort(),
      );
    const all = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const replicationAccount = { ...account, from: all };
    const sentences = await up(t, hosts, cluster({ replicationAccount }, 3), desired);
    t.deepEqual(sentences, [
      "web-01: have the replication account replication let members in from 10.0.0.1, 10.0.0.2, 10.0.0.3, let nobody in from % any more",
    ]);
    const quoted = all.map((one) => `'${one}'`);
    t.deepEqual(hostsOf(), [quoted, quoted, quoted]);
    await isSettled(t, hosts, cluster({ replicationAccount }, 3));
    const fewer = cluster({ replicationAccount: { ...account, from: all.slice(0, 2) } });
    await up(t, hosts, fewer, cluster({ replicationAccount }, 3));
    t.deepEqual(hostsOf().slice(0, 2), [quoted.slice(0, 2), quoted.slice(0, 2)]);
    t.is(hosts.on("web-01").write("after"), "acknowledged");
  },
);

for (const end of ["to its end", "killed in the middle"]) {
  onLinux(`another replication password comes, ${end}, while one is good for all`, async (t) => {
    const { hosts, desired } = await made(t, {}, 3);
    const replicationAccount = { name: "replication", password: "another one" };
    const rotated = cluster({ replicationAccount }, 3);
    const lockedOut: string[] = [];
    hosts.before = (_, statement) => {
      for (const { source, address, name } of hosts.mysqlds.servers.slice(1)) {
        const { error } = hosts.on("web-01").login("replication", source?.password ?? "", address);
        if (error !== undefined) lockedOut.push(`${name} before ${statement}`);
      }
    };
    const isKilled = end !== "to its end";
    if (isKilled) {
      const progress = (said: string) => {
        if (said.startsWith("web-03: follow")) throw new Error("killed");
      };
      const live = await readReplication(rotated, hosts.context);
      const context = { ...hosts.context, progress };
      const killed = applyReplication(plan(live, rotated), live, rotated, context);
      await t.throwsAsync(killed, { message: "killed" });
    }
    for (const { taken } of hosts.mysqlds.servers) taken.length = 0;
    const sentences = await up(t, hosts, rotated);
    // What was received, and not applied yet, would be gone.
    const { taken } = hosts.on("web-03");
    t.true(taken.includes("STOP REPLICA IO_THREAD") && !taken.includes("STOP REPLICA"));
    t.regex(sentences[0] ?? "", isKilled ? /end the former password/ : /set the password of/);
    t.deepEqual(lockedOut, []);
    t.is(hosts.on("web-01").write("after"), "acknowledged");
    const former = desired.replicationAccount.password;
    for (const server of hosts.mysqlds.servers) {
      t.truthy(server.login("replication", former, "10.0.0.9").error);
      t.is(server.login("replication", "another one", "10.0.0.9").error, undefined);
    }
    await isSettled(t, hosts, rotated);
  });
}

onLinux("no write is let through while a replica is filled", async (t) => {
  const { hosts, desired } = await made(t);
  const primary = hosts.on("web-01");
  const outcomes = new Set<string>();
  hosts.before = (_, sql) => {
    if (/clone_progress|CLONE INSTANCE FROM/.test(sql)) outcomes.add(primary.write("an entry"));
  };
  hosts.on("web-02").take("STOP REPLICA");
  const offline: (string | undefined)[] = [];
  hosts.onSleep = () => offline.push(primary.variables.get("offline_mode"));
  await carryOut(
    hosts,
    { do: "pause", member: "web-01" },
    { do: "fill", member: "web-02", from: "web-01", discards: "its data" },
    { do: "follow", member: "web-02", source: "web-01" },
    { do: "open", member: "web-01" },
  );
  t.deepEqual([...outcomes], ["refused"]);
  t.false(offline.includes("ON"), "whoever reads is let in");
  await isSettled(t, hosts, desired);
});

onLinux("a replica asks again within a second, however long the primary is away", async (t) => {
  const { hosts } = await made(t);
  t.like(hosts.on("web-02").source, { connectRetry: 1, retryCount: 0, heartbeat: 2 });
});

onLinux("a plugin that is turned off, and two servers that are alike, are told", async (t) => {
  const { hosts, desired } = await made(t);
  hosts.on("web-02").disabledPlugin = "clone";
  const live = await readReplication(desired, hosts.context);
  t.deepEqual(live?.status["web-02"]?.mysqld, { state: "without plugins", plugins: "clone" });
});

onLinux(
  "an applier's error is told, whichever of its threads has it, and no other channel's",
  async (t) => {
    const { hosts, desired } = await made(t);
    const replica = hosts.on("web-02");
    replica.applierError = "x";
    for (const thread of ["worker", "coordinator"] as const) {
      replica.applierFailsIn = thread;
      const live = await readReplication(desired, hosts.context);
      t.deepEqual(live?.status["web-02"]?.replication, {
        state: "applier stopped",
        error: "error 1062: x",
      });
    }
  },
);

onLinux(
  "a replica whose own commit waits for an acknowledgement is closed all the same",
  async (t) => {
    const { hosts, desired } = await made(t);
    hosts.mysqlds.watch = undefined;
    const replica = hosts.on("web-02");
    replica.take("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
    replica.take(
      "SET GLOBAL rpl_semi_sync_source_timeout = 4294967295; SET GLOBAL rpl_semi_sync_source_enabled = ON",
    );
    t.is(replica.write("stray"), "waits");
    // Only then it is seen that it has what the primary lacks.
    await t.throwsAsync(up(t, hosts, desired), { message: /1 transaction that web-01 lacks/ });
    t.false(replica.isOpen);
    t.is(replica.variables.get("offline_mode"), "OFF");
    t.deepEqual(hosts.mysqlds.acknowledged, []);
  },
);

onLinux("a primary that leaves hands its role over, and waits for nobody any more", async (t) => {
  const { hosts, desired: before } = await made(t, {}, 3);
  const members = { "web-02": memberInputs("web-02", 2), "web-03": memberInputs("web-03", 3) };
  await up(t, hosts, cluster({ primary: "web-02", members }), before);
  const gone = hosts.on("web-01");
  gone.restart();
  t.false(gone.isOpen);
  t.is(gone.variables.get("rpl_semi_sync_source_enabled"), "OFF");
  t.is(hosts.on("web-02").write("after"), "acknowledged");
});

onLinux("the password of a receiver is compared as it is, upper and lower case", async (t) => {
  const { hosts, desired } = await made(t);
  const { source } = hosts.on("web-02");
  if (source === undefined) return t.fail();
  source.password = "OF replication";
  const live = await readReplication(desired, hosts.context);
  t.deepEqual(live?.status["web-02"]?.replication, { state: "other settings", of: "password" });
  await up(t, hosts, desired);
});

onLinux(
  "a replica verifies the primary once there is an authority, and again when that is undone",
  async (t) => {
    const { hosts, desired } = await made(t);
    t.like(hosts.on("web-02").source, { ssl: "1", verifies: "0" });
    const authority = "/etc/mysql/authority.pem";
    const verified = cluster({ authority });
    const live = await readReplication(desired, hosts.context);
    t.deepEqual(live && diff(live, verified).map(({ path }) => path.join(".")), [
      "status.web-02.replication.authority",
    ]);
    const follows = "web-02: follow web-01 (was: without verifying its certificate)";
    t.deepEqual(await up(t, hosts, verified, desired), [follows]);
    t.like(hosts.on("web-02").source, { authority, verifies: "1" });
    t.is(hosts.on("web-01").write("verified"), "acknowledged");
    isWhole(t, hosts, verified);
    await isSettled(t, hosts, verified);
    for (const change of [{ verifies: "0" }, { authority: "/etc/another.pem" }]) {
      const { source } = hosts.on("web-02");
      if (source === undefined) return t.fail();
      Object.assign(source, change);
      t.deepEqual(await up(t, hosts, verified), [follows]);
    }
    // A switch leaves the other one verifying.
    const switched = cluster({ authority, primary: "web-02" });
    await up(t, hosts, switched, verified);
    t.like(hosts.on("web-01").source, { authority, verifies: "1" });
  },
);

onLinux("a receiver that is not encrypted, or would give up, is told as such", async (t) => {
  const { hosts, desired } = await made(t);
  for (const change of [{ ssl: "0" }, { retryCount: 9 }, { autoPosition: "0" }]) {
    const { source } = hosts.on("web-02");
    if (source === undefined) return t.fail();
    Object.assign(source, change);
    const live = await readReplication(desired, hosts.context);
    const of = "connection";
    t.deepEqual(live?.status["web-02"]?.replication, { state: "other settings", of });
    await up(t, hosts, desired);
  }
});
