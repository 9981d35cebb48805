/** How long a release takes to come to a host, and how much is sent: beside rsync over the same SSH, in turns. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { hashContent } from "../../provider/resources/folder-content";
import { canInstallPackages, installPackages } from "../../scripts/setup/debian";
import { localFolder, root } from "../../scripts/setup/environment";
import { capture, must } from "../../scripts/setup/run";
import { say } from "../../scripts/setup/say";
import { type HostSet, makeHostSet, makeNetwork, removeHosts, runOnHosts } from "../peers/hosts";
import type { ReleaseResult, SentFigure } from "../results";
import { median } from "../statistics";
import { makeReleases, type ReleaseFolders } from "./folder";
import type { SentRelease } from "./send";

const size = { files: 50_000, bytes: 1e9, changed: 50 };
const ways = ["trilithon", "rsync", "rsync compressed"] as const;
type Way = (typeof ways)[number];

export async function measureRelease(runs: number): Promise<ReleaseResult> {
  for (const program of ["rsync", "zstd"]) await need(program);
  const folder = join(localFolder, "benchmark-release");
  await makeNetwork();
  try {
    say("release", `making ${size.files} files`);
    const folders = await makeReleases(folder, size);
    const hosts = await makeHostSet("release", 0, join(folder, "keys"));
    await runOnHosts("release", install);
    const measured = new Map(ways.map((way) => [way, [] as Round[]]));
    // The first round does not count: what is read comes from the disk then.
    for (let round = 0; round <= runs; round += 1) {
      const order = round % 2 === 0 ? ways : [...ways].reverse();
      for (const way of order) {
        say(way, round === 0 ? "round 0, which does not count" : `round ${round} of ${runs}`);
        const one = await measureRound(way, hosts, folders);
        if (round > 0) measured.get(way)?.push(one);
      }
    }
    const own = (measured.get("trilithon") ?? []).flatMap(({ own }) => own);
    return {
      ...size,
      ways: ways.map((name) => summary(name, measured.get(name) ?? [])),
      readSeconds: median(own.map(({ readSeconds }) => readSeconds)),
      megabytesOfMemory: Math.max(...own.map(({ megabytesOfMemory }) => megabytesOfMemory)),
      nameSeconds: timeName(folders.one),
    };
  } finally {
    await removeHosts().catch((error: unknown) => say("hosts", String(error)));
    await rm(folder, { recursive: true, force: true });
  }
}

async function need(program: string): Promise<void> {
  const { status } = await capture(program, ["--version"]);
  if (status === 0) return;
  if (!canInstallPackages())
    throw new Error(`${program}: expected it on this machine, to compare with; install it`);
  await installPackages([program]);
}

/** What `Application` and a user of rsync have there. */
const install =
  "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends rsync zstd >/dev/null";

interface Round {
  readonly first: SentFigure;
  readonly changed: SentFigure;
  readonly resumed: SentFigure;
  /** Of this project alone. */
  readonly own: readonly SentRelease[];
}

async function measureRound(way: Way, hosts: HostSet, folders: ReleaseFolders): Promise<Round> {
  const own: SentRelease[] = [];
  const send = async (version: Version): Promise<SentFigure> => {
    const before = await receivedBytes();
    const start = performance.now();
    const said = await startSending(way, hosts, folders, version).ended;
    const sent: SentRelease | undefined = way === "trilithon" ? JSON.parse(said) : undefined;
    const seconds = sent?.seconds ?? (performance.now() - start) / 1000;
    if (sent !== undefined) own.push(sent);
    return { seconds, megabytes: ((await receivedBytes()) - before) / 1e6 };
  };
  await clean();
  const [first, changed] = [await send("one"), await send("two")];
  await clean();
  await sendHalf(startSending(way, hosts, folders, "one"), first.megabytes * 1e6);
  const round = { first, changed, resumed: await send("one"), own };
  const { resumed } = round;
  const told = [first, changed, resumed].map(({ seconds }) => `${seconds.toFixed(1)} s`);
  say(way, told.join(", "));
  return round;
}

const clean = () => onHost("rm -rf /srv/* /var/lib/trilithon; sync");

type Version = "one" | "two";

/** `ended` answers what it printed, unless it was killed. */
interface Sending {
  readonly ended: Promise<string>;
  readonly kill: () => Promise<void>;
}

/** Kills it as soon as half of it has come to the host. */
async function sendHalf({ ended, kill }: Sending, allBytes: number): Promise<void> {
  const before = await receivedBytes();
  const untilHalf = async () => {
    while ((await receivedBytes()) - before < allBytes / 2) await sleep(100);
    return "half";
  };
  const came = await Promise.race([untilHalf(), ended]);
  if (came !== "half") throw new Error("all had come before it was killed");
  await kill();
}

function startSending(
  way: Way,
  hosts: HostSet,
  folders: ReleaseFolders,
  version: Version,
): Sending {
  if (way === "trilithon") return startOurs(hosts, folders[version], version);
  const { sshPort } = target(hosts);
  const ssh = [
    ...["ssh", "-p", String(sshPort), "-i", hosts.privateKeyFile],
    ...["-o", `UserKnownHostsFile=${hosts.knownHostsFile}`],
  ];
  // As somebody would who keeps versions beside each other: what the former one has is copied on the host.
  return start("rsync", [
    ...["--archive", "--mkpath", ...(way === "rsync compressed" ? ["--compress"] : [])],
    ...(version === "two" ? ["--copy-dest=/srv/rsync/one"] : []),
    ...["--rsh", ssh.join(" "), `${folders[version]}/`, `root@127.0.0.1:/srv/rsync/${version}/`],
  ]);
}

function startOurs(hosts: HostSet, source: string, version: Version): Sending {
  const { name, sshPort: port, hostKey } = target(hosts);
  const { privateKey } = hosts;
  const host = { name, address: "127.0.0.1", port, user: "root", hostKey, privateKey };
  const TRILITHON_SENDING = JSON.stringify({ host, source, version });
  const args = ["--import=tsx", join(__dirname, "send.ts")];
  return start(process.execPath, args, { ...process.env, TRILITHON_SENDING });
}

function start(command: string, args: readonly string[], env = process.env): Sending {
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  let isKilled = false;
  const ended = Promise.all([exit, text(child.stdout)]).then(([[status], said]) => {
    if (status !== 0 && !isKilled) throw new Error(`${command}: exit ${status}`);
    return said;
  });
  const kill = async () => {
    isKilled = true;
    child.kill("SIGKILL");
    await exit;
    // What it had on the host ends as well.
    await sleep(1000);
  };
  return { ended, kill };
}

function target({ hosts }: HostSet) {
  const host = hosts.find(({ roles }) => roles.includes("web"));
  if (host === undefined) throw new Error("no host is there to send to");
  return host;
}

const targetContainer = "trilithon-bench-release-web-01";

function onHost(script: string): Promise<string> {
  return must("host", "docker", ["exec", targetContainer, "sh", "-ec", script]);
}

async function receivedBytes(): Promise<number> {
  return Number(await onHost("cat /sys/class/net/eth0/statistics/rx_bytes"));
}

function summary(name: string, rounds: readonly Round[]): ReleaseResult["ways"][number] {
  const figure = (which: "first" | "changed" | "resumed"): SentFigure => ({
    seconds: median(rounds.map((round) => round[which].seconds)),
    megabytes: median(rounds.map((round) => round[which].megabytes)),
  });
  const [first, changed, resumed] = [figure("first"), figure("changed"), figure("resumed")];
  return { name, first, changed, resumed };
}

/** What the program does at each preview, before anything is asked of a host. */
function timeName(folder: string): number {
  const start = performance.now();
  hashContent(folder, { excludedNames: [".git"] });
  return (performance.now() - start) / 1000;
}
