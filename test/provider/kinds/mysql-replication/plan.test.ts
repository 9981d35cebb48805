import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { diff } from "../../../../provider/kinds/mysql-replication/difference";
import type { Facts, Source } from "../../../../provider/kinds/mysql-replication/facts";
import { plan } from "../../../../provider/kinds/mysql-replication/plan";
import { standingsOf } from "../../../../provider/kinds/mysql-replication/standing";
import { unknown } from "../../../../provider/protocol/values";
import { cluster, memberInputs } from "../../../support/mysql-inputs";
import { carryOut, freshServer, running, type Servers } from "../../../support/mysql-model";

const fresh: Servers = { "web-01": freshServer("web-01"), "web-02": freshServer("web-02") };
const healthy = settled(fresh);

/** A cluster after everything was done to it that its plan says. */
function settled(servers: Servers, more: Properties = {}): Servers {
  const args = cluster(more, Object.keys(servers).length);
  const steps = plan(standingsOf(servers, args), args);
  return steps.reduce((state, { action }) => carryOut(state, action, args), servers);
}

function changed(name: string, change: (facts: Facts) => Partial<Facts>, servers = healthy) {
  const server = running(servers, name);
  return { ...servers, [name]: { ...server, facts: { ...server.facts, ...change(server.facts) } } };
}

function withSource(change: Partial<Source>): Servers {
  return changed("web-02", ({ source }) => ({ source: source && { ...source, ...change } }));
}

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
      "web-01: create database guestbook",
      "web-01: create account app (INSERT, SELECT on guestbook.*)",
    ],
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
    name: "a role that a fail-over moved is no difference",
    live: healthy,
    wanted: { primary: "web-02" },
    sentences: [],
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
    sentences: [
      "web-02: refuse, since its data is that of guestbook, with 1 transaction that web-01 lacks: 00000002:1",
    ],
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
      "web-01: refuse, since it takes writes as another member does, and holds guestbook, with 1 transaction that web-02 lacks: 00000001:1",
      "web-02: refuse, since it takes writes as another member does, and holds guestbook, with 1 transaction that web-01 lacks: 00000002:1",
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
    sentences: ["web-02: see how it stands once mysqld answers"],
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
    const live = standingsOf(servers, wanted);
    t.deepEqual(
      plan(live, wanted).map(({ sentence }) => sentence),
      sentences,
    );
  });
}

test("what the state knows and the program does not want any more goes", (t) => {
  const live = standingsOf(healthy, cluster());
  const wanted = cluster({ accounts: {}, databases: [] });
  if (live === undefined) return t.fail();
  t.deepEqual(diff(live, wanted), [{ path: ["accounts", "app"], kind: "delete" }]);
  t.deepEqual(
    plan(live, wanted).map(({ sentence }) => sentence),
    ["web-01: drop account app"],
  );
});

test("a difference names the member and what of it", (t) => {
  const live = standingsOf(withSource({ receiver: "OFF" }), cluster());
  if (live === undefined) return t.fail();
  t.deepEqual(diff(live, cluster()), [
    { path: ["topology", "web-02", "replication"], kind: "update" },
  ]);
  t.is(live.topology["web-02"]?.replication, "receiver stopped");
});

test("a member that leaves stops following, unless it is the primary", (t) => {
  const three = { ...fresh, "web-03": freshServer("web-03") };
  const live = standingsOf(settled(three), cluster({}, 3));
  t.deepEqual(
    plan(live, cluster()).map(({ sentence }) => sentence),
    ["web-03: stop following (it keeps its data and stays closed for writes)"],
  );
  const rest = cluster(
    {
      primary: "web-02",
      members: { "web-02": memberInputs("web-02", 2), "web-03": memberInputs("web-03", 3) },
    },
    3,
  );
  t.deepEqual(
    plan(live, rest).map(({ sentence }) => sentence),
    ["web-01: refuse, since it is the primary"],
  );
});

test("a machine made anew is planned for as an empty one, also while nothing is known of it", (t) => {
  const live = standingsOf(healthy, cluster());
  const anew = { host: { ...memberInputs("web-02", 2).host, instance: unknown }, address: unknown };
  const wanted = cluster({
    members: { "web-01": memberInputs("web-01", 1), "web-02": anew },
    accounts: { app: { password: unknown, grants: { "guestbook.*": ["SELECT", "INSERT"] } } },
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
      "web-01: change account app (its password)",
    ],
  );
  t.is(plan(undefined, wanted).length, 9);
});

test("no sentence holds a password", (t) => {
  const wanted = cluster({ accounts: { app: { password: "planted", grants: {} } } });
  const told = JSON.stringify([
    plan(undefined, wanted),
    plan(standingsOf(healthy, cluster()), wanted),
  ]);
  t.false(told.includes("planted"));
  t.false(told.includes(wanted.replicationAccount.password));
});
