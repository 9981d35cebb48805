import { execFileSync } from "node:child_process";
import test from "ava";
import { renderTar } from "../../../offline/docker/tar";

test("makes an archive that tar reads", (t) => {
  const archive = renderTar([
    { path: "/etc/ssh/key", content: Buffer.from("k".repeat(512)), mode: 0o600 },
    { path: "/root/.ssh/authorized_keys", content: Buffer.from("grüße"), mode: 0o644 },
  ]);
  const list = execFileSync("tar", ["-tvf", "-", "--numeric-owner"], {
    input: archive,
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
  });
  t.deepEqual(
    String(list)
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+/g, " ")),
    [
      "-rw------- 0/0 512 1970-01-01 00:00 etc/ssh/key",
      "-rw-r--r-- 0/0 7 1970-01-01 00:00 root/.ssh/authorized_keys",
    ],
  );
  const text = execFileSync("tar", ["-xOf", "-", "root/.ssh/authorized_keys"], { input: archive });
  t.is(String(text), "grüße");
});

test("refuses a path that the format cannot hold", (t) => {
  const path = `/${"a".repeat(101)}`;
  t.throws(() => renderTar([{ path, content: Buffer.alloc(0), mode: 0o600 }]), {
    message: `${path}: a path to upload has at most 100 bytes`,
  });
});
