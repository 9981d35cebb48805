/** What is backed up on a machine, and when: restic with its repositories, and timers. */
import * as pulumi from "@pulumi/pulumi";
import { type FileArgs, Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import { createPackages, type WantedPackages, withDefaults } from "./packages";
import {
  backupFiles,
  renderBackupEnvironment,
  renderBackupMembers,
  renderBackupService,
  renderBackupTimer,
  renderLogsService,
  renderLogsTimer,
} from "./render/backup";
import { renderBackupScript } from "./render/backup-script";
import { binlogScript, renderBinlogScript } from "./render/binlog";
import { renderRestoreScript, renderTestService, renderTestTimer, restore } from "./render/restore";
import { withTimeZone } from "./schedule";

export interface BackedUpMachine {
  /** The machine. */
  readonly host: Host;
  /** A member of the database: one of them makes the copies of it. Default: it is none. */
  readonly database?: "member";
  /** Absolute paths of folders in which something keeps state. Default none. */
  readonly folders?: readonly string[];
  /** What makes what is copied. */
  readonly after?: readonly pulumi.Resource[];
}

/** A repository of one machine. */
export interface BackupPlace {
  readonly name: string;
  readonly repository: pulumi.Output<string>;
  readonly password: pulumi.Output<string>;
  readonly ca?: pulumi.Output<string>;
  readonly environment?: pulumi.Output<Readonly<Record<string, string>>>;
  /** Whether the machine makes it, where it is not there. */
  readonly makesRepository: boolean;
}

export interface BackupTimersParts {
  readonly places: readonly BackupPlace[];
  /** Of the database, in the order in which they are asked. */
  readonly members: readonly Host[];
  readonly schedule: pulumi.Output<string>;
  readonly megabytesPerSecond: pulumi.Output<number>;
  readonly packages: WantedPackages;
  readonly servers: readonly Service[];
}

export function createBackupTimers(
  parent: pulumi.Resource,
  name: string,
  { host, database, folders = [], after = [] }: BackedUpMachine,
  { places, members, schedule, megabytesPerSecond, packages: wanted, servers }: BackupTimersParts,
): Service {
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: "backup-packages",
    packages: withDefaults({ restic: "present" }, wanted).apply(
      ({ "restic-rest-server": _, ...rest }) => rest,
    ),
  });
  const isMember = database !== undefined;
  const copied = { name: host.name, database: isMember, folders: folders.length > 0 };
  const { unit, logsUnit, testUnit, path } = backupFiles;
  const files: Record<string, FileArgs> = {
    [path(`${unit}.timer`)]: {
      content: schedule.apply((known) => renderBackupTimer({ schedule: withTimeZone(known) })),
    },
    [path(`${unit}.service`)]: { content: renderBackupService(copied), onChange: "nothing" },
    [backupFiles.scriptPath]: executable(
      megabytesPerSecond.apply((known) =>
        renderBackupScript({ name: host.name, megabytesPerSecond: known }),
      ),
    ),
    ...(folders.length > 0 && {
      [backupFiles.folders]: { content: `${folders.join("\n")}\n`, onChange: "nothing" as const },
    }),
    ...(isMember && memberFiles(members, megabytesPerSecond)),
    ...Object.assign({}, ...places.map((place) => placeFiles(place))),
  };
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: `${unit}.timer`,
      ...(isMember && {
        moreUnits: {
          [`${logsUnit}.timer`]: { ready: { deadlineSeconds: 10 } },
          [`${testUnit}.timer`]: { ready: { deadlineSeconds: 10 } },
        },
      }),
      files,
      onChange: "restart",
    },
    onHost(host, parent, [packages, ...servers, ...after]),
  );
}

/** What is read with each run. */
function executable(content: pulumi.Input<string>): FileArgs {
  return { content, mode: "0755", onChange: "nothing" };
}

function memberFiles(
  members: readonly Host[],
  megabytesPerSecond: pulumi.Output<number>,
): Record<string, FileArgs> {
  const { logsUnit, testUnit, path } = backupFiles;
  const known = pulumi.output(members.map(({ name, address }) => ({ name, address })));
  return {
    [backupFiles.members]: { content: known.apply(renderBackupMembers), onChange: "nothing" },
    [path(`${logsUnit}.service`)]: { content: renderLogsService(), onChange: "nothing" },
    [path(`${logsUnit}.timer`)]: { content: renderLogsTimer() },
    [path(`${testUnit}.service`)]: { content: renderTestService(), onChange: "nothing" },
    [path(`${testUnit}.timer`)]: { content: renderTestTimer() },
    [binlogScript]: executable(renderBinlogScript()),
    [restore.scriptPath]: executable(
      megabytesPerSecond.apply((known) => renderRestoreScript({ megabytesPerSecond: known })),
    ),
  };
}

function placeFiles(place: BackupPlace): Record<string, FileArgs> {
  const { name, repository, password, ca, environment, makesRepository } = place;
  const secret = (content: pulumi.Output<string>): FileArgs => ({
    ...{ content, mode: "0600", onChange: "nothing" },
  });
  return {
    [backupFiles.place(name, "repository")]: secret(pulumi.secret(repository)),
    [backupFiles.place(name, "password")]: secret(password),
    ...(ca && {
      [backupFiles.place(name, "ca.pem")]: { content: ca, onChange: "nothing" as const },
    }),
    ...(environment && {
      [backupFiles.place(name, "environment")]: secret(environment.apply(renderBackupEnvironment)),
    }),
    ...(makesRepository && {
      [backupFiles.place(name, "makes-repository")]: {
        content: "yes\n",
        onChange: "nothing" as const,
      },
    }),
  };
}
