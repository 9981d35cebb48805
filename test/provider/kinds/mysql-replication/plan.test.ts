import test from "ava";
import type { Properties } from "../../../../provider/kind";
import type { Facts, Source } from "../../../../provider/kinds/mysql/probe";
import type { Replication } from "../../../../provider/kinds/mysql-replication/args";
import { diff } from "../../../../provider/kinds/mysql-replication/diff";
import { plan } from "../../../../provider/kinds/mysql-replication/plan";
import { observe } from "../../../../provider/kinds/mysql-replication/read";
import { unknown } from "../../../../provider/protocol/values";
import { cluster, memberInputs } from "../../../support/mysql-inputs";
import { carryOut, freshServer, running, type Servers } from "../../../support/mysql-model";

const fresh: Servers = { "web-01": freshServer("web-01"), "web-02": freshServer("web-02") };
const healthy = settled(fresh);

/** A cluster after everything was done to it that its plan says. */
function settled(servers: Servers, more: Properties = {}): Servers {
  const args = cluster(more, Object.keys(servers).length);
  const steps = plan(observe(servers, args), args);
  return steps.reduce((state, { task }) => carryOut(state, task, args), servers);
}

function changed(name: string, change: (facts: Facts) => Partial<Facts>, servers = healthy) {
  const server = running(servers, name);
  return { ...servers, [name]: { ...server, facts: { ...server.facts, ...change(server.facts) } } };
}

function withSource(change: Partial<Source>): Servers {
  return changed("web-02", ({ source }) => ({ source: source && { ...source, ...change } }));
}

const notAcknowledging = changed("web-02", ({ status }) => ({
  status: { ...status, rpl_semi_sync_replica_status: "OFF" },
}));
const withTransaction = changed("web-02", () => ({ gtidExecuted: "00000002:1" }));
const unowned = { cluster: null, schemas: ["shop"], source: null, gtidExecuted: "00000002:1-7" };
const stray = changed("web-02", () => ({ superReadOnly: 0, readOnly: 0, source: null }));

interface Case {
  readonly name: string;
  readonly live: Servers;
  readonly wanted?: Properties;
  readonly sentences: readonly string[];
}

const cases: readonly Case[] = [
  { name: "a healthy cluster is left alone", live: healthy, sentences: [] },
  {
    name: "servers as installed become a cluster",
    live: fresh,
    sentences: [
      "web-01: make it the primary of cluster guestbook",
      "web-01: create the replication account replication (BACKUP_ADMIN, REPLICATION SLAVE)",
      "web-02: tell the primary what it has received (semi-synchronous)",
      "web-02: fill from web-01 by CLONE (it has no data)",
      "web-02: follow web-01",
      "web-01: acknowledge a write only once a replica has it",
      "web-01: open for writes (super_read_only off)",
    ],
  },
  {
    name: "a member on which MySQL is yet to be installed is planned for as the new one that it will be",
    live: { ...healthy, "web-02": { mysqld: "absent", isEmpty: true } },
    sentences: [
      "web-02: tell the primary what it has received (semi-synchronous)",
      "web-01: refuse writes while web-02 is filled, since no replica is left to acknowledge them",
      "web-02: fill from web-01 by CLONE (it has no data)",
      "web-02: follow web-01",
      "web-01: open for writes again",
    ],
  },
  {
    name: "a mysqld that was taken away may have left its data",
    live: { ...healthy, "web-02": { mysqld: "absent" } },
    sentences: ["web-02: look again once mysqld answers"],
  },
  {
    name: "a replica that stopped follows again",
    live: withSource({ receiver: "OFF", applier: "OFF" }),
    sentences: ["web-02: follow web-01 (was: stopped)"],
  },
  {
    name: "an error is told by its number alone",
    live: withSource({ applier: "OFF", applierError: "error 1062: Duplicate entry 'x'" }),
    sentences: ["web-02: follow web-01 (was: applier stopped: error 1062)"],
  },
  {
    name: "a replica that takes writes is closed",
    live: changed("web-02", () => ({ superReadOnly: 0 })),
    sentences: ["web-02: close for writes (super_read_only on)"],
  },
  {
    name: "a primary that is closed is opened",
    live: changed("web-01", () => ({ superReadOnly: 1 })),
    sentences: ["web-01: open for writes (super_read_only off)"],
  },
  {
    name: "another primary in the settings is a planned switch",
    live: healthy,
    wanted: { primary: "web-02" },
    sentences: [
      "web-01: hand the role of the primary over to web-02 (writes are refused for about a second; taken back when web-02 cannot catch up within 30 s)",
      "web-01: follow web-02",
      "web-02: acknowledge a write only once a replica has it",
      "web-02: open for writes (super_read_only off)",
      "web-01: tell the primary what it has received (semi-synchronous)",
    ],
  },
  {
    name: "a replica follows before the role is handed over to it",
    live: withSource({ receiver: "OFF", applier: "OFF" }),
    wanted: { primary: "web-02" },
    sentences: [
      "web-02: follow web-01 (was: stopped)",
      "web-01: hand the role of the primary over to web-02 (writes are refused for about a second; taken back when web-02 cannot catch up within 30 s)",
      "web-01: follow web-02",
      "web-02: acknowledge a write only once a replica has it",
      "web-02: open for writes (super_read_only off)",
      "web-01: tell the primary what it has received (semi-synchronous)",
    ],
  },
  {
    name: "a switch away from a primary that is silent and still listed is refused",
    live: { ...healthy, "web-01": { mysqld: "silent", reason: "ERROR 2002" } },
    wanted: { primary: "web-02" },
    sentences: [
      "web-02: refuse, since the primary web-01 does not answer, and may hold what no other member has",
    ],
  },
  {
    name: "a primary that would open by itself at its next start is told",
    live: changed("web-01", ({ persisted }) => ({
      persisted: { ...persisted, super_read_only: "OFF", read_only: "OFF" },
    })),
    sentences: ["web-01: open for writes (super_read_only off)"],
  },
  {
    name: "a replica that is told to acknowledge, and does not, connects anew",
    live: notAcknowledging,
    sentences: ["web-02: tell the primary what it has received (semi-synchronous)"],
  },
  {
    name: "a replica that was installed anew is filled while the primary is closed",
    live: { ...healthy, "web-02": freshServer("web-02") },
    sentences: [
      "web-02: tell the primary what it has received (semi-synchronous)",
      "web-01: refuse writes while web-02 is filled, since no replica is left to acknowledge them",
      "web-02: fill from web-01 by CLONE (it has no data)",
      "web-02: follow web-01",
      "web-01: open for writes again",
    ],
  },
  {
    name: "a primary that carries on alone is not closed for it",
    live: {
      ...settled(fresh, { durability: { carryOnAfterSeconds: 5 } }),
      "web-02": freshServer("web-02"),
    },
    wanted: { durability: { carryOnAfterSeconds: 5 } },
    sentences: [
      "web-02: tell the primary what it has received (semi-synchronous)",
      "web-02: fill from web-01 by CLONE (it has no data)",
      "web-02: follow web-01",
    ],
  },
  {
    name: "transactions of a replica's own are not thrown away",
    live: withTransaction,
    sentences: ["web-02: refuse, since it has 1 transaction that web-01 lacks: 00000002:1"],
  },
  {
    name: "they are when it is named",
    live: withTransaction,
    wanted: { discardDataOn: ["web-02"] },
    sentences: [
      "web-01: refuse writes while web-02 is filled, since no replica is left to acknowledge them",
      "web-02: fill from web-01 by CLONE (what it has is discarded)",
      "web-02: follow web-01",
      "web-01: open for writes again",
    ],
  },
  {
    name: "data of unknown origin is not thrown away",
    live: changed("web-02", () => unowned),
    sentences: ["web-02: refuse, since its data is of unknown origin: shop"],
  },
  {
    name: "data of another cluster is not thrown away",
    live: changed("web-02", () => ({ ...unowned, cluster: "shop" })),
    sentences: ["web-02: refuse, since its data is of another cluster: shop"],
  },
  {
    name: "a second writer that has nothing of its own is closed and follows",
    live: stray,
    sentences: ["web-02: close for writes (super_read_only on)", "web-02: follow web-01"],
  },
  {
    name: "two writers that each have something stop all",
    live: changed(
      "web-01",
      () => ({ gtidExecuted: "00000001:1" }),
      changed("web-02", () => ({ gtidExecuted: "00000002:1" }), stray),
    ),
    sentences: [
      "web-01: refuse, since it takes writes as another member does, and holds 1 transaction that web-02 lacks: 00000001:1",
      "web-02: refuse, since it takes writes as another member does, and holds 1 transaction that web-01 lacks: 00000002:1",
    ],
  },
  {
    name: "a primary that lost its data is not made anew while a replica has it",
    live: { ...healthy, "web-01": freshServer("web-01") },
    sentences: ["web-01: refuse, since its data is lost, while web-02 has that of guestbook"],
  },
  {
    name: "a stopped mysqld is waited for, and the rest left alone",
    live: { ...healthy, "web-02": { mysqld: "silent", reason: "ERROR 2002" } },
    sentences: ["web-02: look again once mysqld answers (ERROR 2002)"],
  },
  {
    name: "a CLONE that runs on after its up was killed is waited for",
    live: changed("web-02", () => ({ ...unowned, schemas: [], isCloning: 1 })),
    sentences: ["web-02: wait until the CLONE that is under way has ended"],
  },
];

for (const { name, live: servers, wanted: more, sentences } of cases) {
  test(name, (t) => {
    const wanted = cluster(more);
    const live = observe(servers, wanted);
    t.deepEqual(
      plan(live, wanted).map(({ sentence }) => sentence),
      sentences,
    );
  });
}

test("a difference names the member and what of it", (t) => {
  const live = observe(withSource({ receiver: "OFF" }), cluster());
  if (live === undefined) return t.fail();
  t.deepEqual(diff(live, cluster()), [
    { path: ["status", "web-02", "replication"], kind: "update" },
  ]);
  t.deepEqual(live.status["web-02"]?.replication, { state: "receiver stopped" });
});

const three = settled({ ...fresh, "web-03": freshServer("web-03") });
const without01 = {
  members: { "web-02": memberInputs("web-02", 2), "web-03": memberInputs("web-03", 3) },
};

function sentencesOf(servers: Servers, before: Replication, desired: Replication) {
  return plan(observe(servers, before), desired).map(({ sentence }) => sentence);
}

test("a replica that leaves stops following, or is forgotten where it does not answer", (t) => {
  const before = cluster({}, 3);
  t.deepEqual(sentencesOf(three, before, cluster()), [
    "web-03: stop following (it keeps its data and stays closed for writes)",
  ]);
  const dead: Servers = { ...three, "web-03": { mysqld: "silent", reason: "no answer" } };
  t.deepEqual(sentencesOf(dead, before, cluster()), [
    "web-03: take it out without telling it, since it does not answer",
  ]);
});

test("a primary that leaves hands its role over first", (t) => {
  const desired = cluster({ primary: "web-02", ...without01 });
  t.deepEqual(sentencesOf(three, cluster({}, 3), desired), [
    "web-01: hand the role of the primary over to web-02 (writes are refused for about a second; taken back when web-02 cannot catch up within 30 s)",
    "web-03: follow web-02",
    "web-02: acknowledge a write only once a replica has it",
    "web-02: open for writes (super_read_only off)",
    "web-01: stop following (it keeps its data and stays closed for writes)",
  ]);
});

test("a replica of a writer whose data is given up is not made to follow the other as it is", (t) => {
  const own = () => ({ gtidExecuted: "00000001:1" });
  const writes = { superReadOnly: 0, readOnly: 0, source: null, gtidExecuted: "00000002:1" };
  const split = changed(
    "web-01",
    own,
    changed(
      "web-03",
      own,
      changed("web-02", () => writes, three),
    ),
  );
  const sentences = (...discardDataOn: string[]) =>
    sentencesOf(split, cluster({}, 3), cluster({ discardDataOn }, 3)).filter((one) =>
      /refuse, |CLONE|follow /.test(one),
    );
  t.deepEqual(sentences("web-01"), [
    "web-03: refuse, since it has 1 transaction that web-02 lacks: 00000001:1",
  ]);
  t.deepEqual(sentences("web-01", "web-03"), [
    "web-01: fill from web-02 by CLONE (what it has is discarded)",
    "web-01: follow web-02",
    "web-03: fill from web-02 by CLONE (what it has is discarded)",
    "web-03: follow web-02 (was: follows 10.0.0.1:3306)",
    // Then the role goes to the primary of the settings.
    "web-02: follow web-01",
    "web-03: follow web-01",
  ]);
  // The writer that it follows is the one whose data stays.
  t.deepEqual(sentences("web-02"), [
    "web-02: fill from web-01 by CLONE (what it has is discarded)",
    "web-02: follow web-01",
    "web-03: follow web-01 (was: follows 10.0.0.1:3306)",
  ]);
});

/** The replicas have noticed that the primary is gone. */
function cutOff(servers: Servers): Servers {
  const isConnecting = ({ source }: Facts) => ({
    source: source && { ...source, receiver: "CONNECTING" },
  });
  return changed("web-02", isConnecting, changed("web-03", isConnecting, servers));
}

test("a dead primary that is taken out is replaced, and the preview counts what is lost", (t) => {
  const dead: Servers = {
    ...changed(
      "web-02",
      ({ source }) => ({
        gtidExecuted: "00000001:1-5",
        source: source && { ...source, received: "00000001:3-7" },
      }),
      changed("web-03", () => ({ gtidExecuted: "00000001:1-6" }), three),
    ),
    "web-01": { mysqld: "silent", reason: "no answer" },
  };
  const desired = cluster({ primary: "web-02", ...without01 });
  const steps = plan(observe(cutOff(dead), cluster({}, 3)), desired);
  t.deepEqual(
    steps.map(({ sentence }) => sentence),
    [
      "web-02: make it the primary instead of web-01 after applying 2 transactions that it received",
      "web-03: follow web-02",
      "web-02: acknowledge a write only once a replica has it",
      "web-01: take it out without telling it, since it does not answer",
      "web-02: open for writes (super_read_only off)",
    ],
  );
  t.is(
    steps[0]?.warning,
    "web-02 becomes the primary after applying 2 transactions that it received, without web-01: 0 acknowledged transactions are lost, since web-01 acknowledged none before a replica had it. Should web-01 come back, it takes no write",
  );
});

test("what an asynchronous primary acknowledged alone cannot be counted", (t) => {
  const durability = { carryOnAfterSeconds: 5 };
  const before = cluster({ durability }, 3);
  const dead: Servers = {
    ...settled({ ...fresh, "web-03": freshServer("web-03") }, { durability }),
    "web-01": { mysqld: "silent", reason: "no answer" },
  };
  const [first] = plan(
    observe(cutOff(dead), before),
    cluster({ durability, primary: "web-02", ...without01 }),
  );
  t.regex(first?.warning ?? "", /how many transactions cannot be known without it/);
  const alone = cluster({
    durability,
    primary: "web-02",
    members: { "web-02": memberInputs("web-02", 2) },
  });
  const [other] = plan(observe(cutOff(dead), before), alone);
  t.regex(other?.warning ?? "", /and only web-03 had received is lost/);
});

test("a former primary that was alone opens by itself, and that is said where it is replaced", (t) => {
  const more = { durability: { carryOnAfterSeconds: 1 } };
  const goesOn = cluster(more, 1);
  const live = observe(
    { ...healthy, "web-02": { mysqld: "silent", reason: "it is away", isAway: true } },
    cluster(),
  );
  const carriedOut = plan(live, goesOn)
    .filter(({ task }) => task.do !== "forget")
    .reduce((state, { task }) => carryOut(state, task, goesOn), healthy);
  const { "web-01": primary = freshServer("web-01") } = carriedOut;
  const recorded = observe({ "web-01": primary }, goesOn);
  // The replica that was away is back, and the primary is away.
  const isConnecting = ({ source }: Facts) => ({
    source: source && { ...source, receiver: "CONNECTING" },
  });
  const now: Servers = {
    ...changed("web-02", isConnecting, carriedOut),
    "web-01": { mysqld: "silent", reason: "it is away", isUnreachable: true, isAway: true },
  };
  const desired = cluster({
    ...{ ...more, primary: "web-02" },
    members: { "web-02": memberInputs("web-02", 2) },
  });
  const both = { ...desired, ...recorded, members: cluster().members };
  const [promotion] = plan(observe(now, both), desired);
  t.is(
    promotion?.warning,
    "web-02 becomes the primary, without web-01: what web-01 acknowledged while no replica had it is lost: how many transactions cannot be known without it. Should web-01 come back, it takes no write if it had a replica; if it was alone, as while all replicas were away, it opens by itself: keep its MySQL stopped",
  );
});

test("a replica that lacks what another one received is not promoted", (t) => {
  const dead: Servers = {
    ...changed("web-03", () => ({ gtidExecuted: "00000001:1-9" }), three),
    "web-01": { mysqld: "silent", reason: "no answer" },
  };
  const desired = cluster({ primary: "web-02", ...without01 });
  const [refusal] = plan(observe(cutOff(dead), cluster({}, 3)), desired);
  t.regex(
    refusal?.warning ?? "",
    /web-03 received 9 transactions more from web-01; .* make web-03 the primary/,
  );
});

test("a member of a group is made no primary of a pair: the others may take writes that it lacks", (t) => {
  const persisted = { group_replication_group_name: "one", group_replication_group_seeds: "" };
  const grouped = (servers: Servers) =>
    Object.fromEntries(
      Object.keys(servers).map((name) => {
        const server = running(servers, name);
        return [name, { ...server, facts: { ...server.facts, source: null, persisted } }];
      }),
    );
  for (const size of [1, 2]) {
    const desired = cluster({ durability: { carryOnAfterSeconds: 1 } }, size);
    const servers = Object.entries(grouped(healthy)).slice(0, size);
    const [step, ...rest] = plan(observe(Object.fromEntries(servers), desired), desired);
    t.deepEqual(rest, []);
    t.is(
      step?.warning,
      "web-01: it is a member of a group, whose other members may take writes that it lacks; nothing will be changed. To go on, keep the group's members, or stop MySQL on the others and run RESET PERSIST group_replication_group_name on web-01",
    );
  }
});

test("a primary that is away and still runs is not replaced", (t) => {
  const servers: Servers = {
    ...settled({ ...fresh, "web-03": freshServer("web-03") }),
    "web-01": { mysqld: "silent", reason: "it is away", isUnreachable: true, isAway: true },
  };
  const desired = cluster({ primary: "web-02", ...without01 });
  const [refusal, ...others] = plan(observe(servers, cluster({}, 3)), desired);
  t.deepEqual(others, []);
  t.regex(refusal?.warning ?? "", /^web-02: web-01 still runs: web-02 receives from it; nothing/);
  const steps = plan(observe(cutOff(servers), cluster({}, 3)), desired);
  t.deepEqual(
    steps
      .filter(({ host }) => host === "web-01")
      .map(({ sentence, warning }) => [sentence, warning]),
    [["web-01: take it out without telling it, since it is away", undefined]],
  );
});

test("a primary whose only replica is away goes on alone, and the preview says what that means", (t) => {
  const servers: Servers = {
    ...settled(fresh),
    "web-02": { mysqld: "silent", reason: "it is away", isUnreachable: true, isAway: true },
  };
  const alone = cluster({
    durability: { carryOnAfterSeconds: 1 },
    members: { "web-01": memberInputs("web-01", 1) },
  });
  const steps = plan(observe(servers, cluster()), alone);
  t.deepEqual(
    steps.map(({ sentence }) => sentence),
    [
      "web-01: acknowledge writes alone, there is no replica",
      "web-02: take it out without telling it, since it is away",
      "web-01: open for writes (super_read_only off)",
    ],
  );
  t.is(
    steps[1]?.warning,
    "web-02 is away, and no replica is left: what web-01 acknowledges until one is back is on its disk alone",
  );
});

test("commits of the primary that wait for an acknowledgement are no errant transactions", (t) => {
  const waiting = changed(
    "web-01",
    ({ status }) => ({ status: { ...status, rpl_semi_sync_source_wait_sessions: "1" } }),
    changed("web-02", ({ status }) => ({
      gtidExecuted: "00000001:1-7",
      status: { ...status, rpl_semi_sync_replica_status: "OFF" },
    })),
  );
  t.deepEqual(sentencesOf(waiting, cluster(), cluster()), [
    "web-02: tell the primary what it has received (semi-synchronous)",
  ]);
  const own = changed("web-02", () => ({ gtidExecuted: "00000002:1" }), waiting);
  t.regex(sentencesOf(own, cluster(), cluster())[0] ?? "", /1 transaction that web-01 lacks/);
});

test("a machine made anew is planned for as an empty one, also while nothing is known of it", (t) => {
  const live = observe(healthy, cluster());
  const anew = { host: { ...memberInputs("web-02", 2).host, instance: unknown }, address: unknown };
  const wanted = cluster({
    members: { "web-01": memberInputs("web-01", 1), "web-02": anew },
  });
  t.deepEqual(
    plan(live, wanted).map(({ sentence }) => sentence.replaceAll(unknown, "(not known yet)")),
    [
      "web-02: reach it at (not known yet):3306",
      "web-02: tell the primary what it has received (semi-synchronous)",
      "web-01: refuse writes while web-02 is filled, since no replica is left to acknowledge them",
      "web-02: fill from web-01 by CLONE (it has no data)",
      "web-02: follow web-01",
      "web-01: open for writes again",
    ],
  );
  t.is(plan(undefined, wanted).length, 7);
});

test("no sentence holds a password", (t) => {
  const told = JSON.stringify([
    plan(undefined, cluster()),
    plan(observe(healthy, cluster()), cluster({ primary: "web-02" })),
  ]);
  t.false(told.includes(cluster().replicationAccount.password));
});
