/** The address that several load balancers share: keepalived on each of them, and one has it. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { OwnListenArgs } from "./listens";
import { createPackages } from "./packages";
import { renderAddressScript } from "./render/address-script";
import {
  keepalivedFiles,
  renderCheck,
  renderKeepalived,
  renderKeepalivedUnit,
} from "./render/keepalived";

interface VirtualAddressArgs {
  readonly hosts: readonly Host[];
  readonly virtualAddress: pulumi.Output<string | undefined>;
  readonly virtualAddress6: pulumi.Output<string | undefined>;
  readonly onMove: pulumi.Output<readonly string[] | undefined>;
  /** Where HAProxy answers. */
  readonly port: pulumi.Output<number>;
  readonly servers: pulumi.Output<readonly { readonly address: string; readonly port: number }[]>;
  /** HAProxy on each of the hosts, in their order: none takes the address before it serves. */
  readonly balancers: readonly Service[];
}

/** One host after the other: should keepalived be started again, the next host has the address meanwhile. */
export function createVirtualAddress(
  parent: pulumi.Resource,
  name: string,
  args: VirtualAddressArgs,
): readonly Service[] {
  const services: Service[] = [];
  for (const [place, host] of args.hosts.entries()) {
    const packages = createPackages(parent, `${name}-${host.name}-keepalived-packages`, host, {
      name: "keepalived-packages",
      packages: { keepalived: "present", nftables: "present" },
    });
    const service = new Service(
      `${name}-${host.name}-keepalived-service`,
      {
        host: host.host,
        unit: keepalivedUnit,
        files: renderFiles(place, args),
        runsWith: packages.versions,
        check: [
          "sh",
          "-c",
          `${keepalivedFiles.script} find-interface && ${keepalivedFiles.script} free && keepalived --config-test --use-file ${keepalivedFiles.config}`,
        ],
        configurationFiles: ["/etc/default/keepalived"],
        onChange: "reload",
        reloadNote: "the address stays where it is",
        restartNote: "another load balancer takes the address over",
        ready: { command: [keepalivedFiles.script, "ready"] },
        overrides: {
          find: [keepalivedFiles.script, "tell"],
          reset: [keepalivedFiles.script, "reset"],
        },
      },
      onHost(host, parent, [packages, ...args.balancers, ...services.slice(-1)]),
    );
    services.push(service);
  }
  return services;
}

/** Each hears the others, at its own address. */
export function virtualAddressListens(hosts: readonly Host[]): readonly OwnListenArgs[] {
  const names = hosts.map(({ name }) => name);
  return hosts.map(({ name: host, address }) => ({
    ...{ host, address, protocol: "vrrp", what: "VRRP", unit: keepalivedUnit },
    for: { hosts: names },
  }));
}

const keepalivedUnit = "keepalived.service";

/** Tells load balancers of another stack apart, without a name that visitors could read. */
export function stackMark(): string {
  const name = `${pulumi.getProject()}/${pulumi.getStack()}`;
  return createHash("sha256").update(name).digest("hex").slice(0, 16);
}

function renderFiles(place: number, args: VirtualAddressArgs) {
  const { hosts, virtualAddress, virtualAddress6, onMove, port, servers } = args;
  const known = pulumi.output({
    addresses: hosts.map(({ address }) => address),
    address6: hosts[place]?.address6,
    ...{ virtualAddress, virtualAddress6, onMove, port, servers },
  });
  const hostName = hosts[place]?.name ?? "";
  const config = known.apply(({ addresses, port, servers, ...shared }) => {
    const address = addresses[place] ?? "";
    const peers = addresses.filter((other) => other !== address);
    const others = [...servers, ...peers.map((address) => ({ address, port }))]
      .filter((other) => other.address !== address)
      .map((other) => `${other.address}:${other.port}`);
    const { virtualAddress, virtualAddress6 } = shared;
    return renderKeepalived({
      ...{ hostName, address, place, peers, others, virtualAddress, virtualAddress6 },
    });
  });
  const script = known.apply(({ addresses, port, onMove, ...shared }) => {
    const address = addresses[place] ?? "";
    const peers = addresses.filter((other) => other !== address);
    const mark = stackMark();
    const { address6, virtualAddress, virtualAddress6 } = shared;
    const own = { hostName, address, address6, peers, port, mark };
    return renderAddressScript({ ...own, virtualAddress, virtualAddress6, onMove });
  });
  return {
    [keepalivedFiles.config]: { content: config },
    [keepalivedFiles.script]: { content: script, mode: "0755" },
    [keepalivedFiles.check]: { content: port.apply(renderCheck), mode: "0755" },
    [keepalivedFiles.unit]: { content: renderKeepalivedUnit() },
  };
}
