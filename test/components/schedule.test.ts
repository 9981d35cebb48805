import { execFileSync } from "node:child_process";
import test from "ava";
import { isSchedule, withTimeZone } from "../../components/schedule";

const good = [
  ...["daily", "Weekly", "hourly UTC", "*:0/5", "02:30", "02:30:15", "*-*-* 02:30", "*-*-01 00:00"],
  ...["Mon..Fri 08:00", "Mon..Fri 08:00 Europe/Berlin", "Sat,Sun *-*-* 8..17/3:00", "12-24 18:00"],
  ...[
    "2027-01-01 00:00 UTC",
    "*-02~01",
    "Mon *-*-1..7",
    "monday 10:00",
    "Mon-Fri 8:00",
    "*-*-* *:*:0/10",
    "Sun",
  ],
  ...["*-*-* 08,20:00 America/New_York", "*-1/3-1 04:00 America/Argentina/Buenos_Aires"],
];

/** What people write who know cron, and what only looks like it. */
const bad = [
  ...["", " daily", "daily ", "*/5 * * * *", "0 2 * * *", "@daily", "every day", "*:*/5", "25:00"],
  ...["02:60", "8am", "2:30:00:00", "Fri..Mon 08:00", "Mo 08:00", "13-01", "*-*-32", "02:30 CEST"],
  ...["02:30 europe/berlin", "02:30 Europe/Bielefeld", "UTC", "5..3:00", "*:0/0", "daily 02:30"],
  ...["*-*-* 02:30 Europe/Berlin UTC", "02:30\nPersistent=yes", "02:30\t*", "Mon *-*-* 02:30 x"],
];

for (const schedule of good) {
  test(`${schedule} is a schedule`, (t) => t.true(isSchedule(schedule)));
}

for (const schedule of bad) {
  test(`${JSON.stringify(schedule)} is none`, (t) => t.false(isSchedule(schedule)));
}

test("a schedule without a time zone is in UTC", (t) => {
  t.is(withTimeZone("02:30"), "02:30 UTC");
  t.is(withTimeZone("daily"), "daily UTC");
  t.is(withTimeZone("02:30 Europe/Berlin"), "02:30 Europe/Berlin");
  t.is(withTimeZone("02:30 UTC"), "02:30 UTC");
});

const hasSystemd = (() => {
  try {
    execFileSync("systemd-analyze", ["calendar", "daily"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

(hasSystemd ? test : test.skip)("systemd takes each of them", (t) => {
  for (const schedule of good) {
    t.notThrows(
      () =>
        execFileSync("systemd-analyze", ["calendar", withTimeZone(schedule)], { stdio: "pipe" }),
      schedule,
    );
  }
});
