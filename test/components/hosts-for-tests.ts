/** Machines as components take them. */
import type { Host } from "../../components/host";
import { Machine } from "../../provider/resources/machine";

export function makeHost(name: string, address: string): Host {
  const host = {
    name,
    address,
    port: 22,
    user: "root",
    hostKey: `ssh-ed25519 ${name}`,
    privateKey: "key",
  };
  return { name, address, host, machine: new Machine(name, { host }) };
}
