/** What is announced for a group in each of its states. */
import test from "ava";
import type { Context } from "../../../../provider/kind";
import { applyGroup } from "../../../../provider/kinds/mysql-group/apply";
import type { Group } from "../../../../provider/kinds/mysql-group/args";
import { diff } from "../../../../provider/kinds/mysql-group/diff";
import { plan } from "../../../../provider/kinds/mysql-group/plan";
import { seenFrom } from "../../../../provider/kinds/mysql-group/read";
import { seedsOf } from "../../../../provider/kinds/mysql-group/status";
import { unknown } from "../../../../provider/protocol/values";
import {
  answersOf,
  freshMember,
  type Party,
  type Server,
  type World,
} from "../../../support/group-model";
import { group } from "../../../support/mysql-inputs";

const ours = "99999999-0000-0000-0000-000000000000";

const member: Server = {
  ...freshMember,
  ...{ cluster: "guestbook", schemas: ["guestbook"], executed: `${ours}:1-5` },
  ...{ groupName: "one", seeds: seedsOf(group().members), hasAccount: true, isConfigured: true },
};
const names = ["node-01", "node-02", "node-03"];

const party: Party = {
  ...{ name: "one", primary: "node-01", reached: names, recovering: [], lost: [] },
};

/** A healthy group, but for what is said of its servers and of who sees whom. */
function world(
  change: Readonly<Record<string, Partial<Server>>> = {},
  parties: readonly Party[] = [party],
): World {
  const servers = names.map((name) => [
    name,
    { ...member, isOpen: parties.some(({ primary }) => primary === name), ...change[name] },
  ]);
  return { servers: Object.fromEntries(servers), parties };
}

function planned(state: World, desired = group(), recorded = group()) {
  return plan(seen(state, desired, recorded), desired);
}

function seen(state: World, desired: Group, recorded = group()) {
  const { away, discardDataOn } = desired;
  const members = { ...desired.members, ...recorded.members };
  const expected = { ...recorded, away, discardDataOn };
  return seenFrom(answersOf(state, { members, away }), expected, members);
}

function sentences(...args: Parameters<typeof planned>): string[] {
  return planned(...args).map(({ sentence }) => sentence);
}

const without = (...gone: readonly string[]): Party => ({
  ...party,
  primary: names.find((name) => !gone.includes(name)) ?? "",
  reached: names.filter((name) => !gone.includes(name)),
});

test("a healthy group is left alone, whoever is its primary", (t) => {
  t.deepEqual(planned(world()), []);
  t.deepEqual(planned(world({}, [{ ...party, primary: "node-02" }])), []);
});

test("what a preview does not know yet is told without it", (t) => {
  const steps = plan(undefined, { ...group(), members: unknown as unknown as Group["members"] });
  t.deepEqual(
    steps.map(({ sentence }) => sentence),
    ["set up the group once its members are known"],
  );
});

test("new machines: one is the first, the others are filled from it", (t) => {
  const steps = plan(undefined, group({ primary: "node-02" }));
  t.deepEqual(
    steps.map(({ action, host }) => [host, action]),
    [
      ["node-02", "found"],
      ["node-02", "set replication account"],
      ["node-02", "bootstrap"],
      ["node-01", "fill"],
      ["node-01", "join"],
      ["node-03", "fill"],
      ["node-03", "join"],
    ],
  );
});

test("servers as installed get the account as well, and those without MySQL what they will have", (t) => {
  const fresh = Object.fromEntries(names.map((name) => [name, freshMember]));
  t.deepEqual(
    planned(world(fresh, [])).map(({ action }) => action),
    ["found", "set replication account", "bootstrap", "fill", "join", "fill", "join"],
  );
  const absent: Server = { ...freshMember, reach: "absent" };
  t.deepEqual(sentences(world({ "node-03": absent }, [without("node-03")])), [
    "node-03: fill from node-01 by CLONE (it has no data)",
    "node-03: join the group",
  ]);
  t.deepEqual(
    sentences(world({ "node-03": { ...absent, schemas: ["shop"] } }, [without("node-03")])),
    ["node-03: look again once mysqld answers"],
  );
});

test("a member that left joins again; one that lost the majority as well, or with an error", (t) => {
  t.deepEqual(sentences(world({}, [without("node-03")])), [
    "node-03: join the group (was: outside)",
  ]);
  const alone: Party = {
    ...party,
    ...{ primary: "node-01", reached: ["node-01"], lost: ["node-02", "node-03"] },
  };
  t.deepEqual(sentences(world({ "node-01": { isOpen: false } }, [without("node-01"), alone])), [
    "node-01: join the group (was: cut off from the others)",
  ]);
  const recovering = { ...party, recovering: ["node-02"] };
  t.deepEqual(sentences(world({}, [recovering])), ["node-02: join the group (it is catching up)"]);
});

test("a member with transactions of its own is refused, and filled anew once it is named", (t) => {
  const state = world(
    { "node-03": { executed: `${ours}:1-5,00000003-0000-0000-0000-000000000000:1-2` } },
    [without("node-03")],
  );
  const [step, ...rest] = planned(state);
  t.deepEqual(rest, []);
  t.is(
    step?.warning,
    'node-03: it has 2 transactions of guestbook that node-01 lacks: 00000003-0000-0000-0000-000000000000:1-2; nothing will be changed. To go on, set discardDataOn: ["node-03"] to fill it from node-01 instead',
  );
  const [fill, join] = planned(state, group({ discardDataOn: ["node-03"] }));
  t.is(fill?.sentence, "node-03: fill from node-01 by CLONE (what it has is discarded)");
  t.regex(fill?.warning ?? "", /its data is discarded/);
  t.is(join?.sentence, "node-03: join the group");
});

test("what has only been received is no stray transaction, and counts for who has most", (t) => {
  const late = { executed: `${ours}:1-5`, received: `${ours}:1-9` };
  t.deepEqual(
    sentences(
      world({ "node-01": late, "node-03": { executed: `${ours}:1-9` } }, [without("node-03")]),
    ),
    ["node-03: join the group (was: outside)"],
  );
  const [step] = planned(world({ "node-02": late }, []));
  t.regex(step?.sentence ?? "", /^node-02: bring the group back from it/);
});

test("data of others is refused: of another cluster, of unknown origin", (t) => {
  const state = (change: Partial<Server>) => world({ "node-03": change }, [without("node-03")]);
  t.deepEqual(sentences(state({ cluster: "shop" })), [
    "node-03: refuse, since its data is of another cluster: shop",
  ]);
  t.deepEqual(sentences(state({ cluster: null })), [
    "node-03: refuse, since its data is of unknown origin: guestbook",
  ]);
  t.deepEqual(sentences(state({ ...freshMember })), [
    "node-03: fill from node-01 by CLONE (it has no data)",
    "node-03: join the group",
  ]);
});

test("after all were down, the fullest brings the group back, once all were asked", (t) => {
  const all = { "node-02": { executed: `${ours}:1-9` } };
  t.deepEqual(sentences(world(all, [])), [
    "node-02: bring the group back from it, since it has all that any other has (asked: node-01, node-02, node-03)",
    "node-01: join the group (was: outside)",
    "node-03: join the group (was: outside)",
  ]);
  t.deepEqual(sentences(world({ ...all, "node-03": { reach: "silent" } }, [])), [
    "node-03: look again once mysqld answers (ERROR 2002)",
  ]);
  const [refused] = planned(world({ ...all, "node-03": { reach: "unreachable" } }, []));
  t.is(
    refused?.warning,
    "node-03: no group has a majority, and it cannot be asked: it may hold what the others lack; nothing will be changed. To go on, bring node-03 back, or say that it is away",
  );
});

test("without those that are away the group goes on, and what is lost is said", (t) => {
  const desired = group({ away: ["node-03"] });
  const [step, ...rest] = planned(world({}, []), desired);
  t.is(
    step?.warning,
    "node-01: the group goes on with what it has, without node-03: what only node-03 has is lost",
  );
  t.deepEqual(
    rest.map(({ sentence }) => sentence),
    ["node-02: join the group (was: outside)"],
  );
  const live = seen(world({}, [without("node-03")]), desired);
  t.deepEqual(live && diff(live, desired), []);
});

test("what only a member has whose data is given up is told as lost, also where it has most", (t) => {
  const most = { "node-03": { executed: `${ours}:1-9` } };
  const [begin, join, fill] = planned(world(most, []), group({ discardDataOn: ["node-03"] }));
  t.is(
    begin?.sentence,
    "node-01: bring the group back from it, since it has all that any other has whose data is not given up (asked: node-01, node-02, node-03)",
  );
  t.is(join?.action, "join");
  t.is(
    fill?.warning,
    `node-03: its data is discarded and filled anew from node-01, as discardDataOn says; it has 4 transactions of guestbook that node-01 lacks: ${ours}:6-9`,
  );
});

/** As `group`, of these members alone. */
function groupOf(...members: readonly string[]): Group {
  const all = group({}, 5);
  return { ...all, members: only(all.members, members), status: only(all.status, members) };
}

test("what one that is taken out may have alone is said, where it cannot be asked", (t) => {
  const gone = { reach: "unreachable" } as const;
  const { servers } = world({ "node-03": gone }, []);
  const state = { servers: { ...servers, "node-04": freshMember }, parties: [] };
  const [begin, ...rest] = planned(state, groupOf("node-01", "node-02", "node-04"));
  t.is(
    begin?.warning,
    "node-01: the group goes on with what it has, without node-03: what only node-03 has is lost",
  );
  t.deepEqual(
    rest.map(({ action, host }) => [host, action]),
    [
      ["node-02", "join"],
      ["node-04", "fill"],
      ["node-04", "join"],
      ["node-03", "forget"],
    ],
  );
  // All that had data are taken out.
  const fresh = { "node-03": freshMember, "node-04": freshMember, "node-05": freshMember };
  const dead = { "node-01": { ...member, ...gone }, "node-02": { ...member, ...gone } };
  const [found] = planned(
    { servers: { ...fresh, ...dead }, parties: [] },
    groupOf("node-03", "node-04", "node-05"),
  );
  t.is(
    found?.warning,
    "no member has data of cluster guestbook, and node-01, node-02 cannot be asked: it begins without theirs: what only node-01 has is lost, what only node-02 has is lost",
  );
});

test("the last one that is not away is told to be that", (t) => {
  const [step] = planned(world({}, []), group({ away: ["node-02", "node-03"] }));
  t.regex(step?.sentence ?? "", /since it is the only member that is not away \(asked: node-01\)$/);
});

test("an empty cluster is not begun while a member is away", (t) => {
  const state = world({ "node-01": freshMember, "node-02": freshMember }, []);
  t.deepEqual(sentences(state, group({ away: ["node-03"] })), [
    "node-03: refuse, since no member has data of cluster guestbook, and node-03 cannot be asked",
  ]);
});

test("a cluster whose members have all lost their data begins empty, and says so", (t) => {
  const fresh = Object.fromEntries(names.map((name) => [name, freshMember]));
  const live = seenFrom(answersOf(world({}, []), group()), group(), group().members);
  const anew = group();
  const members = Object.entries(anew.members).map(([name, one]) => [
    name,
    { ...one, host: { ...one.host, instance: "another" } },
  ]);
  const [step] = plan(live, { ...anew, members: Object.fromEntries(members) });
  t.is(step?.warning, "no member has the data of cluster guestbook any more: it begins empty");
  t.is(planned(world(fresh, []))[0]?.warning, undefined);
});

test("no member has all: whose data is given up is asked, and not all of it can be", (t) => {
  const stray = (number: number) => `${ours}:1-5,0000000${number}-0000-0000-0000-000000000000:1`;
  const state = world({ "node-01": { executed: stray(1) }, "node-02": { executed: stray(2) } }, []);
  const refused = planned(state);
  t.deepEqual(
    refused.map(({ sentence }) => sentence.slice(0, 60)),
    [
      "node-01: refuse, since it has 1 transaction of guestbook that",
      "node-02: refuse, since it has 1 transaction of guestbook that",
    ].map((sentence) => sentence.slice(0, 60)),
  );
  t.deepEqual(
    planned(state, group({ discardDataOn: ["node-02"] })).map(({ action, host }) => [host, action]),
    [
      ["node-01", "bootstrap"],
      ["node-02", "fill"],
      ["node-02", "join"],
      ["node-03", "join"],
    ],
  );
  t.deepEqual(sentences(state, group({ discardDataOn: names })), [
    "node-01, node-02, node-03: refuse, since no group has a majority, and none of them is to stay",
  ]);
});

test("members without a majority leave their group before one begins it anew", (t) => {
  const alone = names.map((name): Party => {
    const lost = names.filter((one) => one !== name);
    return { ...party, primary: name === "node-01" ? name : "", reached: [name], lost };
  });
  const state = world({ "node-01": { isOpen: true } }, alone);
  t.deepEqual(
    planned(state).map(({ action, host }) => [host, action]),
    [
      ["node-01", "close"],
      ["node-01", "stop"],
      ["node-02", "stop"],
      ["node-03", "stop"],
      ["node-01", "bootstrap"],
      ["node-02", "join"],
      ["node-03", "join"],
    ],
  );
});

test("half of the members are no majority", (t) => {
  const pairs = [
    ["node-01", "node-02"],
    ["node-03", "node-04"],
  ];
  const parties = pairs.map((reached, index): Party => {
    const lost = pairs[1 - index] ?? [];
    return { ...party, primary: index === 0 ? "node-01" : "", reached, lost };
  });
  const four = group({}, 4);
  const state = world({ "node-01": { isOpen: true } }, parties);
  const seeds = seedsOf(four.members);
  const servers = [...names, "node-04"].map((name) => [
    name,
    { ...(state.servers[name] ?? member), seeds },
  ]);
  const actions = planned({ servers: Object.fromEntries(servers), parties }, four, four).map(
    ({ action }) => action,
  );
  t.deepEqual(
    actions.filter((action) => action === "stop"),
    ["stop", "stop", "stop", "stop"],
  );
});

test("two groups are judged by a person", (t) => {
  const other: Party = { ...party, name: "two", primary: "node-03", reached: ["node-03"] };
  const state = world({ "node-03": { groupName: "two" } }, [without("node-03"), other]);
  t.deepEqual(sentences(state), [
    "node-01 and node-03: refuse, since there are two groups: that of node-01 (node-01, node-02), that of node-03 (node-03)",
  ]);
  t.deepEqual(sentences(state, group({ discardDataOn: ["node-03"] })), [
    "node-03: leave the group that it is in, since the group of node-01 is the one that stays",
  ]);
  // What one has that is no member is not given up by any name.
  const counting = { ...other, reached: ["node-03", "node-04"] };
  t.deepEqual(
    sentences(
      { ...state, parties: [without("node-03"), counting] },
      group({ discardDataOn: ["node-03"] }),
    ),
    [
      "node-01 and node-03: refuse, since there are two groups: that of node-01 (node-01, node-02), that of node-03 (node-03, 10.0.0.99:3306 ONLINE)",
    ],
  );
  const [silent] = planned({
    ...state,
    servers: { ...state.servers, "node-02": { ...member, reach: "silent" } },
  });
  t.is(silent?.sentence, "node-02: look again once mysqld answers (ERROR 2002)");
});

test("one that the group counts and that is no member is waited for, as it was taken out while it was dead", (t) => {
  const counting = { ...party, lost: ["node-04"] };
  const stranger = "10.0.0.99:3306 UNREACHABLE";
  const waiting = `node-01: wait until the group has put out ${stranger}, which is none of the members (given up after 30 s where it takes part)`;
  t.deepEqual(sentences(world({}, [counting])), [waiting]);
  // Nobody counts one that it knows of, away or not.
  const { servers } = world();
  const dead: World = {
    servers: { ...servers, "node-04": { ...member, reach: "silent" } },
    parties: [counting],
  };
  const told = sentences(dead, group(), group({}, 4));
  t.is(told.at(-1), "node-04: take it out without telling it, since it does not answer");
  t.false(told.some((sentence) => sentence.includes("wait until")));
  const [away] = planned(
    world({}, [{ ...without("node-03"), lost: ["node-03"] }]),
    group({ away: ["node-03"] }),
  );
  t.is(away, undefined);
  // It costs nobody the majority that another one left.
  const left = { ...without("node-03"), lost: ["node-04"] };
  t.deepEqual(sentences(world({}, [left])), [waiting, "node-03: join the group (was: outside)"]);
  // One that was cut off counts whom it counted then: it joins, and the group has nobody to put out.
  const alone = { ...party, primary: "", reached: ["node-03"], lost: ["node-01", "node-04"] };
  t.deepEqual(sentences(world({}, [without("node-03"), alone])), [
    "node-03: join the group (was: cut off from the others)",
  ]);
});

test("what only one has that is counted and no member is lost where nobody has a majority, and that is said", (t) => {
  const half = { ...without("node-03"), lost: ["node-04", "node-05"] };
  const steps = planned(world({}, [half]));
  t.is(
    steps.find(({ action }) => action === "bootstrap")?.warning,
    "node-01: the group goes on with what it has, without 10.0.0.99:3306 UNREACHABLE, 10.0.0.99:3306 UNREACHABLE: what only 10.0.0.99:3306 UNREACHABLE, 10.0.0.99:3306 UNREACHABLE has is lost",
  );
});

test("a group that elects is waited for", (t) => {
  t.deepEqual(sentences(world({}, [{ ...party, primary: "" }])), [
    "node-01: look again once the group has elected a primary",
  ]);
});

test("a wish for the primary is a switch, once that member is in the group", (t) => {
  const desired = group({ primary: "node-03" });
  const [step, ...rest] = planned(world(), desired);
  t.deepEqual([step?.action, step?.host, rest], ["switch", "node-03", []]);
  t.regex(step?.warning ?? "", /no acknowledged write is lost/);
  t.deepEqual(sentences(world({ "node-03": { reach: "silent" } }), desired), [
    "node-03: look again once mysqld answers (ERROR 2002)",
  ]);
  // Nor does anybody else take it over meanwhile.
  const led = { ...party, primary: "node-02" };
  t.deepEqual(sentences(world({ "node-03": { reach: "silent" } }, [led]), desired), [
    "node-03: look again once mysqld answers (ERROR 2002)",
  ]);
  const joined = planned(world({}, [without("node-03")]), desired);
  t.deepEqual(
    joined.map(({ action }) => action),
    ["join", "switch"],
  );
});

test("a primary that is taken out hands its role over before it leaves", (t) => {
  const before = group();
  const desired = group({}, 3);
  const { "node-01": _, ...members } = desired.members;
  const smaller = { ...desired, members, status: only(desired.status, Object.keys(members)) };
  t.deepEqual(
    planned(world(), smaller, before)
      .filter(({ action }) => action !== "configure")
      .map(({ action, host }) => [host, action]),
    [
      ["node-02", "switch"],
      ["node-01", "leave"],
    ],
  );
  // Nobody can follow it at the moment: it stays.
  const silent = world({ "node-02": { reach: "silent" }, "node-03": { reach: "silent" } });
  t.true(planned(silent, smaller, before).every(({ action }) => action === "await"));
});

test("a primary that is away and runs hands its role over, as no application is led to it any more", (t) => {
  const desired = group({ away: ["node-01"] });
  const [step, ...rest] = planned(world(), desired);
  t.deepEqual([step?.action, step?.host, rest], ["switch", "node-02", []]);
  t.deepEqual(planned(world({}, [{ ...party, primary: "node-02" }]), desired), []);
  // Nobody can be asked on it.
  const newPassword = { name: "replication", password: "another" };
  t.deepEqual(
    planned(world(), group({ away: ["node-01"], replicationAccount: newPassword }))
      .filter(({ host }) => host === "node-01")
      .map(({ action }) => action),
    [],
  );
});

test("nothing is asked on a primary that is away: whoever is to be it asks for the role", async (t) => {
  const asked: string[] = [];
  const context: Context = {
    signal: new AbortController().signal,
    progress: () => undefined,
    tell: () => undefined,
    run: async ({ name }) => {
      asked.push(name);
      return "";
    },
    ask: () => Promise.reject(new Error("this is enough")),
    runAnew: () => Promise.reject(new Error("no new connection is needed")),
    owner: { project: "shop", stack: "ha", resource: "group", urn: "", claim: "", isNew: false },
  };
  const carriedOut = (desired: Group) => {
    const live = seen(world(), desired);
    return t.throwsAsync(applyGroup(plan(live, desired), live, desired, context));
  };
  await carriedOut(group({ away: ["node-01"] }));
  t.deepEqual(asked.splice(0), ["node-02", "node-02"]);
  await carriedOut(group({ primary: "node-03" }));
  t.deepEqual(asked, ["node-03", "node-01"]);
});

function only<Value>(all: Readonly<Record<string, Value>>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

test("members that are added are filled; the others learn where they are, and none restarts", (t) => {
  const state = world();
  const bigger = {
    ...state,
    servers: { ...state.servers, "node-04": freshMember, "node-05": freshMember },
  };
  t.deepEqual(
    planned(bigger, group({}, 5), group()).map(({ action, host }) => [host, action]),
    [
      ["node-01", "configure"],
      ["node-02", "configure"],
      ["node-03", "configure"],
      ["node-04", "fill"],
      ["node-04", "join"],
      ["node-05", "fill"],
      ["node-05", "join"],
    ],
  );
});

const byHand: readonly (readonly [string, Partial<Server>, string])[] = [
  [
    "node-02",
    { isOpen: true },
    "node-02: close for writes (super_read_only on), since node-01 is the primary",
  ],
  ["node-01", { isOpen: false }, "node-01: open the primary for writes (super_read_only off)"],
  ["node-02", { isOffline: true }, "node-02: let clients connect again (offline_mode off)"],
  [
    "node-01",
    { persisted: { super_read_only: "OFF" } },
    "node-01: start closed for writes (nothing persisted for super_read_only)",
  ],
  [
    "node-02",
    { persisted: { read_only: "OFF" } },
    "node-02: start closed for writes (nothing persisted for super_read_only)",
  ],
  ["node-02", { seeds: "10.0.0.9:3306" }, "node-02: set how it finds the group (seeds)"],
  [
    "node-02",
    { persisted: { group_replication_group_seeds: "10.0.0.9:3306" } },
    "node-02: set how it finds the group (seeds)",
  ],
  [
    "node-02",
    { persisted: { group_replication_start_on_boot: "OFF" } },
    "node-02: set how it finds the group (start on boot)",
  ],
  [
    "node-02",
    { persisted: { group_replication_bootstrap_group: "ON" } },
    "node-02: set how it finds the group (bootstrap)",
  ],
  [
    "node-02",
    { persisted: { rpl_semi_sync_source_enabled: "ON" } },
    "node-02: set how it finds the group (semi-synchronous replication)",
  ],
  ["node-02", { isConfigured: false }, "node-02: set how it finds the group (account, password)"],
  [
    "node-02",
    { follows: true },
    "node-02: apply what it received, and stop following 10.0.0.99:3306",
  ],
  [
    "node-01",
    { hasAccount: false },
    "node-01: create the replication account replication (BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM, REPLICATION SLAVE)",
  ],
];

for (const [name, change, sentence] of byHand) {
  test(`told and set right: ${sentence} (${Object.keys(change)})`, (t) => {
    t.deepEqual(sentences(world({ [name]: change })), [sentence]);
  });
}
