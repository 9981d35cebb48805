import test from "ava";
import { parseReleases } from "../../../scripts/operate/releases";
import {
  fillWayBack,
  planRollback,
  renderRollbackPlan,
} from "../../../scripts/operate/rollback-plan";

/** Of a host with `versions`, of which the first is live; a line of the log is `MINUTE VERSION BEFORE RESULT`. */
function host(name: string, versions: readonly string[], log: readonly string[]) {
  const lines = log.map((line) => {
    const [minute, version, before, ...result] = line.split(" ");
    return `release 2026-11-29T07:${minute}:00Z\t${version}\t${before}\tada@laptop\tcommit-${version}\t${result.join(" ")}\t`;
  });
  return parseReleases(
    name,
    [`current ${versions[0]}`, ...versions.map((one) => `version ${one}`), ...lines].join("\n"),
  );
}

const released = ["01 aaa  done", "02 bbb aaa done", "03 ccc bbb done", "04 ddd ccc taken back"];

test("without a version it is the one before, on each host", (t) => {
  const hosts = ["web-01", "web-02"].map((name) => host(name, ["ccc", "bbb", "aaa"], released));
  const plan = planRollback(hosts, undefined);
  t.deepEqual(plan, {
    ...{ version: "bbb", commit: "commit-bbb", done: [] },
    turns: ["web-01", "web-02"].map((name) => ({ host: name, from: "ccc" })),
  });
  t.is(
    renderRollbackPlan(plan),
    `web-01: ccc -> bbb
web-02: ccc -> bbb
One host after the other. No release command is run: the database stays as it is.
`,
  );
});

test("after a way back it is the one before that, not the one that was left", (t) => {
  const log = [...released, "05 bbb ccc rolled back"];
  t.is(planRollback([host("web-01", ["bbb", "ccc", "aaa"], log)], undefined).version, "aaa");
});

test("a roll that stopped half way leads all hosts to the version that the others have", (t) => {
  const half = ["01 aaa  done", "02 bbb aaa done"];
  const hosts = [
    host("web-01", ["ccc", "bbb"], [...half, "03 ccc bbb done"]),
    host("web-02", ["bbb", "ccc"], [...half, "04 ccc bbb taken back"]),
  ];
  const { version, turns, done } = planRollback(hosts, undefined);
  t.deepEqual(
    { version, turns, done },
    { version: "bbb", turns: [{ host: "web-01", from: "ccc" }], done: ["web-02"] },
  );
  t.deepEqual(planRollback(hosts, "ccc").done, ["web-01"]);
});

test("a configuration that changed is no release to go back from", (t) => {
  const log = [...released, "05 ccc ccc done"];
  t.is(planRollback([host("web-01", ["ccc", "bbb"], log)], undefined).version, "bbb");
});

test("a version that one host has not is refused with what is there", (t) => {
  const hosts = [
    host("web-01", ["ccc", "bbb"], released),
    host("web-02", ["ccc", "aaa"], released),
    host("web-03", ["ccc"], released),
  ];
  t.throws(() => planRollback(hosts, undefined), {
    message: `web-02: version bbb is not there: expected one of ccc, aaa
web-03: version bbb is not there: expected one of ccc
no host was changed`,
  });
});

test("a first version has none before it", (t) => {
  t.throws(() => planRollback([host("web-01", ["aaa"], ["01 aaa  done"])], undefined), {
    message: "no version before is known: expected a VERSION, one of aaa",
  });
});

test("a host that does not answer stops it before any other is touched", (t) => {
  const hosts = [host("web-01", ["ccc", "bbb"], released), { host: "web-02", fault: "timed out" }];
  t.throws(() => planRollback(hosts, "bbb"), {
    message: /^web-02: timed out\nno host was changed/,
  });
});

test("what is filled in stays one word of a shell", (t) => {
  const text =
    "# Written by trilithon at each release. deadlineSeconds=1234\necho @VERSION@ @WHO@ @COMMIT@";
  const plan = { version: "bbb", commit: "", turns: [], done: [] };
  const { script, deadlineSeconds } = fillWayBack(text, plan, "ada l'o; rm@laptop");
  t.is(script.split("\n")[1], "echo bbb ada_l_o__rm@laptop -");
  t.is(deadlineSeconds, 1234);
  t.throws(() => fillWayBack("", plan, "ada@laptop"), { message: /cut short/ });
});
