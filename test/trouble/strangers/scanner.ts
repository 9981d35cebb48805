/** Who reaches which ports: nmap, in a container of its own or beside a host. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageNames } from "../../../scripts/setup/base-image";
import { capture, type Finished, must } from "../../../scripts/setup/run";

const image = "trilithon-scanner";

/** The hosts' image and nmap, dig, curl and ping. */
export async function makeScanner(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-scanner-"));
  const packages = "nmap bind9-dnsutils curl iputils-ping";
  await writeFile(
    join(folder, "Dockerfile"),
    `FROM ${imageNames.sid}\nRUN apt-get -qq update && apt-get -qqy install --no-install-recommends ${packages}\n`,
  );
  await must(image, "docker", ["build", "--quiet", "--network", "host", "--tag", image, folder]);
  await rm(folder, { recursive: true });
}

export interface Place {
  /** Of Docker: a network, or `container:NAME`. */
  readonly network: string;
  /** In that network. Default: any. */
  readonly address6?: string;
}

/** In a container of its own there. */
export function runAt(
  { network, address6 }: Place,
  ...words: readonly string[]
): Promise<Finished> {
  return capture("docker", [
    ...["run", "--rm", "--cap-add", "NET_RAW", "--cap-add", "NET_ADMIN", "--network", network],
    ...(address6 === undefined ? [] : ["--ip6", address6]),
    ...[image, ...words],
  ]);
}

/** A machine of that network, until the stack is removed. */
export async function startMachine(stack: string, address6: string): Promise<void> {
  await must("machine", "docker", [
    ...["run", "--detach", "--label", `trilithon.stack=${stack}`],
    ...["--network", `trilithon-${stack}`, "--ip6", address6, image, "sleep", "infinity"],
  ]);
}

/** For root on a host whose network has no IPv6: Docker gives no address there, and leaves the protocol off. */
export function giveAddress6(address6: string): string {
  return `mount --bind /proc/sys/net /proc/sys/net && mount -o remount,rw,bind /proc/sys/net &&
sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 && umount /proc/sys/net &&
ip -6 addr add ${address6}/64 dev eth0 nodad`;
}

/** A machine that is no host of the stack's, in its network without IPv6: `trilithon-STACK-stranger`. */
export async function startStranger(stack: string, address6: string): Promise<void> {
  const name = `trilithon-${stack}-stranger`;
  await must(name, "docker", [
    ...["run", "--detach", "--name", name, "--label", `trilithon.stack=${stack}`],
    ...["--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN", "--network", `trilithon-${stack}`],
    ...[image, "sh", "-c", `${giveAddress6(address6)} && exec sleep infinity`],
  ]);
}

const tcp = ["-sS", "-p-", "--min-rate", "20000", "--max-retries", "1"];
const udp = ["-sU", "--top-ports", "50", "--max-retries", "1"];

/** Address to `22/tcp 80/tcp`: open, of all TCP ports and the most common UDP ports. The addresses are of one family. */
export async function openPorts(
  place: Place,
  addresses: readonly string[],
): Promise<Record<string, string>> {
  const found = new Map(addresses.map((address) => [address, [] as string[]]));
  const family = addresses.some((address) => address.includes(":")) ? ["-6"] : [];
  for (const kind of [tcp, udp]) {
    const words = ["nmap", ...family, "-n", "-Pn", "-T4", ...kind, "-oG", "-", ...addresses];
    const { status, stdout, stderr } = await runAt(place, ...words);
    if (status !== 0) throw new Error(`nmap of ${addresses.join(" ")}: ${stderr}`);
    for (const [, address = "", ports = ""] of stdout.matchAll(/^Host: (\S+) .*Ports: (.*)$/gm)) {
      for (const [, port, protocol] of ports.matchAll(/(\d+)\/open\/(tcp|udp)/g))
        found.get(address)?.push(`${port}/${protocol}`);
    }
  }
  return Object.fromEntries([...found].map(([address, ports]) => [address, ports.join(" ")]));
}
