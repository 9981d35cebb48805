/** The systemd units of an application. */
import { renderConfinement, type UnitOptions } from "./confinement";

export interface Process {
  /** The application: its user, its group and its folders. */
  readonly name: string;
  /** Where it runs; a program in it is named by its path from there. */
  readonly folder: string;
  /** As words. */
  readonly command: readonly string[];
  /** Default none. */
  readonly environmentFiles?: readonly string[];
  /** A folder in it where programs are looked for first. Default none. */
  readonly programs?: string | undefined;
  /** A program, with its first words, that is given the command and runs it. Default none. */
  readonly through?: readonly string[];
}

export interface ApplicationUnit {
  readonly name: string;
  /** Holds the link `current`. */
  readonly root: string;
  /** The command, as words. */
  readonly start: readonly string[];
  readonly environmentFiles: readonly string[];
  /** How long it may take to finish what it is at. */
  readonly stopSeconds: number;
  /** How systemd knows that it is up. Default `exec`: it runs. */
  readonly type?: "exec" | "notify";
  /** What tells it to finish. Default `SIGTERM`. */
  readonly killSignal?: "SIGTERM" | "SIGQUIT";
  /** Further lines of its section `Service`. Default none. */
  readonly lines?: readonly string[];
  /** A folder in the application where programs are looked for first. Default none. */
  readonly programs?: string | undefined;
  /** Names a process beside the one that serves. */
  readonly process?: string;
  /** More is killed. Default no limit. */
  readonly memoryMegabytes?: number | undefined;
  /** 100 is one processor. Default no limit. */
  readonly cpuPercent?: number | undefined;
  readonly options?: UnitOptions | undefined;
}

/** A process that runs all the time. */
export function renderApplicationUnit(unit: ApplicationUnit): string {
  const { name, root, start, environmentFiles, stopSeconds } = unit;
  const { programs, type = "exec", killSignal = "SIGTERM", lines = [] } = unit;
  return `${writtenByTrilithon}
[Unit]
Description=${describe(name, unit.process)}
After=network-online.target
Wants=network-online.target
# However often it ends, it is started again.
StartLimitIntervalSec=0

[Service]
Type=${type}
${renderProcess({ name, folder: `${root}/current`, command: start, environmentFiles, programs })}
${lines.map((line) => `${line}\n`).join("")}Restart=always
RestartSec=1
# It is told to finish, and only what is left after this is killed.
KillSignal=${killSignal}
KillMode=mixed
TimeoutStopSec=${stopSeconds}
# Java, shells and many others end so when they are told to.
SuccessExitStatus=143
${renderLimits(unit)}
${renderConfinement(name, unit.options)}

[Install]
WantedBy=multi-user.target
`;
}

export interface CommandUnit extends Process {
  /** What it is, beside the application's name. */
  readonly process: string;
  /** Default: for a Release to say. */
  readonly deadlineSeconds?: number;
  readonly options?: UnitOptions | undefined;
  /** Further lines of its section `Service`. Default none. */
  readonly lines?: readonly string[];
}

/** A command that runs to its end: a job, or the command of a release. */
export function renderCommandUnit(unit: CommandUnit): string {
  const { name, process, deadlineSeconds, lines = [] } = unit;
  return `${writtenByTrilithon}
[Unit]
Description=${describe(name, process)}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
${renderProcess(unit)}
${lines.map((line) => `${line}\n`).join("")}${deadlineSeconds === undefined ? "" : `TimeoutStartSec=${deadlineSeconds}\n`}
${renderConfinement(name, unit.options)}
`;
}

/** The command of a job that runs on one of several hosts: `claim` runs it where it is due, and sees to its deadline. */
export function renderClaimedUnit({
  claim,
  deadlineSeconds,
  ...unit
}: CommandUnit & {
  readonly claim: readonly string[];
  readonly deadlineSeconds: number;
}): string {
  return renderCommandUnit({
    ...{ ...unit, through: claim },
    // It waits for the database, ends the command, and then gives the run back.
    deadlineSeconds: deadlineSeconds + 120,
    lines: ["KillMode=mixed"],
  });
}

export const writtenByTrilithon =
  "# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.";

function describe(name: string, process?: string): string {
  return process === undefined ? name : `${name}: ${process}`;
}

function renderLimits({ memoryMegabytes, cpuPercent }: ApplicationUnit): string {
  return [
    ...(memoryMegabytes === undefined ? [] : [`MemoryMax=${memoryMegabytes}M`]),
    ...(cpuPercent === undefined ? [] : [`CPUQuota=${cpuPercent}%`]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * A command, as words, that runs another one as the application: with its user, its environment and in its folder. What it
 * prints is printed, and its status is the answer.
 */
export function asApplication({
  name,
  folder,
  command,
  environmentFiles = [],
  programs,
}: Process): string[] {
  const properties = [
    `User=${name}`,
    `WorkingDirectory=${folder}`,
    `Environment=HOME=/var/lib/${name}`,
    ...pathLines(folder, programs),
    ...environmentFiles.map((file) => `EnvironmentFile=${file}`),
    `RuntimeMaxSec=${commandAtMostSeconds}`,
  ];
  return [
    ...["systemd-run", "--quiet", "--wait", "--pipe", "--collect"],
    ...properties.flatMap((property) => ["-p", property]),
    "--",
    // systemd looks for variables in each word.
    ...programWithin(command, folder, programs).map((word) => word.replaceAll("$", "$$$$")),
  ];
}

/** One that hangs is tried again. */
const commandAtMostSeconds = 10;

function renderProcess(process: Process): string {
  const { name, folder, command, environmentFiles = [], programs, through = [] } = process;
  return [
    `User=${name}`,
    `Group=${name}`,
    `WorkingDirectory=${folder}`,
    `Environment=HOME=/var/lib/${name}`,
    ...pathLines(folder, programs),
    ...environmentFiles.map((file) => `EnvironmentFile=${file}`),
    `ExecStart=${[...through, ...programWithin(command, folder, programs)].map(quoteWord).join(" ")}`,
  ].join("\n");
}

function pathLines(folder: string, programs: string | undefined): string[] {
  if (programs === undefined) return [];
  const usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return [`Environment=PATH=${folder}/${programs}:${usual}`];
}

/** A program within the release is named by its whole path: systemd looks for others on its own path only. */
function programWithin(
  [program = "", ...words]: readonly string[],
  folder: string,
  programs: string | undefined,
): string[] {
  if (programs !== undefined && !program.includes("/")) {
    return ["/usr/bin/env", program, ...words];
  }
  const isWithin = program.includes("/") && !program.startsWith("/");
  return [isWithin ? `${folder}/${program.replace(/^(\.\/+)+/, "")}` : program, ...words];
}

/** One word of a command: no variables, no specifiers, nothing that splits it. */
export function quoteWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@+=:,./$%-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
