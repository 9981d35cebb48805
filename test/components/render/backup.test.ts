import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  renderBackupEnvironment,
  renderBackupMembers,
  renderBackupService,
  renderBackupTimer,
  renderLogsService,
  renderLogsTimer,
} from "../../../components/render/backup";
import { renderBackupScript } from "../../../components/render/backup-script";
import {
  renderBackupServerUnit,
  renderBackupUsers,
  renderKeepScript,
  renderKeepService,
  renderKeepTimer,
} from "../../../components/render/backup-server";
import {
  renderRestoreScript,
  renderTestService,
  renderTestTimer,
} from "../../../components/render/restore";
import { isGolden } from "./golden";

function isSoundShell(t: ExecutionContext, script: string): void {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-backup-"));
  writeFileSync(join(folder, "script"), script);
  t.notThrows(() => execFileSync("sh", ["-n", join(folder, "script")], { stdio: "pipe" }));
  rmSync(folder, { recursive: true });
}

test("a server adds and never deletes, and gives each user its own repository", (t) => {
  const unit = renderBackupServerUnit({ address: "10.0.0.31", port: 8000 });
  isGolden(t, "trilithon-backup-server.service", unit);
  t.regex(unit, / --append-only --private-repos /);
  isGolden(t, "trilithon-backup-keep.service", renderKeepService());
  isGolden(t, "trilithon-backup-keep.timer", renderKeepTimer());
});

test("users are told by a digest, as Apache's htpasswd writes it", (t) => {
  t.is(renderBackupUsers({ "web-01": "secret" }), "web-01:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
});

test("the keeper's script is sound, and keeps as many copies as it is told", (t) => {
  const script = renderKeepScript({ daily: 7, weekly: 5, monthly: 12 });
  isGolden(t, "trilithon-backup-keep", script);
  isSoundShell(t, script);
});

test("a machine's script is sound", (t) => {
  const script = renderBackupScript({ name: "web-02", megabytesPerSecond: 10 });
  isGolden(t, "trilithon-backup", script);
  isSoundShell(t, script);
});

test("a machine copies what it has", (t) => {
  const name = "web-02";
  isGolden(
    t,
    "trilithon-backup.service",
    renderBackupService({ name, database: true, folders: true }),
  );
  t.notRegex(
    renderBackupService({ name, database: false, folders: true }),
    /trilithon-backup full/,
  );
  t.notRegex(renderBackupService({ name, database: true, folders: false }), /folders/);
  isGolden(t, "trilithon-backup.timer", renderBackupTimer({ schedule: "*-*-* 02:30 UTC" }));
  isGolden(t, "trilithon-backup-logs.service", renderLogsService());
  isGolden(t, "trilithon-backup-logs.timer", renderLogsTimer());
});

test("restic's variables reach it whole", (t) => {
  const value = `a'b "c" $d`;
  const text = renderBackupEnvironment({ AWS_SECRET_ACCESS_KEY: value });
  const said = execFileSync("sh", ["-c", `${text}printenv AWS_SECRET_ACCESS_KEY`]);
  t.is(String(said), `${value}\n`);
});

test("members are asked in the settings' order", (t) => {
  const members = [
    { name: "web-02", address: "10.0.0.22" },
    { name: "web-01", address: "10.0.0.21" },
  ];
  t.is(renderBackupMembers(members), "web-02 10.0.0.22\nweb-01 10.0.0.21\n");
});

test("the script that restores is sound", (t) => {
  const script = renderRestoreScript({ megabytesPerSecond: 10 });
  isGolden(t, "trilithon-restore", script);
  isSoundShell(t, script);
  isGolden(t, "trilithon-restore-test.service", renderTestService());
  isGolden(t, "trilithon-restore-test.timer", renderTestTimer());
});
