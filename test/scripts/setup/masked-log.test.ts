import test from "ava";
import { asksForLog, maskLog } from "../../../scripts/setup/masked-log";

// As Pulumi 3.259.0 wrote them.
const record = (msg: string) =>
  JSON.stringify({ time: "2026-11-23T21:27:30Z", level: "INFO", msg, v: 9 });
const label = "ResourceMonitor.RegisterResource(trilithon:index:Password,a[0]: b)";

test("what stands inside a secret is not shown, whatever its key and its text are", (t) => {
  for (const [before, value] of [
    [`Unmarshaling property for RPC[${label}]: value=`, "s3cret"],
    [`Marshaling property for RPC[${label}]: value=`, 's3cret "quoted"]: a=\nsecond line'],
    [`Unmarshaling property for RPC[${label}]: with"quote=`, "s3cret"],
    [`Unmarshaling property for RPC[${label}]: files=`, "{[{map[content:{s3cret}]}]}"],
  ]) {
    t.is(JSON.parse(maskLog(record(`${before}${value}`))).msg, `${before}[not shown]`);
  }
});

test("every other line stays as it is", (t) => {
  const log = [
    record("Marshaling property for RPC: none"),
    record("planner decided to update value=1"),
    "lb-01: write /etc/haproxy/haproxy.cfg (2 lines)",
    "",
  ].join("\n");
  t.is(maskLog(log), log);
});

test("the flags that turn the log on are known in every form", (t) => {
  for (const flag of ["-v", "-v=9", "-v9", "--verbose", "--verbose=9", "--logtostderr"]) {
    t.true(asksForLog(["up", flag]), flag);
  }
  for (const args of [["up", "--yes"], ["version"], ["preview", "--version"], ["-s", "dev"]]) {
    t.false(asksForLog(args), args.join(" "));
  }
});
