/** Machines that the program did not make: containers that a test started itself and lists as existing ones. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeKeyPair } from "../../../provider/ssh/key-pair";
import { imageNames } from "../../../scripts/setup/base-image";
import { must } from "../../../scripts/setup/run";

export interface MachineArgs {
  readonly name: string;
  readonly address: string;
  /** Where their network has a subnet of IPv6. */
  readonly address6?: string;
  readonly roles: readonly string[];
  /** Default root. Another user gets sudo without a password. */
  readonly user?: string;
  /** Default 2g. */
  readonly memory?: string;
  /** Default: the image of Debian sid. */
  readonly image?: string;
}

export interface Machines {
  /** As the stack's settings list them. */
  readonly hosts: readonly Record<string, unknown>[];
  readonly privateKey: string;
  /** Of the same pair, as in `authorized_keys`. */
  readonly publicKey: string;
}

/** Starts them in a network of their own; labelled, so that `TestStack.remove` takes them away. */
export async function startMachines(
  stack: string,
  /** One, or one of IPv4 and one of IPv6. */
  subnets: string | readonly string[],
  machines: readonly MachineArgs[],
): Promise<Machines> {
  const network = `trilithon-${stack}`;
  const label = `trilithon.stack=${stack}`;
  const all = [subnets].flat();
  await must(network, "docker", [
    ...["network", "create", "--label", label, ...(all.length > 1 ? ["--ipv6"] : [])],
    ...all.flatMap((subnet) => ["--subnet", subnet]),
    network,
  ]);
  const client = makeKeyPair();
  const hosts = await Promise.all(
    machines.map((machine) => startMachine({ ...machine, network, label }, client.public)),
  );
  return { hosts, privateKey: client.private, publicKey: client.public };
}

async function startMachine(
  args: MachineArgs & { readonly network: string; readonly label: string },
  clientKey: string,
) {
  const { name, address, address6, roles, network, label } = args;
  const { user = "root", memory = "2g", image = imageNames.sid } = args;
  const container = `${network}-${name}`;
  const hostKey = makeKeyPair();
  const home = user === "root" ? "/root" : `/home/${user}`;
  await must(container, "docker", [
    ...["create", "--name", container, "--hostname", name, "--label", label],
    ...["--label", `trilithon.host=${name}`, "--network", network, "--ip", address],
    ...(address6 === undefined ? [] : ["--ip6", address6]),
    ...["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cgroupns", "host"],
    ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
    ...["--tmpfs", "/run", "--tmpfs", "/run/lock", "--env", "container=docker"],
    ...["--volume", `${cgroupPath()}:/sys/fs/cgroup`, "--memory", memory],
    ...["--publish", "127.0.0.1::22", image, "/sbin/init"],
  ]);
  await putFiles(container, {
    "/etc/ssh/ssh_host_ed25519_key": hostKey.private,
    "/etc/ssh/ssh_host_ed25519_key.pub": hostKey.public,
  });
  await must(container, "docker", ["start", container]);
  const inside = (script: string) =>
    must(container, "docker", ["exec", container, "sh", "-ec", script]);
  // What is changed while systemd makes its own users and folders may be lost, or keep it from doing so.
  await inside(`n=0
until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do
  n=$((n + 1)) && [ "$n" -lt 600 ] || { systemctl --no-pager list-jobs; exit 1; }
  sleep 0.2
done
systemctl is-active --quiet ssh || { systemctl --no-pager status ssh; exit 1; }`);
  if (user !== "root") {
    await inside(`useradd --create-home --shell /bin/bash ${user}
echo '${user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/tests`);
  }
  await inside(`mkdir -p ${home}/.ssh && echo '${clientKey.trim()}' >${home}/.ssh/authorized_keys
chown -R ${user}: ${home}/.ssh && chmod 0700 ${home}/.ssh && chmod 0600 ${home}/.ssh/authorized_keys`);
  const published = await must(container, "docker", ["port", container, "22/tcp"]);
  const port = Number(published.trim().split("\n")[0]?.split(":").at(-1));
  const own = { name, address, ...(address6 !== undefined && { address6 }), roles, user };
  return { ...own, sshAddress: "127.0.0.1", port, hostKey: pinOf(hostKey.public) };
}

/** A public host key as a stack's settings have it: without its comment. */
export const pinOf = (publicKey: string) => publicKey.trim().split(" ").slice(0, 2).join(" ");

/** Into a container that has not started yet, too. Private keys are for root alone. */
export async function putFiles(
  container: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), content, { mode: path.endsWith("_key") ? 0o600 : 0o644 });
      await must(container, "docker", ["cp", join(folder, path), `${container}:${path}`]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Machines with both versions of control groups mount the second one here. */
function cgroupPath(): string {
  const hybrid = "/sys/fs/cgroup/unified";
  return existsSync(hybrid) ? hybrid : "/sys/fs/cgroup";
}
