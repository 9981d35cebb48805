import test from "ava";
import { renderMoreConfinement } from "../../../components/render/unit-confinement";
import { isGolden } from "./golden";

test("what is taken from a daemon that is not restarted for it", (t) => {
  isGolden(t, "confinement.conf", renderMoreConfinement());
});
