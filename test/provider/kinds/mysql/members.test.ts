/** Members whose machines cannot be asked. */
import test from "ava";
import {
  AccessDenied,
  HostKeyMismatch,
  HostUnreachable,
  NotReached,
} from "../../../../provider/errors";
import type { Host } from "../../../../provider/kind";
import { askMembers, type Members } from "../../../../provider/kinds/mysql/members";
import { sh } from "../../../../provider/ssh/shell";

const hostOf = (name: string): Host => ({
  ...{ name, address: name, port: 22, user: "root", hostKey: "", privateKey: "" },
});
const members: Members = Object.fromEntries(
  ["web-01", "web-02"].map((name) => [name, { host: hostOf(name), address: name, port: 3306 }]),
);
const probe = { doing: "reading", script: sh`true`, accounts: [] };

/** `web-01` has no MySQL; `web-02` cannot be asked, or neither can. */
async function ask(error: Error, fails = ["web-02"]) {
  const ask = async ({ name }: Host) => {
    if (fails.includes(name)) throw error;
    return "absent\n";
  };
  const none = async () => "";
  const owner = {
    ...{ project: "", stack: "", resource: "", urn: "", claim: "", isNew: false },
  };
  const signal = new AbortController().signal;
  const tell = () => undefined;
  return askMembers(members, probe, {
    ask,
    run: none,
    runAnew: none,
    progress: tell,
    tell,
    signal,
    owner,
  });
}

for (const type of [HostUnreachable, HostKeyMismatch]) {
  test(`the others are judged without a member that is gone: ${type.name}`, async (t) => {
    const error = new type({ host: "web-02", what: "it is gone" });
    t.deepEqual(await ask(error), {
      "web-01": { mysqld: "absent" },
      "web-02": { mysqld: "silent", reason: "web-02: it is gone", isUnreachable: true },
    });
    await t.throwsAsync(ask(error, ["web-01", "web-02"]), { instanceOf: NotReached });
  });
}

test("a member that is there and lets nobody in is not gone", async (t) => {
  const error = new AccessDenied({ host: "web-02", what: "not let in" });
  await t.throwsAsync(ask(error), { instanceOf: AccessDenied });
});
