import test from "ava";
import type { Context } from "../../../../provider/kind";
import { withoutLeft } from "../../../../provider/kinds/mysql-group/apply";
import { readGroup } from "../../../../provider/kinds/mysql-group/read";
import type { GroupStep } from "../../../../provider/kinds/mysql-group/steps";
import { unknown } from "../../../../provider/protocol/values";
import { answersOf, freshMember, type World } from "../../../support/group-model";
import { group } from "../../../support/mysql-inputs";

const world: World = {
  servers: Object.fromEntries([1, 2, 3].map((number) => [`node-0${number}`, freshMember])),
  parties: [],
};

/** Answers as the hosts' scripts do, and remembers who was asked. */
function hosts() {
  const asked: string[] = [];
  const answers = answersOf(world, group());
  const ask: Context["ask"] = async ({ name }) => {
    asked.push(name);
    const answer = answers[name];
    if (answer?.mysqld !== "running") throw new Error(`${name} is not asked`);
    return `running\n${JSON.stringify(answer.facts)}\nlogins\n`;
  };
  // A read uses nothing else of it.
  return { asked, context: { ask } as unknown as Context };
}

test("new members are asked too, where they can be, and none that is away", async (t) => {
  const desired = group({ away: ["node-02"] });
  const { asked, context } = hosts();
  const live = await readGroup(group({}, 1), context, desired);
  t.deepEqual(asked.sort(), ["node-01", "node-03"]);
  t.deepEqual(Object.keys(live?.members ?? {}), ["node-01"]);
  t.is(live?.status["node-03"]?.mysqld.state, "running");
  t.is(live?.status["node-02"]?.mysqld.state, "away");
  const node = desired.members["node-03"];
  const members = {
    ...group({}, 1).members,
    // A preview does not know it yet.
    ...(node && { "node-03": { ...node, address: unknown } }),
  };
  const later = hosts();
  await readGroup(group({}, 1), later.context, { ...group({}, 1), members });
  t.deepEqual(later.asked, ["node-01"]);
});

test("who is to leave is asked until it has left", (t) => {
  const leave = { task: { do: "leave", member: "node-02" } } as GroupStep;
  const { members } = group();
  t.deepEqual(Object.keys(withoutLeft(members, [], group({}, 1))).sort(), [
    "node-01",
    "node-02",
    "node-03",
  ]);
  t.deepEqual(Object.keys(withoutLeft(members, [leave], group({}, 1))).sort(), [
    "node-01",
    "node-03",
  ]);
});
