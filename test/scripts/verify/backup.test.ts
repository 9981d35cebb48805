import test from "ava";
import { judgeBackups } from "../../../scripts/verify/checks/backup";

const now = 1_770_000_000;
const answer = (ages: { readonly full?: number; readonly logs?: number }) =>
  [
    String(now),
    ...Object.entries(ages).map(
      ([what, age]) => `trilithon_backup_last_success_seconds{what="${what}"} ${now - age}`,
    ),
  ].join("\n");

test("one member that makes the copies is enough", (t) => {
  t.deepEqual(judgeBackups([answer({}), answer({ full: 7200, logs: 30 })]), {
    ...{ passed: true, seen: "logs 0.5 minutes old, a copy 2 hours old" },
  });
  t.true(judgeBackups([answer({ full: 7200 }), answer({ logs: 30 })]).passed);
});

test("what is old or was never made is told", (t) => {
  t.false(judgeBackups([answer({ full: 27 * 3600, logs: 30 })]).passed);
  t.false(judgeBackups([answer({ full: 60, logs: 301 })]).passed);
  t.is(judgeBackups([answer({ logs: 30 })]).seen, "no member has made a copy");
  t.is(judgeBackups(["", answer({})]).seen, "no member has made a copy or a log");
});
