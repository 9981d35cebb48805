/** The program itself, on binary logs of the form that MySQL writes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { renderBinlogScript } from "../../../components/render/binlog";
import { isGolden } from "./golden";

const uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const other = "4f22fa47-71ca-11e1-9e33-c80aa9429562";
const folder = mkdtempSync(join(tmpdir(), "trilithon-binlog-"));
const script = join(folder, "trilithon-binlog");

test.before(() => writeFileSync(script, renderBinlogScript()));
test.after.always(() => rmSync(folder, { recursive: true }));

function numbers(...values: readonly (number | bigint)[]): Buffer {
  const buffer = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => {
    buffer.writeBigUInt64LE(BigInt(value), 8 * index);
  });
  return buffer;
}

function event(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(19);
  header.writeUInt8(type, 4);
  header.writeUInt32LE(19 + body.length + 4, 9);
  return Buffer.concat([header, body, Buffer.alloc(4)]);
}

const idOf = (text: string) => Buffer.from(text.replaceAll("-", ""), "hex");

/** Each with its transactions up to a number. */
function previousGtids(sets: Readonly<Record<string, number>>): Buffer {
  const all = Object.entries(sets).map(([id, last]) =>
    Buffer.concat([idOf(id), numbers(1, 1, last + 1)]),
  );
  return event(35, Buffer.concat([numbers(all.length), ...all]));
}

interface Transaction {
  readonly number: number;
  /** When it committed at its origin. */
  readonly at: number;
  /** Where it was received: a replica has both times. */
  readonly here?: number;
  readonly id?: string;
}

/** With the rows of it, which the program skips. */
function transaction({ number, at, here, id = uuid }: Transaction): Buffer {
  const flag = here === undefined ? 0n : 1n << 55n;
  const times = [numbers(BigInt(here ?? at) | flag).subarray(0, 7)];
  if (here !== undefined) times.push(numbers(at).subarray(0, 7));
  const head = [Buffer.from([1]), idOf(id), numbers(number), Buffer.from([2]), numbers(0, 1)];
  return Buffer.concat([
    event(33, Buffer.concat([...head, ...times])),
    event(30, Buffer.alloc(50)),
  ]);
}

function writeLog(name: string, ...events: readonly Buffer[]): string {
  const file = join(folder, name);
  writeFileSync(file, Buffer.concat([Buffer.from("fe62696e", "hex"), ...events]));
  return file;
}

function plan(executed: string, target: string, ...files: readonly string[]) {
  const args = [script, "plan", executed, target, ...files];
  const { status, stdout, stderr } = spawnSync("perl", args, { encoding: "utf8" });
  const short = (text: string) => text.replaceAll(`${folder}/`, "").trimEnd().split("\n");
  return status === 0 ? short(stdout) : [`status ${status}`, ...short(stderr)];
}

const first = writeLog(
  "binlog.000001",
  previousGtids({}),
  transaction({ number: 1, at: 1000 }),
  transaction({ number: 2, at: 2000, here: 9000 }),
);
const second = writeLog(
  "binlog.000002",
  previousGtids({ [uuid]: 2 }),
  transaction({ number: 3, at: 3000 }),
  transaction({ number: 1, at: 3500, id: other }),
  transaction({ number: 4, at: 4000 }),
);
const third = writeLog(
  "binlog.000003",
  previousGtids({ [uuid]: 4, [other]: 1 }),
  transaction({ number: 5, at: 3900 }),
);
const all = [first, second, third];
const secondEnd = 4 + previousGtids({ [uuid]: 2 }).length;
const one = transaction({ number: 3, at: 3000 }).length;

test("is sound Perl, as it is written", (t) => {
  isGolden(t, "trilithon-binlog", renderBinlogScript());
  t.is(spawnSync("perl", ["-c", script], { encoding: "utf8" }).status, 0);
});

test("the newest is all that the logs have", (t) => {
  t.deepEqual(plan("", "latest", ...all), [
    ...["replay binlog.000001", "replay binlog.000002", "replay binlog.000003"],
    ...[`reaches ${uuid}:1-5,${other}:1`, "until 4000", "early 0"],
  ]);
});

test("what is there already is not replayed", (t) => {
  t.deepEqual(plan(`${uuid}:1-3`, "latest", ...all), [
    ...["replay binlog.000002", "replay binlog.000003"],
    ...[`reaches ${uuid}:1-5,${other}:1`, "until 4000", "early 0"],
  ]);
  t.deepEqual(plan(`${uuid}:1-5,\n${other}:1`, "latest", ...all), [
    ...[`reaches ${uuid}:1-5,${other}:1`, "until 0", "early 0"],
  ]);
});

test("a time takes those that committed before it, by the clock of their origin", (t) => {
  t.deepEqual(plan("", "time:2000", first), [
    `replay binlog.000001 ${4 + previousGtids({}).length + one}`,
    ...[`reaches ${uuid}:1`, "until 1000", "early 0"],
  ]);
  t.deepEqual(plan("", "time:2001", first), [
    "replay binlog.000001",
    ...[`reaches ${uuid}:1-2`, "until 2000", "early 0"],
  ]);
});

test("nothing behind the first that is too late is taken, and what bears an earlier time is counted", (t) => {
  t.deepEqual(plan("", "time:4000", ...all), [
    "replay binlog.000001",
    `replay binlog.000002 ${secondEnd + 2 * one}`,
    ...[`reaches ${uuid}:1-3,${other}:1`, "until 3500", "early 1"],
  ]);
});

test("a transaction is taken with all before it, and none after it", (t) => {
  t.deepEqual(plan("", `gtid:${other}:1`, ...all), [
    "replay binlog.000001",
    `replay binlog.000002 ${secondEnd + 2 * one}`,
    ...[`reaches ${uuid}:1-3,${other}:1`, "until 3500", "early 0", "found"],
  ]);
  t.false(plan("", `gtid:${uuid}:9`, ...all).includes("found"));
});

test("a set is just what is in it, whatever lies between", (t) => {
  t.deepEqual(plan("", `set:${uuid}:1-2:4,${other}:1`, ...all), [
    ...["replay binlog.000001", "replay binlog.000002"],
    ...[`reaches ${uuid}:1-2:4,${other}:1`, "until 4000", "early 0", "found"],
  ]);
  t.deepEqual(plan(`${uuid}:1-2`, `set:${uuid}:1-2`, ...all), [
    ...[`reaches ${uuid}:1-2`, "until 0", "early 0", "found"],
  ]);
  t.false(plan("", `set:${uuid}:1-6`, ...all).includes("found"));
  t.deepEqual(plan(`${uuid}:1-3`, `set:${uuid}:1-2`, ...all), [
    ...["status 1", `the server has transactions that are not wanted: ${uuid}:3`],
  ]);
});

test("a log that is missing is told with what it had", (t) => {
  t.deepEqual(plan("", "latest", first, third), [
    "status 1",
    `binlog.000003: what was before it is not there: ${uuid}:3-4,${other}:1 is missing`,
  ]);
  t.deepEqual(plan(`${uuid}:1`, "latest", second, third), [
    "status 1",
    `binlog.000002: what was before it is not there: ${uuid}:2 is missing`,
  ]);
});

test("a log that is cut, encrypted or none is refused", (t) => {
  const whole = Buffer.concat([previousGtids({}), transaction({ number: 1, at: 1000 })]);
  const cut = writeLog("cut", whole.subarray(0, whole.length - 5));
  t.regex(plan("", "latest", cut).join(), /^status 1,cut: it ends in the middle of an event, at /);
  const text = join(folder, "text");
  writeFileSync(text, "a text");
  t.deepEqual(plan("", "latest", text), ["status 1", "text: it is no binary log"]);
  const encrypted = join(folder, "encrypted");
  writeFileSync(encrypted, Buffer.from("fd62696e00", "hex"));
  t.regex(plan("", "latest", encrypted).join(), /it is encrypted/);
});

test("transactions without a GTID, or with a tag, are refused", (t) => {
  const anonymous = writeLog("anonymous", previousGtids({}), event(34, Buffer.alloc(49)));
  t.regex(
    plan("", "latest", anonymous).join(),
    /^status 1,anonymous: a transaction without a GTID/,
  );
  const tagged = writeLog("tagged", previousGtids({}), event(42, Buffer.alloc(49)));
  t.regex(plan("", "latest", tagged).join(), /^status 1,tagged: a GTID with a tag/);
  const headless = writeLog("headless", transaction({ number: 1, at: 1 }));
  t.regex(plan("", "latest", headless).join(), /it does not say what was before it/);
});
