import test from "ava";
import { hasOpenPortsOf } from "../support/security-page";

test("docs/security.md says what is open on the stack ha, and to whom", (t) =>
  hasOpenPortsOf(t, "ha"));
