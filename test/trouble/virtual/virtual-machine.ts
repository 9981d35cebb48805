/** A machine with a kernel, a disk and a clock of its own: QEMU in a container, at the container's address. */
import { getServers } from "node:dns";
import { connect } from "node:net";
import { join } from "node:path";
import { makeKeyPair } from "../../../provider/ssh/key-pair";
import { imageNames } from "../../../scripts/setup/base-image";
import { root } from "../../../scripts/setup/environment";
import { must } from "../../../scripts/setup/run";
import { pinOf, putFiles } from "../../end-to-end/support/machines";
import { until } from "../until";

const image = "trilithon-virtual";
const megabytes = 1536;

/** A minute or two, once. */
export async function makeVirtualImage(): Promise<void> {
  const folder = join(root, "test", "trouble", "virtual");
  const base = ["--build-arg", `BASE=${imageNames.sid}`];
  await must(image, "docker", [
    ...["build", "--quiet", "--network", "host", ...base, "--tag", image, folder],
  ]);
}

export interface VirtualMachineArgs {
  readonly stack: string;
  readonly name: string;
  /** In the stack's network, which has 254 addresses and its gateway at the first. */
  readonly address: string;
  readonly roles: readonly string[];
  /** Whom its user `debian` lets in, who has sudo. */
  readonly clientKey: string;
}

/** As the stack's settings list it, once it answers. */
export async function startVirtualMachine(args: VirtualMachineArgs) {
  const { stack, name, address, roles, clientKey } = args;
  const container = `trilithon-${stack}-${name}`;
  const hostKey = makeKeyPair();
  const gateway = address.replace(/\d+$/, "1");
  await must(container, "docker", [
    ...["create", "--name", container, "--label", `trilithon.stack=${stack}`],
    ...["--network", `trilithon-${stack}`, "--ip", address],
    ...["--cap-add", "NET_ADMIN", "--device", "/dev/net/tun"],
    ...[image, "sh", "/start.sh", String(megabytes)],
  ]);
  await putFiles(container, {
    "/machine/etc/ssh/ssh_host_ed25519_key": hostKey.private,
    "/machine/etc/ssh/ssh_host_ed25519_key.pub": hostKey.public,
    "/machine/home/debian/.ssh/authorized_keys": clientKey,
    "/machine/etc/hostname": `${name}\n`,
    "/machine/etc/hosts": `127.0.0.1 localhost\n127.0.1.1 ${name}\n`,
    "/machine/etc/resolv.conf": nameServers(),
    "/machine/etc/systemd/network/10-lan.network": `[Match]
Name=eth0

[Network]
Address=${address}/24
Gateway=${gateway}
`,
  });
  await must(container, "docker", ["start", container]);
  await until(`${name} answers at ${address}:22`, () => greets(address), 300);
  return { name, address, roles, user: "debian", hostKey: pinOf(hostKey.public) };
}

/** It has a network of its own: what listens on this machine's loopback does not answer it. */
function nameServers(): string {
  const servers = getServers().filter((one) => !/^(127\.|::1)/.test(one));
  if (servers.length === 0) {
    throw new Error("a virtual machine needs a name server that is not on this machine's loopback");
  }
  return servers.map((one) => `nameserver ${one}\n`).join("");
}

/** Whether SSH answers there. */
function greets(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 5000 });
    const end = (isSo: boolean) => {
      socket.destroy();
      resolve(isSo);
    };
    socket.once("data", (data) => end(data.toString().startsWith("SSH-")));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
