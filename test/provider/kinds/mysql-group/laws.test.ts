/** Groups in any state, possible or not: what the plan does to them loses nothing, makes no second primary, and ends. */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { withoutLeft } from "../../../../provider/kinds/mysql-group/apply";
import type { Group } from "../../../../provider/kinds/mysql-group/args";
import { diff } from "../../../../provider/kinds/mysql-group/diff";
import { plan } from "../../../../provider/kinds/mysql-group/plan";
import { seenFrom } from "../../../../provider/kinds/mysql-group/read";
import { seedsOf } from "../../../../provider/kinds/mysql-group/status";
import type { GroupStep } from "../../../../provider/kinds/mysql-group/steps";
import {
  allOf,
  answersOf,
  carryOut,
  freshMember,
  hasQuorum,
  isWithin,
  type Party,
  partyOf,
  type Server,
  serverOf,
  union,
  uuidOf,
  type World,
} from "../../../support/group-model";
import { group } from "../../../support/mysql-inputs";

const names = ["node-01", "node-02", "node-03", "node-04", "node-05"] as const;

const wanted = fc
  .record({
    size: fc.constantFrom(3, 3, 5),
    primary: fc.constantFrom("", "", "node-01", "node-03"),
    discardDataOn: fc.subarray(["node-01", "node-02", "node-03"], { maxLength: 2 }),
    away: fc.subarray(["node-02", "node-03"], { maxLength: 1 }),
    former: fc.constantFrom(0, 0, 0, 2, -2),
  })
  .filter(({ primary, away }) => !away.includes(primary))
  .map(({ size, former, ...more }) => ({
    desired: group(more, size),
    // Members were added or taken out.
    recorded: group({}, Math.max(1, Math.min(5, size + former))),
  }));

const shared = "99999999-0000-0000-0000-000000000000";
const sets = [`${shared}:1-5`, `${shared}:1-5`, `${shared}:1-7`, `${shared}:1-9`];

interface Raw {
  readonly server: Server;
  readonly place: "outside" | "in the group" | "in another group" | "cut off";
  /** It wrote for itself while it was outside. */
  readonly isStray: boolean;
}

/** The first is by far the most frequent. */
function mostly<Value>(most: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 4 * others.length, arbitrary: fc.constant(most) },
    ...others.map((one) => ({ weight: 1, arbitrary: fc.constant(one) })),
  );
}

const raw: fc.Arbitrary<Raw> = fc
  .record({
    server: fc.record({
      reach: mostly<Server["reach"]>("answers", "silent", "unreachable", "absent"),
      cluster: mostly<string | null>("guestbook", null, "shop"),
      schemas: fc.constantFrom<(readonly string[])[]>([], ["guestbook"]),
      executed: fc.constantFrom(...sets),
      received: mostly("", `${shared}:1-9`),
      isOpen: fc.boolean(),
      isOffline: mostly(false, true),
      persisted: mostly<Server["persisted"]>(
        {},
        { super_read_only: "OFF" },
        { group_replication_start_on_boot: "OFF" },
        { rpl_semi_sync_source_enabled: "ON" },
      ),
      groupName: fc.constantFrom("one", "two", ""),
      seeds: mostly(seedsOf(group().members), "10.0.0.9:3306", ""),
      hasAccount: mostly(true, false),
      isConfigured: mostly(true, false),
      follows: mostly(false, true),
    }),
    place: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Raw["place"]>("in the group") },
      { weight: 3, arbitrary: fc.constant<Raw["place"]>("outside") },
      { weight: 1, arbitrary: fc.constantFrom<Raw["place"][]>("in another group", "cut off") },
    ),
    isFresh: mostly(false, true),
    isStray: mostly(false, true),
  })
  .map(({ server, place, isFresh, isStray }) => {
    const isMember = !isFresh && server.cluster === "guestbook" && server.reach !== "absent";
    return {
      server: isFresh ? freshMember : server,
      place: isMember ? place : "outside",
      isStray,
    };
  });

const worlds: fc.Arbitrary<World> = fc
  .record({
    raw: fc.tuple(raw, raw, raw, raw, raw),
    lost: fc.subarray([...names], { maxLength: 2 }),
    elected: fc.constantFrom(true, true, true, false),
  })
  .map(({ raw: all, lost, elected }) => {
    const at = (place: Raw["place"]) => names.filter((_, index) => all[index]?.place === place);
    const party = (name: string, reached: readonly string[], gone: readonly string[]): Party[] =>
      reached.length === 0
        ? []
        : [
            {
              ...{
                name,
                reached,
                recovering: [],
                lost: gone.filter((one) => !reached.includes(one)),
              },
              primary: elected ? (reached[0] ?? "") : "",
            },
          ];
    const servers = names.map((name, index): [string, Server] => {
      const { server = freshMember, place = "outside", isStray = false } = all[index] ?? {};
      const groupName =
        place === "in another group" ? "two" : place === "outside" ? server.groupName : "one";
      const isAlone = isStray && place === "outside";
      const received = isAlone ? `${uuidOf(name)}:7` : server.received;
      return [name, { ...server, groupName, received }];
    });
    return {
      servers: Object.fromEntries(servers),
      parties: [
        ...party("one", at("in the group"), lost),
        ...party("two", at("in another group"), []),
        ...at("cut off").flatMap((name) => party("one", [name], names.slice(0, 3))),
      ],
    };
  });

/** As they are read for a plan. */
function seen(world: World, recorded: Group, desired: Group): Group | undefined {
  const { away, discardDataOn } = desired;
  const expected = { ...recorded, away, discardDataOn };
  const members = { ...desired.members, ...recorded.members };
  return seenFrom(answersOf(world, { members, away }), expected, members);
}

/** Looks at the world before and after each step that is carried out; answers how it ended. */
function run(
  world: World,
  { recorded, desired }: Args,
  look: (before: World, step: GroupStep, after: World) => void,
): "done" | "refused" | "waits" {
  let state = known(world, { ...recorded.members, ...desired.members });
  let members = recorded.members;
  const trail: string[] = [];
  for (let round = 0; round < 7; round++) {
    const live = seen(state, { ...recorded, members }, desired);
    // No MySQL anywhere: it is installed first.
    if (live === undefined) return "waits";
    const steps = plan(live, desired);
    if (steps.length === 0) return "done";
    if (steps.some(({ task }) => task.do === "refuse")) return "refused";
    for (const step of steps) {
      const { task } = step;
      const member = "member" in task ? state.servers[task.member] : undefined;
      if (member?.reach === "unreachable" && task.do !== "forget") return "waits";
      const counted = "member" in task ? (partyOf(state, task.member)?.reached ?? []) : [];
      // One that takes part, and is none of the members any more, is put out by nobody.
      if (
        task.do === "await expulsion" &&
        counted.some(
          (name) =>
            desired.members[name] === undefined && serverOf(state, name).reach === "unreachable",
        )
      ) {
        return "waits";
      }
      // A machine that was new to the state is looked at once more.
      if (task.do === "fill" && task.discards === "nothing" && holds(member)) return "refused";
      trail.push(step.sentence);
      try {
        const after = carryOut(state, task, desired);
        look(state, step, after);
        state = after;
      } catch (error) {
        throw new Error(`${error}, in: ${trail.join("; ")}`);
      }
    }
    members = withoutLeft(members, steps, desired);
  }
  const left = plan(seen(state, { ...recorded, members }, desired), desired).map(
    ({ sentence }) => sentence,
  );
  throw new Error(`still to do: ${left.join("; ")}; done: ${trail.join("; ")}`);
}

/** Without machines that nobody has heard of. */
function known(world: World, members: Group["members"]): World {
  const isKnown = (name: string) => members[name] !== undefined;
  const parties = world.parties.map((party): Party => {
    const reached = party.reached.filter(isKnown);
    const primary = isKnown(party.primary) ? party.primary : (reached[0] ?? "");
    return { ...party, primary, reached, lost: party.lost.filter(isKnown) };
  });
  return { ...world, parties: parties.filter(({ reached }) => reached.length > 0) };
}

function holds(server: Server | undefined): boolean {
  return server !== undefined && (server.schemas.length > 0 || server.cluster !== null);
}

// The same cases in each run of the suite; others, and more of them, with `TRILITHON_SEED` and `TRILITHON_RUNS`.
const options = {
  numRuns: Number(process.env.TRILITHON_RUNS ?? 1000),
  seed: Number(process.env.TRILITHON_SEED ?? 1),
};

interface Args {
  readonly recorded: Group;
  readonly desired: Group;
}

/** Tells what was thrown, with the steps that led to it, and the world in which that was. */
function always(t: ExecutionContext, hold: (world: World, args: Args) => void): void {
  const { failed, errorInstance, counterexample } = fc.check(
    fc.property(worlds, wanted, hold),
    options,
  );
  const [world, args] = counterexample ?? [];
  t.false(failed, `${errorInstance}\n${JSON.stringify({ world, ...plainly(args) }, null, 1)}`);
}

function plainly(args: Args | undefined) {
  if (args === undefined) return {};
  const { primary, discardDataOn, away, members } = args.desired;
  return {
    ...{ primary, discardDataOn, away, members: Object.keys(members) },
    recorded: Object.keys(args.recorded.members),
  };
}

test("the plan is empty exactly when nothing differs", (t) => {
  always(t, (world, { desired, recorded }) => {
    const live = seen(world, recorded, desired);
    const steps = plan(live, desired);
    const isSame = live !== undefined && diff(live, desired).length === 0;
    if ((steps.length === 0) !== isSame) {
      throw new Error(`${JSON.stringify(live && diff(live, desired))}: ${steps.length} steps`);
    }
  });
});

test("what the plan says makes it true, unless it refuses or waits for a machine", (t) => {
  const ends = { done: 0, refused: 0, waits: 0 };
  always(t, (world, args) => {
    ends[run(world, args, () => undefined)] += 1;
  });
  t.log(ends);
  t.true(ends.done > options.numRuns / 10);
});

test("nobody begins a group while another one has a majority, or a member was not asked", (t) => {
  always(t, (world, args) => {
    run(world, args, (before, { task }) => {
      if (task.do !== "bootstrap") return;
      const others = Object.keys(args.desired.members).filter(
        (name) => !args.desired.away.includes(name),
      );
      const isFormed = before.parties.some(
        (party) => hasQuorum(party) && party.reached.some((name) => others.includes(name)),
      );
      if (isFormed) throw new Error("there is a group");
      // Where MySQL was never installed there is nothing.
      const silent = others
        .map((name) => ({ name, ...serverOf(before, name) }))
        .filter(
          ({ reach, schemas }) => reach !== "answers" && (reach !== "absent" || schemas.length > 0),
        )
        .map(({ name }) => name);
      if (silent.length > 0) throw new Error(`${silent} may have more`);
    });
  });
});

test("what any member holds is in the group in the end, unless it is away or its data was given up", (t) => {
  always(t, (world, args) => {
    const { desired } = args;
    let state = world;
    const end = run(world, args, (_, __, after) => {
      state = after;
    });
    if (end !== "done") return;
    const kept = Object.keys(desired.members).filter(
      (name) => !desired.away.includes(name) && !desired.discardDataOn.includes(name),
    );
    const held = kept
      .map((name) => serverOf(world, name))
      .filter(({ cluster, reach }) => cluster === desired.cluster && reach !== "absent")
      .map(allOf);
    const party = state.parties.find(
      (one) => hasQuorum(one) && one.reached.some((name) => kept.includes(name)),
    );
    const now = union(...(party?.reached ?? []).map((name) => allOf(serverOf(state, name))));
    if (!isWithin(union(...held), now)) throw new Error(`${union(...held)} is not in ${now}`);
  });
});

test("data is never replaced on a member that has any, unless it is named in discardDataOn", (t) => {
  always(t, (world, args) => {
    run(world, args, (before, { task }) => {
      if (task.do !== "fill" || args.desired.discardDataOn.includes(task.member)) return;
      if (holds(serverOf(before, task.member))) throw new Error(`${task.member} has data`);
    });
  });
});

test("nobody joins with transactions that the group lacks", (t) => {
  always(t, (world, args) => {
    run(world, args, (before, { task }) => {
      if (task.do !== "join") return;
      const party = partyOf(before, task.through);
      const all = union(...(party?.reached ?? []).map((name) => allOf(serverOf(before, name))));
      const own = allOf(serverOf(before, task.member));
      if (!isWithin(own, all)) throw new Error(`${task.member} has ${own}, the group ${all}`);
    });
  });
});

test("a plan never makes a second primary, and opens nobody but the primary", (t) => {
  always(t, (world, args) => {
    const { members, away } = args.desired;
    // That one that is away, or taken out, goes on no more is the word of who says so.
    const counts = ({ reached }: Party) =>
      reached.some((name) => members[name] !== undefined && !away.includes(name));
    run(world, args, (before, { task }, after) => {
      const groups = before.parties.filter(hasQuorum);
      if (task.do === "bootstrap") {
        if (groups.some(counts)) throw new Error("a second group");
      } else if (after.parties.filter(hasQuorum).length > groups.length) {
        throw new Error("one group more");
      }
      if (task.do !== "open") return;
      const party = partyOf(before, task.member);
      if (party?.primary !== task.member || !hasQuorum(party)) throw new Error("no primary");
    });
  });
});

test("a group that has a majority is left only by who is to leave, or as a whole that was given up", (t) => {
  always(t, (world, args) => {
    run(world, args, (before, { task }) => {
      if (task.do !== "stop") return;
      const party = partyOf(before, task.member);
      if (party === undefined || !hasQuorum(party)) return;
      const given = [...args.desired.discardDataOn, ...args.desired.away];
      const kept = party.reached.filter((name) => !given.includes(name));
      if (kept.length > 0) throw new Error(`${kept} is in it as well`);
    });
  });
});

test("all is well only once a group counts none but the members", (t) => {
  always(t, (world, args) => {
    let state = world;
    const end = run(world, args, (_, __, after) => {
      state = after;
    });
    if (end !== "done") return;
    const { members, away } = args.desired;
    for (const { reached, lost } of known(state, { ...args.recorded.members, ...members })
      .parties) {
      if (!reached.some((name) => members[name] !== undefined && !away.includes(name))) continue;
      const strangers = [...reached, ...lost].filter((name) => members[name] === undefined);
      if (strangers.length > 0) throw new Error(`${strangers} are counted`);
    }
  });
});

test("who is taken out takes nobody's majority along", (t) => {
  always(t, (world, args) => {
    run(world, args, (before, { task }, after) => {
      if (task.do !== "leave" && task.do !== "forget") return;
      const party = partyOf(before, task.member);
      if (party === undefined || !hasQuorum(party)) return;
      for (const name of party.reached.filter((one) => one !== task.member)) {
        const now = partyOf(after, name);
        if (now === undefined || !hasQuorum(now)) throw new Error(`${name} has no majority`);
      }
    });
  });
});
