import test from "ava";
import type { Site } from "../../../scripts/verify/check";
import {
  hardeningChecks,
  judgeKernel,
  judgeSshd,
  judgeTime,
} from "../../../scripts/verify/checks/hardening";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "./sample";

test("each host is asked for the parts that there are", async (t) => {
  t.deepEqual(hardeningChecks(parseEndpoints(sampleOutput)), []);
  const hardening = { sshdCommand: "/x/sshd", kernelCommand: "/x/kernel", time: true };
  const endpoints = parseEndpoints({ ...sampleOutput, hardening });
  const checks = hardeningChecks(endpoints);
  t.is(checks.length, 3 * endpoints.hosts.length);
  const asked: string[] = [];
  const run: Site["run"] = async (host, script) => {
    asked.push(`${host.name}: ${script.trim()}`);
    return "";
  };
  for (const check of checks.slice(0, 2))
    t.true((await check.run({ endpoints, run } as Site)).passed);
  t.is(asked[0], "lb-01: /x/sshd check || true");
  t.regex(asked[1] ?? "", /^lb-01: \/x\/kernel differs .*\/x\/kernel forbidden /);
  t.deepEqual(
    hardeningChecks(parseEndpoints({ ...sampleOutput, hardening: { time: true } })).map(
      ({ name }) => name,
    ),
    ["lb-01", "web-01", "web-02"].map((name) => `${name}: its clock is right`),
  );
});

test("what keeps sshd from it is told", (t) => {
  t.true(judgeSshd("").passed);
  const finding = judgeSshd('sshd has "passwordauthentication yes", not ...\n');
  t.false(finding.passed);
  t.deepEqual(finding.lines, ['sshd has "passwordauthentication yes", not ...']);
});

test("a setting of the kernel that differs fails, one that a container may not change is told", (t) => {
  t.deepEqual(judgeKernel(""), { passed: true, seen: "as the stack wants them" });
  const told = judgeKernel("forbidden kernel.kptr_restrict is 0, not 1\n");
  t.true(told.passed);
  t.is(
    told.seen,
    "as the stack wants them, but for 1 that only the machine of this container can change",
  );
  t.deepEqual(told.lines, ["left to its machine: kernel.kptr_restrict is 0, not 1"]);
  t.false(judgeKernel("differs vm.swappiness is 60, not 10\n").passed);
});

/** As `chronyc -n -c tracking` has it. */
const tracking = (off: string, status = "Normal") =>
  `0A000005,10.0.0.5,11,1764460800.123456,${off},0.000001,0.000002,-1.5,0.001,0.1,0.0002,0.0003,64.2,${status}`;

test("the clock: right, off, not synchronised, and not known", (t) => {
  const on = (place: string, line: string) => judgeTime(`${place}\n${line}\n`);
  t.deepEqual(on("machine", tracking("-0.000012")), {
    passed: true,
    seen: "0.000012 s off, says 10.0.0.5",
  });
  t.regex(
    on("container", tracking("0.000012")).seen,
    /the clock is that of the container's machine/,
  );
  t.false(on("machine", tracking("1.5")).passed);
  t.false(on("container", tracking("-1.5")).passed);
  const none = tracking("0.0", "Not synchronised").replace("0A000005,10.0.0.5", "00000000,");
  t.deepEqual(on("machine", none), {
    passed: false,
    seen: "not synchronised: no time server answers",
  });
  t.true(on("container", none).passed);
  t.regex(on("container", none).seen, /^not known: /);
  t.false(judgeTime("machine\n506 Cannot talk to daemon\n").passed);
});
