import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import {
  renderRoleCheckScript,
  renderRoleCheckUnit,
  roleCheck,
} from "../../../components/render/mysql-role";
import { onLinux } from "../../support/on-linux";
import { isGolden } from "./golden";

test("renders the unit and its script", (t) => {
  const unit = renderRoleCheckUnit({ address: "10.0.0.1", sort: "group", maxLagSeconds: 10 });
  isGolden(t, "trilithon-mysql-role.service", unit);
  isGolden(t, "trilithon-mysql-role", renderRoleCheckScript());
});

const { port } = roleCheck;
let used = 0;

/** An address of its own, so that no other program can have the port: all of 127.0.0.0/8 is a Linux host's own. */
function freeAddress(): string {
  used += 1;
  return `127.${100 + used}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
}

function askOnce(host: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent: false }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += String(part)));
      response.on("end", () => resolve(`${response.statusCode} ${body.trim()}`));
    }).on("error", reject);
  });
}

/** Runs the script beside a `mysql` that answers each question with what stands in a file, or not at all while it is empty. */
async function start(t: ExecutionContext, sort: "pair" | "group") {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-role-"));
  const status = join(folder, "status");
  const script = join(folder, "script");
  writeFileSync(status, "");
  writeFileSync(script, renderRoleCheckScript(), { mode: 0o755 });
  const client = `#!/bin/sh
while read -r question; do
  number=$(echo "$question" | sed "s/.*'role', \\([0-9]*\\),.*/\\1/")
  answer=$(cat ${status})
  [ "$answer" != gone ] || exit 1
  [ -z "$answer" ] || echo "role $number $answer"
done
`;
  writeFileSync(join(folder, "mysql"), client, { mode: 0o755 });
  const address = freeAddress();
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const child = execFile("perl", [script, address, String(port), sort, "10"], { env });
  t.teardown(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  // In one step: an answer that is read while it is empty is none.
  const says = (text: string) => {
    writeFileSync(`${status}.new`, text);
    renameSync(`${status}.new`, status);
  };
  return { says, address, ...asking(t, address) };
}

/** Asks until the answer is the expected one: the client is asked every so often. */
function asking(t: ExecutionContext, address: string) {
  const ask = (path: string) => askOnce(address, path).catch(String);
  const eventually = async (tell: () => Promise<string>, expected: string): Promise<void> => {
    let last = "";
    for (let attempt = 0; attempt < 300 && last !== expected; attempt += 1) {
      if (attempt > 0) await sleep(50);
      last = await tell();
    }
    t.is(last, expected);
  };
  return {
    ask,
    eventually,
    becomes: (path: string, expected: string) => eventually(() => ask(path), expected),
  };
}

onLinux(
  "of a pair, the member that is open for writes is the primary, and one that follows a replica",
  async (t) => {
    const member = await start(t, "pair");
    await member.becomes("/primary", "503 mysqld has not answered yet");
    member.says("0 - - 0 0 0 - - 0");
    await member.becomes("/primary", "200 the primary");
    await member.becomes("/replica", "404 the primary");
    member.says("1 - - 0 0 0 - - 0");
    await member.becomes("/primary", "503 closed for writes");
    // In the middle of a switch nobody else is there to read from.
    await member.becomes("/reads", "200 closed for writes");
    member.says("1 - - 0 0 1 ON ON 0.25");
    await member.becomes("/replica", "200 a replica, 0.2 s behind");
    await member.becomes("/primary", "503 a replica, 0.2 s behind");
    // Its source is dead: it has all that there is.
    member.says("1 - - 0 0 1 CONNECTING ON 0");
    await member.becomes("/replica", "200 a replica, 0.0 s behind");
    member.says("1 - - 0 0 1 ON ON 12");
    await member.becomes("/replica", "404 12.0 s behind");
    await member.becomes("/reads", "200 12.0 s behind");
    member.says("1 - - 0 0 1 ON OFF 0");
    await member.becomes("/replica", "404 applies nothing");
    member.says("1 - - 0 0 1 OFF ON 0");
    await member.becomes("/replica", "404 receives nothing");
    member.says("offline - - 0 0 1 ON ON 0");
    await member.becomes("/replica", "404 lets no clients in (offline_mode)");
    member.says("0 - - 0 0 1 ON ON 0");
    await member.becomes("/primary", "503 a replica that is open for writes");
  },
);

onLinux(
  "of a group, only an online primary that reaches most members and is open takes writes",
  async (t) => {
    const member = await start(t, "group");
    member.says("0 ONLINE PRIMARY 3 3 0 - - 0");
    await member.becomes("/primary", "200 the primary");
    member.says("0 ONLINE PRIMARY 3 1 0 - - 0");
    await member.becomes("/primary", "503 reaches 1 of 3 members");
    // It may have been replaced meanwhile, and not know it yet.
    member.says("0 ONLINE PRIMARY 3 3 0 - - 0");
    await member.becomes("/primary", "503 was cut off a moment ago");
    await member.becomes("/primary", "200 the primary");
    member.says("1 ONLINE PRIMARY 3 2 0 - - 0");
    await member.becomes("/primary", "503 the primary, not open for writes");
    member.says("0 OFFLINE - 1 1 0 - - 0");
    await member.becomes("/primary", "503 OFFLINE in its group");
    member.says("0 - - 0 0 0 - - 0");
    await member.becomes("/primary", "503 - in its group");
    await member.becomes("/reads", "200 - in its group");
    member.says("1 RECOVERING SECONDARY 3 3 0 - - 0");
    await member.becomes("/replica", "404 RECOVERING in its group");
    member.says("1 ONLINE SECONDARY 3 3 0 - - 0");
    await member.becomes("/replica", "200 a replica, 0.0 s behind");
    // It came back, and has not yet been opened for clients again.
    member.says("offline ONLINE SECONDARY 3 3 0 - - 0");
    await member.becomes("/replica", "404 lets no clients in (offline_mode)");
    member.says("1 ONLINE SECONDARY 2 1 0 - - 0");
    await member.becomes("/replica", "404 reaches 1 of 2 members");
  },
);

onLinux("it says who answers: others have its port as well", async (t) => {
  const member = await start(t, "pair");
  await member.becomes("/primary", "503 mysqld has not answered yet");
  const server = await new Promise((resolve, reject) =>
    get({ host: member.address, port, agent: false }, ({ headers }) => resolve(headers.server)).on(
      "error",
      reject,
    ),
  );
  t.is(server, roleCheck.server);
});

onLinux("who was never the primary or a replica is not read from", async (t) => {
  const member = await start(t, "pair");
  member.says("1 - - 0 0 0 - - 0");
  await member.becomes("/reads", "503 closed for writes");
});

onLinux(
  "an answer that is old counts for nothing, and a client that ended is started again",
  async (t) => {
    const member = await start(t, "pair");
    member.says("0 - - 0 0 0 - - 0");
    await member.becomes("/", "200 the primary");
    for (const fault of ["", "gone"]) {
      member.says(fault);
      const told = async () => (await member.ask("/primary")).replace(/[\d.]+ s/, "N s");
      await member.eventually(told, "503 mysqld has not answered for N s");
      member.says("0 - - 0 0 0 - - 0");
      await member.becomes("/primary", "200 the primary");
    }
    await member.becomes("/other", "404 ask for /primary, /replica, /reads or /");
  },
);
