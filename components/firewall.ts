/** nftables on each host: what is declared comes in, and nothing else. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { checkArgs, whenKnown } from "./check-args";
import { type Host, onHost } from "./host";
import { allAddresses, type Listen, ssh } from "./listens";
import { type AllowedPort, firewallOptions } from "./options";
import { createPackages } from "./packages";
import {
  type Family,
  type FirewallPart,
  firewallFiles,
  firewallScript,
  type Opening,
  renderFirewallRules,
  renderFirewallScript,
  renderFirewallUnit,
  renderForewarning,
} from "./render/firewall";
import { list } from "./rule";
import { host } from "./rules";

export interface FirewallArgs {
  /** On which hosts. Those that `listens` names are to be among them. */
  readonly hosts: readonly Host[];
  /**
   * What listens on them, and for whom, by the names of hosts. It may come later than the component, so that what
   * listens can wait for `opened`.
   */
  readonly listens: pulumi.Input<readonly Listen[]>;
  /**
   * Networks of those who look after the stack, IPv4 or IPv6, as `203.0.113.0/24`: SSH and statistics are for them. Default: SSH is for
   * anyone, at most 60 new connections a minute from one address, and statistics are for nobody.
   */
  readonly operators?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** Ports of what the stack does not know. Default none. */
  readonly allow?: pulumi.Input<readonly AllowedPort[]>;
}

/** How long a host waits for a new connection before it takes a change back. SSH answers again within half a minute then. */
const confirmSeconds = 20;
/** New connections of one address. Each command of an operator is one. */
const sshPerMinute = 60;

/**
 * Drops what comes in from outside unless it is declared; what goes out is free. A change is taken back by the host itself unless a new
 * SSH connection gets in after it.
 *
 *     const firewall = new Firewall("firewall", { hosts: [web], listens, operators: ["203.0.113.0/24"] });
 *     firewall.close([webServer]);
 */
export class Firewall extends pulumi.ComponentResource {
  /** Done before anything is reached that was not reached before. */
  readonly opened: readonly pulumi.Resource[];
  readonly #name: string;
  readonly #hosts: readonly Host[];
  readonly #openings: pulumi.Output<ReadonlyMap<string, readonly Opening[]>>;

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Firewall", name, {}, opts);
    const { hosts, listens, operators = [], allow = [] } = args;
    const check = { component: `Firewall ${name}`, entries, plain: ["hosts", "hosts.name"] };
    checkArgs(check, { hosts, operators, allow });
    const known = whenKnown(check, { operators, allow });
    const addresses = pulumi.output(
      hosts.map(({ name, address, address6 }) => ({ name, address, address6 })),
    );
    this.#name = name;
    this.#hosts = hosts;
    this.#openings = pulumi
      .all([listens, known.operators, known.allow, addresses])
      .apply(([listens, operators, allow, addresses]) => {
        const of = new Map(
          addresses.map(({ name, address, address6 }) => [
            name,
            [address, ...(address6 === undefined ? [] : [address6])],
          ]),
        );
        return new Map(
          hosts.map(({ name }) => [name, openingsOf(name, { listens, operators, allow, of })]),
        );
      });
    this.opened = hosts.map((host) => {
      const packages = createPackages(this, `${name}-${host.name}-packages`, host, {
        name: "firewall-packages",
        packages: { nftables: "present" },
      });
      return this.#load("open", host, [packages]);
    });
    this.registerOutputs({});
  }

  /** Takes out what is no longer declared, after all that listens has changed. */
  close(after: readonly pulumi.Resource[]): readonly pulumi.Resource[] {
    return this.#hosts.map((host) => this.#load("declared", host, [...this.opened, ...after]));
  }

  #load(part: FirewallPart, host: Host, dependsOn: readonly pulumi.Resource[]): Service {
    const { unit, unitPath, rulesPath } = firewallFiles(part);
    const rules = this.#openings.apply((openings) =>
      renderFirewallRules(part, openings.get(host.name) ?? []),
    );
    return new Service(
      `${this.#name}-${host.name}${part === "open" ? "-open" : ""}`,
      {
        host: host.host,
        unit,
        files: {
          [rulesPath]: { content: rules },
          [unitPath]: { content: renderFirewallUnit(part) },
          ...(part === "open" && {
            [firewallScript]: { content: renderFirewallScript(), mode: "0755" },
          }),
        },
        onChange: "reload",
        check: [firewallScript, "check", part],
        ...(part === "open" && {
          forewarningCommand: this.#openings.apply((openings) => [
            ...renderForewarning(openings.get(host.name) ?? []),
          ]),
        }),
        confirmSeconds,
        overrides: {
          find: [firewallScript, "differs", part],
          reset: ["systemctl", "reload", unit],
        },
      },
      onHost(host, this, dependsOn),
    );
  }
}

const entries = {
  ...firewallOptions,
  hosts: list("a list of hosts", host, 1),
};

interface Known {
  readonly listens: readonly Listen[];
  readonly operators: readonly string[];
  readonly allow: readonly AllowedPort[];
  /** Host name to its addresses. */
  readonly of: ReadonlyMap<string, readonly string[]>;
}

function openingsOf(host: string, { listens, operators, allow, of }: Known): readonly Opening[] {
  const own = listens
    .filter((listen) => listen.host === host && !isLocal(listen))
    .flatMap((listen) => openingOf(listen, operators, of));
  const allowed = allow
    .filter(({ hosts }) => hosts?.includes(host) ?? true)
    .map(
      ({ port, protocol = "tcp", from }): Opening => ({
        ...{ what: "allowed", protocol, port, families: ["ip", "ip6"] },
        from: from ?? "anyone",
        whom: from === undefined ? "anyone" : from.join(" "),
      }),
    );
  return [...own, ...allowed];
}

function isLocal({ address }: Listen): boolean {
  return address.startsWith("127.") || address === "[::1]";
}

function openingOf(
  { what, protocol, port, address, for: audience }: Listen,
  operators: readonly string[],
  of: ReadonlyMap<string, readonly string[]>,
): readonly Opening[] {
  const families = familiesOf(address);
  const opening = { what, protocol, port, families };
  if (audience.anyone) return [{ ...opening, from: "anyone", whom: "anyone" }];
  // Nobody could get in any more.
  const isOpenSsh = audience.operators && what === ssh && operators.length === 0;
  if (isOpenSsh) return [{ ...opening, from: "anyone", whom: "anyone", perMinute: sshPerMinute }];
  const { hosts = [] } = audience;
  const addresses = hosts.flatMap((name) => of.get(name) ?? []);
  // Apart: an operator's network may include the hosts.
  return [
    { ...opening, from: audience.operators ? operators : [], whom: "operators" },
    { ...opening, from: addresses, whom: hosts.join(" ") },
  ].filter(({ from }) => from.length > 0);
}

/** Of a socket's address. */
function familiesOf(address: string): readonly Family[] {
  if (address === allAddresses) return ["ip", "ip6"];
  return address.startsWith("[") ? ["ip6"] : ["ip"];
}
