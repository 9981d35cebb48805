import test from "ava";
import {
  renderChronyConfig,
  renderChronyDropIn,
  renderChronyMore,
} from "../../../components/render/chrony";
import { isGolden } from "./golden";

test("servers in place of the package's pool, a drop-in for containers, and no port", (t) => {
  isGolden(t, "chrony.conf", renderChronyConfig(["10.0.0.5", "time.example.com"]));
  isGolden(t, "chrony-drop-in.conf", renderChronyDropIn());
  isGolden(t, "chrony-more.conf", renderChronyMore());
});
