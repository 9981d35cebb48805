/** How long a release takes to come to a host, and how much is sent: beside rsync over the same SSH, in turns. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { hashContent } from "../../provider/resources/folder-content";
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
  const { status } = await capture("rsync", ["--version"]);
  if (status !== 0)
    throw new Error("rsync: expected it on this machine, to compare with; install it");
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

const install =
  "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends rsync zstd >/dev/null";

interface Round {
  readonly first: SentFigure;
  readonly changed: SentFigure;
  /** Of this project alone. */
  readonly own: readonly SentRelease[];
}

async function measureRound(way: Way, hosts: HostSet, folders: ReleaseFolders): Promise<Round> {
  await onHost("rm -rf /srv/* /var/lib/trilithon; sync");
  const own: SentRelease[] = [];
  const send = async (version: "one" | "two"): Promise<SentFigure> => {
    const before = await receivedBytes();
    const start = performance.now();
    const sent = way === "trilithon" ? await sendOurs(hosts, folders, version) : undefined;
    if (way !== "trilithon") await sendByRsync(way, hosts, folders[version], version);
    const seconds = sent?.seconds ?? (performance.now() - start) / 1000;
    if (sent !== undefined) own.push(sent);
    return { seconds, megabytes: ((await receivedBytes()) - before) / 1e6 };
  };
  const round = { first: await send("one"), changed: await send("two"), own };
  const told = [round.first, round.changed].map(({ seconds }) => `${seconds.toFixed(1)} s`);
  say(way, told.join(", then "));
  return round;
}

async function sendOurs(
  hosts: HostSet,
  folders: ReleaseFolders,
  version: "one" | "two",
): Promise<SentRelease> {
  const { name, sshPort: port, hostKey } = target(hosts);
  const host = {
    name,
    address: "127.0.0.1",
    port,
    user: "root",
    hostKey,
    privateKey: hosts.privateKey,
  };
  const sending = JSON.stringify({ host, source: folders[version], version });
  const said = await must(
    "trilithon",
    process.execPath,
    ["--import=tsx", join(__dirname, "send.ts")],
    {
      cwd: root,
      env: { ...process.env, TRILITHON_SENDING: sending },
    },
  );
  return JSON.parse(said);
}

/** As somebody would who keeps versions beside each other: what the former one has is copied on the host. */
async function sendByRsync(
  way: Way,
  hosts: HostSet,
  folder: string,
  version: "one" | "two",
): Promise<void> {
  const { sshPort } = target(hosts);
  const ssh = [
    ...["ssh", "-p", String(sshPort), "-i", hosts.privateKeyFile],
    ...["-o", `UserKnownHostsFile=${hosts.knownHostsFile}`],
  ];
  await must(way, "rsync", [
    ...["--archive", "--mkpath", ...(way === "rsync compressed" ? ["--compress"] : [])],
    ...(version === "two" ? ["--copy-dest=/srv/rsync/one"] : []),
    ...["--rsh", ssh.join(" "), `${folder}/`, `root@127.0.0.1:/srv/rsync/${version}/`],
  ]);
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
  const figure = (which: "first" | "changed"): SentFigure => ({
    seconds: median(rounds.map((round) => round[which].seconds)),
    megabytes: median(rounds.map((round) => round[which].megabytes)),
  });
  return { name, first: figure("first"), changed: figure("changed") };
}

/** What the program does at each preview, before anything is asked of a host. */
function timeName(folder: string): number {
  const start = performance.now();
  hashContent(folder, { excludedNames: [".git"] });
  return (performance.now() - start) / 1000;
}
