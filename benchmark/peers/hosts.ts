/** Container hosts of the benchmark's own: three for each tool, alike but for names and addresses. */

import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeKeyPair } from "../../provider/ssh/key-pair";
import { removeLabelled } from "../../scripts/setup/labelled";
import { capture, must } from "../../scripts/setup/run";

export const benchmarkStack = "bench";
const network = `trilithon-${benchmarkStack}`;
const subnet = "172.31.90.0/24";
const image = "trilithon-host:latest";

export type Role = "load-balancer" | "web" | "database-primary" | "database-replica";

export interface BenchmarkHost {
  readonly name: string;
  /** Where the other hosts of its set reach it. */
  readonly address: string;
  readonly roles: readonly Role[];
  /** Where sshd answers, on 127.0.0.1. */
  readonly sshPort: number;
  readonly hostKey: string;
}

export interface HostSet {
  readonly hosts: readonly BenchmarkHost[];
  /** The load balancer, on 127.0.0.1. */
  readonly url: string;
  readonly privateKey: string;
  /** The same key in a file that only its owner reads, as ssh wants it. */
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
}

const wanted = [
  { name: "lb-01", lastByte: 11, roles: ["load-balancer"] },
  { name: "web-01", lastByte: 21, roles: ["web", "database-primary"] },
  { name: "web-02", lastByte: 22, roles: ["web", "database-replica"] },
] as const;

/** Makes the network; `remove` takes it and all hosts away, those of an interrupted run too. */
export async function makeNetwork(): Promise<void> {
  await removeHosts();
  await must("benchmark network", "docker", [
    ...["network", "create", "--subnet", subnet, "--label", `trilithon.stack=${benchmarkStack}`],
    network,
  ]);
}

export async function removeHosts(): Promise<void> {
  await removeLabelled(benchmarkStack);
}

/** Three fresh hosts; `index` sets their addresses apart from those of the other sets. */
export async function makeHostSet(tool: string, index: number, folder: string): Promise<HostSet> {
  await mkdir(folder, { recursive: true });
  const key = makeKeyPair();
  const hosts = await Promise.all(
    wanted.map(async ({ name, lastByte, roles }) => {
      const hostKey = makeKeyPair();
      const address = subnet.replace("0/24", String(lastByte + index * 40));
      const container = `${network}-${tool}-${name}`;
      await makeContainer(container, { name, address, hostKey, clientKey: key.public });
      return {
        name,
        address,
        roles,
        sshPort: await publishedPort(container, 22),
        hostKey: hostKey.public,
      };
    }),
  );
  const privateKeyFile = join(folder, "key");
  await writeFile(privateKeyFile, key.private);
  await chmod(privateKeyFile, 0o600);
  const knownHostsFile = join(folder, "known_hosts");
  const lines = hosts.map(({ sshPort, hostKey }) => `[127.0.0.1]:${sshPort} ${hostKey}\n`);
  await writeFile(knownHostsFile, lines.join(""));
  await Promise.all(hosts.map(({ sshPort }) => answers(sshPort)));
  const port = await publishedPort(`${network}-${tool}-lb-01`, 80);
  const url = `http://127.0.0.1:${port}`;
  return { hosts, url, privateKey: key.private, privateKeyFile, knownHostsFile };
}

interface ContainerArgs {
  readonly name: string;
  readonly address: string;
  readonly hostKey: { readonly private: string; readonly public: string };
  readonly clientKey: string;
}

async function makeContainer(container: string, args: ContainerArgs): Promise<void> {
  const hybrid = "/sys/fs/cgroup/unified";
  const cgroups = existsSync(hybrid) ? hybrid : "/sys/fs/cgroup";
  await must(container, "docker", [
    ...["create", "--name", container, "--hostname", args.name, "--memory", "2048m"],
    ...["--network", network, "--ip", args.address],
    ...["--publish", "127.0.0.1::22", "--publish", "127.0.0.1::80"],
    ...["--label", `trilithon.stack=${benchmarkStack}`, "--label", `trilithon.host=${args.name}`],
    ...["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"],
    ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
    ...["--tmpfs", "/run", "--tmpfs", "/run/lock", "--cgroupns", "host"],
    ...["--volume", `${cgroups}:/sys/fs/cgroup:rw`, image, "/sbin/init"],
  ]);
  const draft = await mkdtemp(join(tmpdir(), "trilithon-benchmark-"));
  try {
    const upload = async (path: string, content: string, mode: number) => {
      const file = join(draft, path.replaceAll("/", "_"));
      await writeFile(file, content, { mode });
      await must(container, "docker", ["cp", file, `${container}:${path}`]);
    };
    await upload("/etc/ssh/ssh_host_ed25519_key", args.hostKey.private, 0o600);
    await upload("/etc/ssh/ssh_host_ed25519_key.pub", args.hostKey.public, 0o644);
    await must(container, "docker", ["start", container]);
    await runIn(container, "mkdir -p -m 700 /root/.ssh");
    await upload("/root/.ssh/authorized_keys", args.clientKey, 0o600);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What a tool needs on a host before its clock starts. */
export async function runOnHosts(tool: string, script: string): Promise<void> {
  await Promise.all(wanted.map(({ name }) => runIn(`${network}-${tool}-${name}`, script)));
}

async function runIn(container: string, script: string): Promise<string> {
  return must(container, "docker", ["exec", container, "sh", "-ec", script]);
}

async function publishedPort(container: string, port: number): Promise<number> {
  const { stdout } = await capture("docker", ["port", container, `${port}/tcp`]);
  return Number(stdout.trim().split("\n")[0]?.split(":").at(-1));
}

async function answers(port: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await greets(port))) {
    if (Date.now() > deadline) throw new Error(`no sshd answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    setTimeout(() => end(false), 2000).unref();
  });
}
