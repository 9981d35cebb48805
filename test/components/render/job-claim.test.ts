import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import {
  type ClaimTimes,
  renderJobClaim,
  renderJobClaimOptions,
} from "../../../components/render/job-claim";
import { onLinux } from "../../support/on-linux";
import { isGolden } from "./golden";

test("renders what claims a run, and how it reaches the database", (t) => {
  isGolden(t, "trilithon-shop-job", renderJobClaim("/etc/shop/jobs.cnf"));
  const access = { host: "127.0.0.1", port: "6446", name: "shop", user: "shop" };
  isGolden(t, "jobs.cnf", renderJobClaimOptions({ ...access, password: "a\\b" }));
  const authority = "/etc/shop/database-authority.pem";
  const verifying = renderJobClaimOptions({ ...access, password: "a", authority });
  t.regex(verifying, /\nssl-mode=VERIFY_IDENTITY\nssl-ca=\/etc\/shop\/database-authority\.pem\n/);
});

/** Answers each kind of statement line after line, the last for ever: fields, an error of MySQL, or nothing at all. */
const client = String.raw`#!/bin/sh
for word; do case $word in --execute=*) asked=$word ;; esac; done
cd "$(dirname "$0")"
case $asked in
  *CREATE*) kind=create ;;
  *INSERT*) kind=claim ;;
  *COUNT*) kind=renew ;;
  *) kind=release ;;
esac
printf '%s\n' "$kind $asked" | tr '\n' ' ' >>asked
echo >>asked
answer=$(head -n 1 $kind)
[ "$(wc -l <$kind)" -le 1 ] || sed -i 1d $kind
case $answer in
  ERROR*) echo "$answer" >&2; exit 1 ;;
  silent) exec sleep 60 ;;
  *) printf 'job\t%s\n' "$answer" ;;
esac
`;

interface Run {
  readonly claim: readonly string[];
  readonly renew?: readonly string[];
  readonly command?: readonly string[];
  readonly schedule?: string;
  /** When it is started, in seconds since 1970. */
  readonly at?: number;
  readonly deadlineSeconds?: number;
  /** Default: more than a busy machine needs. */
  readonly times?: Partial<ClaimTimes>;
}

function begin(t: ExecutionContext, run: Run) {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-job-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const times = {
    ...{ lease: 60, giveUp: 60, renew: 0.2, answer: 60, patience: 60 },
    ...run.times,
  };
  const { claim, renew = ["1"], command = ["true"], schedule = "*:*:0/10 UTC" } = run;
  const { at = 1_800_000_007, deadlineSeconds = 600 } = run;
  const answers = { claim, renew, release: [""], create: [""] };
  for (const [kind, lines] of Object.entries(answers)) {
    writeFileSync(join(folder, kind), lines.map((line) => `${line}\n`).join(""));
  }
  writeFileSync(join(folder, "mysql"), client, { mode: 0o755 });
  writeFileSync(join(folder, "job"), renderJobClaim(join(folder, "jobs.cnf"), times), {
    mode: 0o755,
  });
  writeFileSync(join(folder, "Clock.pm"), `*CORE::GLOBAL::time = sub { ${at} }; 1`);
  const words = ["report", schedule, String(deadlineSeconds), ...command];
  const runner = spawn(join(folder, "job"), words, {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      HOST_NAME: "web-02",
      // Its clock.
      PERL5OPT: `-I${folder} -MClock`,
    },
  });
  let said = "";
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.on("data", (part) => {
      said += part;
    });
  }
  const ended = new Promise<number | null>((resolve) => runner.on("close", resolve));
  const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
  const hasFile = (name: string) => existsSync(join(folder, name));
  return { runner, ended, asked, hasFile, said: () => said };
}

async function finish(t: ExecutionContext, run: Run) {
  const begun = begin(t, run);
  const status = await begun.ended;
  // On a busy machine any command lasts until it is time to renew.
  const kinds = begun
    .asked()
    .map((line) => line.split(" ")[0])
    .filter((kind) => kind !== "renew");
  return { ...begun, status, kinds, said: begun.said() };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(20);
};

const mine = "1\t1\t2027-01-15 08:00:36\tweb-02\t0";
const another = "0\t1\t2027-01-15 08:00:36\tweb-01\t0";
const held = "0\t0\t2027-01-15 08:00:36\tweb-01\t0";
const renewed = "0\t0\t2027-01-15 08:00:39\tweb-01\t0";

onLinux("the host whose claim is first runs the command, and gives the run back", async (t) => {
  const { status, kinds, said } = await finish(t, {
    claim: [mine],
    command: ["sh", "-c", 'echo "ran as $HOST_NAME"; exit 7'],
  });
  t.is(status, 7);
  t.is(said, "the run of 2027-01-15 08:00:00 UTC\nran as web-02\n");
  t.deepEqual(kinds, ["claim", "release"]);
});

onLinux("a run that another host has is not run", async (t) => {
  const { status, kinds, said } = await finish(t, { claim: [another], command: ["touch", "ran"] });
  t.is(status, 0);
  t.is(said, "the run of 2027-01-15 08:00:00 UTC is that of web-01\n");
  t.deepEqual(kinds, ["claim"]);
});

onLinux("where the run before still runs, this one is left out", async (t) => {
  const { status, said, hasFile } = await finish(t, {
    claim: [held, held, renewed],
    command: ["touch", "ran"],
  });
  t.is(status, 0);
  t.is(said, "still runs on web-01: the run of 2027-01-15 08:00:00 UTC is left out\n");
  t.false(hasFile("ran"));
});

onLinux("one whose host died is waited for", async (t) => {
  const { status, kinds, hasFile } = await finish(t, {
    claim: [held, held, mine],
    command: ["touch", "ran"],
  });
  t.is(status, 0);
  t.true(hasFile("ran"));
  t.deepEqual(kinds, ["claim", "claim", "claim", "release"]);
});

onLinux("a database that is away makes a run late, and then missed", async (t) => {
  const refused = "ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.1:6446' (111)";
  const late = await finish(t, { claim: [refused, mine], command: ["touch", "ran"] });
  t.is(late.status, 0);
  t.true(late.hasFile("ran"));
  const missed = await finish(t, {
    ...{ claim: [refused], command: ["touch", "ran"] },
    times: { patience: 2 },
  });
  t.not(missed.status, 0);
  t.false(missed.hasFile("ran"));
  t.is(
    missed.said,
    `the run of 2027-01-15 08:00:00 UTC is missed: the database has not answered for 2 seconds: ${refused}\n`,
  );
});

onLinux("the table is made when it is not there", async (t) => {
  const claim = ["ERROR 1146 (42S02) at line 1: Table 'shop.trilithon_jobs' doesn't exist", mine];
  const { status, kinds } = await finish(t, { claim });
  t.is(status, 0);
  t.deepEqual(kinds, ["claim", "create", "claim", "release"]);
});

onLinux("a host whose clock is ahead runs nothing", async (t) => {
  const claim = ["0\t0\t1970-01-01 00:00:00.000\t\t1"];
  const { status, said, hasFile } = await finish(t, { claim, command: ["touch", "ran"] });
  t.not(status, 0);
  t.false(hasFile("ran"));
  t.regex(said, /^the clock of this host is ahead of the database's: /);
});

/** It takes no notice of a signal, and neither does what it has started. */
const stubborn = ["sh", "-c", "trap '' TERM; (trap '' TERM; sleep 61.5) & sleep 61.5"];

const isRunning = (word: string) => {
  try {
    execFileSync("pgrep", ["-f", word]);
    return true;
  } catch {
    return false;
  }
};

onLinux(
  "it is ended where the run is another host's by now, with all that it started",
  async (t) => {
    const { status, said } = await finish(t, {
      ...{ claim: [mine], renew: ["1", "0"] },
      command: stubborn,
    });
    t.is(status, 1);
    t.regex(said, /\nended: another host has the run\n$/);
    t.false(isRunning("sleep 61.5"));
  },
);

onLinux(
  "it is ended where the database does not answer, before another host may begin",
  async (t) => {
    const { status, said } = await finish(t, {
      ...{ claim: [mine], renew: ["1", "silent"], times: { giveUp: 2, answer: 1 } },
      command: ["sleep", "63.5"],
    });
    t.is(status, 1);
    t.regex(
      said,
      /\nended: the database has not answered for 2 seconds, and another host may begin\n$/,
    );
    t.false(isRunning("sleep 63.5"));
  },
);

onLinux("it is ended after its deadline", async (t) => {
  const { status, said } = await finish(t, {
    ...{ claim: [mine], deadlineSeconds: 1 },
    command: ["sleep", "64.5"],
  });
  t.is(status, 1);
  t.regex(said, /\nended: not done within 1 seconds \(deadlineSeconds\)\n$/);
});

onLinux("told to stop, it lets the command end and gives the run back", async (t) => {
  const command = ["sh", "-c", "trap 'touch told; exit 3' TERM; touch ran; sleep 65.5 & wait"];
  const { runner, ended, hasFile, asked } = begin(t, { claim: [mine], command });
  await until(() => hasFile("ran"));
  runner.kill("SIGTERM");
  t.is(await ended, 3);
  t.true(hasFile("told"));
  // A renewal that was under way may come after it.
  t.true(asked().some((words) => words.startsWith("release ")));
});

const hasSystemd = existsSync("/usr/bin/systemd-analyze");

/** Each with the time that a timer started it, and the one that it is for. */
const times: readonly (readonly [string, string, string])[] = [
  ["*:*:0/3 UTC", "2026-11-29T13:45:05Z", "2026-11-29 13:45:03"],
  ["*:*:0/3 UTC", "2026-11-29T13:45:06Z", "2026-11-29 13:45:06"],
  ["*:*:0..20 UTC", "2026-11-29T13:45:50Z", "2026-11-29 13:45:20"],
  // As after a night in which the host was off.
  ["*-*-* 02:30 UTC", "2026-11-29T13:45:05Z", "2026-11-29 02:30:00"],
  ["yearly UTC", "2026-11-29T13:45:05Z", "2026-01-01 00:00:00"],
  // Winter, and summer.
  ["Mon..Fri 08:00 Europe/Berlin", "2026-01-14T07:00:01Z", "2026-01-14 07:00:00"],
  ["Mon..Fri 08:00 Europe/Berlin", "2026-07-14T06:00:01Z", "2026-07-14 06:00:00"],
  // The day that has no 02:30, and the one that has it twice.
  ["02:30 Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28 01:30:00"],
  ["02:30 Europe/Berlin", "2026-10-25T00:30:01Z", "2026-10-25 00:30:00"],
  ["02:30 Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25 00:30:00"],
];

for (const [schedule, at, expected] of times) {
  (hasSystemd ? test : test.skip)(`${schedule} at ${at} is for ${expected}`, async (t) => {
    const { said } = await finish(t, { claim: [mine], schedule, at: Date.parse(at) / 1000 });
    t.is(said, `the run of ${expected} UTC\n`);
  });
}
