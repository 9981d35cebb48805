import test from "ava";
import fc from "fast-check";
import { isSubset, parseGtidSet } from "../../../../provider/kinds/mysql/gtid";
import type { Answer, Source } from "../../../../provider/kinds/mysql/probe";
import type { Replication } from "../../../../provider/kinds/mysql-replication/args";
import { diff } from "../../../../provider/kinds/mysql-replication/diff";
import { plan } from "../../../../provider/kinds/mysql-replication/plan";
import { observe } from "../../../../provider/kinds/mysql-replication/read";
import type { ReplicationStep } from "../../../../provider/kinds/mysql-replication/steps";
import { cluster, names } from "../../../support/mysql-inputs";
import {
  carryOut,
  freshServer,
  noAccounts,
  replicationAccounts,
  running,
  type Servers,
  sourceOf,
  withStatus,
} from "../../../support/mysql-model";

const wanted = fc
  .record({
    size: fc.constantFrom(2, 3),
    primary: fc.constantFrom("web-01", "web-02"),
    discardDataOn: fc.subarray(["web-01", "web-02"]),
    durability: fc.constantFrom("wait-for-replica" as const, { carryOnAfterSeconds: 5 }),
    verification: fc.constantFrom({}, { authority: "/etc/authority.pem" }),
  })
  .map(({ size, verification, ...more }) => cluster({ ...more, ...verification }, size));

const onOff = fc.constantFrom("ON", "OFF");
const transactions = ["00000001:1-5", "00000001:1-9", "00000001:1-5,00000002:1", "00000003:1-2"];

/** Any state that a member can be found in, possible or not. */
function server(name: string): fc.Arbitrary<Answer> {
  const found = fc
    .record({
      cluster: fc.constantFrom("guestbook", "guestbook", "guestbook", null, "shop"),
      schemas: fc.constantFrom<string[][]>([], ["guestbook"]),
      gtidExecuted: fc.constantFrom(...transactions),
      superReadOnly: fc.constantFrom(0, 1),
      readOnly: fc.constantFrom(0, 1),
      offlineMode: fc.constantFrom(0, 0, 0, 1),
      persisted: fc.dictionary(fc.constantFrom("super_read_only", "read_only"), onOff),
      source: fc.option(source(), { freq: 3 }),
      sourceEnabled: onOff,
      replicaEnabled: onOff,
      gtidMode: fc.constant("ON"),
      hasAccount: fc.boolean(),
    })
    .map(({ sourceEnabled, replicaEnabled, hasAccount, ...change }): Answer => {
      const { facts } = running({ [name]: freshServer(name) }, name);
      const variables = {
        ...facts.variables,
        rpl_semi_sync_source_enabled: sourceEnabled,
        rpl_semi_sync_replica_enabled: replicaEnabled,
      };
      const found = hasAccount ? replicationAccounts() : noAccounts;
      return { mysqld: "running", facts: { ...facts, ...change, variables }, ...found };
    });
  return fc.oneof(
    { weight: 8, arbitrary: found },
    { weight: 2, arbitrary: fc.constant(freshServer(name)) },
    { weight: 1, arbitrary: fc.constant<Answer>({ mysqld: "silent", reason: "ERROR 2002" }) },
    { weight: 1, arbitrary: fc.constant<Answer>({ mysqld: "absent" }) },
  );
}

function source(): fc.Arbitrary<Source> {
  return fc
    .record({
      of: fc.constantFrom(...names),
      receiver: fc.constantFrom("ON", "ON", "OFF", "CONNECTING"),
      applier: fc.constantFrom("ON", "ON", "OFF"),
      receiverError: fc.constantFrom(null, "error 2003: cannot connect"),
      isPasswordRight: fc.constantFrom(1, 1, 0),
      authority: fc.constantFrom("/etc/authority.pem", "/etc/authority.pem", ""),
      verifies: fc.constantFrom("YES", "YES", "NO"),
    })
    .map(({ of, ...change }) => ({ ...sourceOf(of, cluster({}, 3)), ...change }));
}

const servers: fc.Arbitrary<Servers> = fc
  .record({ "web-01": server("web-01"), "web-02": server("web-02"), "web-03": server("web-03") })
  .map(withStatus);

test("the plan is empty exactly when nothing differs", (t) => {
  fc.assert(
    fc.property(servers, wanted, (found, args) => {
      const live = observe(pick(found, Object.keys(args.members)), args);
      if (live === undefined) t.not(plan(live, args).length, 0);
      else t.is(plan(live, args).length === 0, diff(live, args).length === 0);
    }),
    { numRuns: 1000 },
  );
});

test("what the plan says makes it true, unless it refuses", (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(servers, wanted, (found, args) => {
        let state = pick(found, Object.keys(args.members));
        for (let round = 0; round < 4; round++) {
          const live = observe(state, args);
          if (live === undefined) return;
          const steps = plan(live, args);
          if (steps.some(({ task }) => task.do === "refuse")) return;
          if (steps.length === 0) return;
          for (const { task } of steps) state = carryOut(state, task, args);
        }
        throw new Error(`still to do: ${JSON.stringify(plan(observe(state, args), args))}`);
      }),
      { numRuns: 1000 },
    ),
  );
});

test("data is never replaced on a member that has any, unless it is named in discardDataOn", (t) => {
  fc.assert(
    fc.property(servers, wanted, (found, args) => {
      const state = pick(found, Object.keys(args.members));
      const live = observe(state, args);
      if (live === undefined) return;
      for (const { task } of plan(live, args)) {
        if (task.do !== "fill") continue;
        const { facts } = running(state, task.member);
        const isEmpty = facts.cluster === null && facts.schemas.length === 0;
        t.true(isEmpty || args.discardDataOn.includes(task.member));
      }
    }),
    { numRuns: 1000 },
  );
});

function pick(found: Servers, members: readonly string[]): Servers {
  return Object.fromEntries(Object.entries(found).filter(([name]) => members.includes(name)));
}

test("no transaction of a member is let go unless it is named in discardDataOn", (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(servers, wanted, (found, args) => {
        eachStep(found, args, (state, { task }) => {
          const source =
            task.do === "follow" ? task.source : task.do === "fill" ? task.from : undefined;
          if (source === undefined || !("member" in task)) return;
          if (args.discardDataOn.includes(task.member)) return;
          const { facts } = running(state, task.member);
          if (facts.cluster !== args.cluster) return;
          const own = parseGtidSet(facts.gtidExecuted);
          const its = parseGtidSet(running(state, source).facts.gtidExecuted);
          // Not an assertion of the test's own: only what is thrown is told with the states that led to it.
          if (!isSubset(own, its)) throw new Error(`${task.member} has what ${source} lacks`);
        });
      }),
      { numRuns: 1000 },
    ),
  );
});

test("nothing is opened while another member of the cluster takes writes", (t) => {
  fc.assert(
    fc.property(servers, wanted, (found, args) => {
      eachStep(found, args, (state, { task }) => {
        if (task.do !== "open") return;
        const open = Object.keys(state).filter((name) => {
          const server = state[name];
          return (
            name !== task.member && server?.mysqld === "running" && server.facts.superReadOnly === 0
          );
        });
        t.deepEqual(open, [], `${task.member} is opened`);
      });
    }),
    { numRuns: 1000 },
  );
});

test("the primary of the settings is the one in truth when nothing is left to do", (t) => {
  fc.assert(
    fc.property(servers, wanted, (found, args) => {
      const live = observe(pick(found, Object.keys(args.members)), args);
      t.false(
        live !== undefined && plan(live, args).length === 0 && live.primary !== args.primary,
        live?.primary,
      );
    }),
    { numRuns: 1000 },
  );
});

/** Looks at the cluster before each step that is carried out, until nothing is left or something is refused. */
function eachStep(
  found: Servers,
  args: Replication,
  look: (state: Servers, step: ReplicationStep) => void,
): void {
  let state = pick(found, Object.keys(args.members));
  for (let round = 0; round < 4; round++) {
    const live = observe(state, args);
    if (live === undefined) return;
    const steps = plan(live, args);
    if (steps.length === 0 || steps.some(({ task }) => task.do === "refuse")) return;
    for (const step of steps) {
      look(state, step);
      state = carryOut(state, step.task, args);
    }
  }
}
