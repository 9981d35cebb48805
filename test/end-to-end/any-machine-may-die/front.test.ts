/** The load balancers and the web servers of three machines: one round of each of their faults, under load. */
import test from "ava";
import { frontFaults } from "../../../scripts/drill/faults";
import { HaStack } from "./ha-stack";

let ha: HaStack;

test.before(async () => {
  ha = await HaStack.up("ha-front", 77, ["backup"]);
});

test.after.always(() => ha?.remove());

test.serial("three machines are a stack that verifies", (t) => ha.verifies(t));

test.serial("what listens on each machine is what is declared, and nothing else", (t) =>
  ha.listensAsDeclared(t),
);

for (const fault of frontFaults) {
  test.serial(`${fault.kind}: ${fault.about}`, (t) => ha.survives(t, fault));
}

test.serial("the stack verifies after all that", (t) => ha.verifies(t));
