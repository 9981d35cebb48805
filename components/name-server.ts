/** NSD on one or more hosts: each answers for the same zones, and for nothing else. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { ZoneSerial } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { checkArgs, checkUnique, refuse, whenKnown } from "./check-args";
import { addressRecords, type DnsRecord, isIn, stayingTtl, withGiven } from "./dns";
import { checkRecords, checkZones, dnsRecord, zoneNames } from "./dns-check";
import { type Host, onHost } from "./host";
import { inTurn } from "./in-turn";
import { declareListens, type OwnListen, type OwnListenArgs } from "./listens";
import { defaultPorts, nameServerOptions } from "./options";
import { createPackages, withDefaults } from "./packages";
import {
  nsdCheck,
  nsdFiles,
  renderNsdConfig,
  renderNsdDropIn,
  renderNsdScript,
  renderNsdZones,
} from "./render/nsd";
import { renderRecords, renderZone } from "./render/zone";
import { list } from "./rule";
import { host, present } from "./rules";

export interface NameServerArgs {
  /** Where NSD runs: one or more. A change goes through them in this order. */
  readonly hosts: readonly Host[];
  /** For which it answers, as `foobar.com`: one or more. The names of the name servers are in the first. */
  readonly zones: readonly string[];
  /** All records of the zones. `SOA`, `NS` and the addresses of the name servers are made for them. */
  readonly records: pulumi.Input<readonly DnsRecord[]>;
  /** What the records lead to: it is there before they are answered. */
  readonly after?: readonly pulumi.Resource[];
  /** NSD's version, and packages besides it: Debian package to `present`, a version or a pattern. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
}

/**
 * An authoritative name server: it hands no zone out, asks nobody, and limits how often it answers to one network. NSD, as it does nothing
 * else, and checks its files by programs of its own. Destroying it stops it; its package stays.
 *
 *     new NameServer("dns", { hosts: [a, b], zones: ["foobar.com"], records });
 */
export class NameServer extends pulumi.ComponentResource {
  /** Host name to its own name in the DNS: `lb-01.ns.foobar.com`. */
  readonly names: Readonly<Record<string, string>>;
  readonly hosts: readonly Host[];
  readonly zones: readonly string[];
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: NameServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:NameServer", name, {}, opts);
    const check = { component: `NameServer ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    const { hosts, zones } = args;
    this.hosts = hosts;
    this.zones = zones;
    this.names = namesOf(args);
    this.listens = declareListens(hosts.flatMap(listensOf));
    const given = whenKnown(check, { records: args.records }).records.apply((records) => {
      refuse(check.component, checkRecords(records, zones, []));
      return records;
    });
    const nameServers = Object.values(this.names);
    const records = withNameServers(given, nameServers, hosts);
    const files = Object.fromEntries(
      zones.map((zone) => [
        nsdFiles.zone(zone),
        { content: zoneContent(this, name, { zone, nameServers, records }) },
      ]),
    );
    inTurn(hosts, (host, before: Service | undefined) =>
      createService(this, `${name}-${host.name}`, host, { args, files, before }),
    );
    this.registerOutputs({});
  }
}

const nsdUnit = "nsd.service";

const entries = {
  ...nameServerOptions,
  hosts: list("a list of hosts", host, 1),
  zones: zoneNames,
  records: list("a list of records", dnsRecord),
  after: v.optional(list("a list of resources", present)),
};

/** They name resources and files. */
const plainArgs = ["hosts", "hosts.name", "zones", "after"];

function checkAgreement({ hosts, zones, records }: NameServerArgs) {
  return [
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...checkZones(zones, []),
    ...checkRecords(records, zones, []),
  ];
}

/** A label of their own keeps them apart from all names of the site. */
function namesOf({ hosts, zones: [zone] }: NameServerArgs): Readonly<Record<string, string>> {
  return Object.fromEntries(
    hosts.map(({ name }) => [name, `${name.toLowerCase()}.ns.${zone}`] as const),
  );
}

function listensOf({ name: host, address, address6 }: Host): readonly OwnListenArgs[] {
  const listen = { host, port: defaultPorts.dns, what: "DNS", unit: nsdUnit } as const;
  const all = [address, ...(address6 === undefined ? [] : [pulumi.interpolate`[${address6}]`])];
  return all.flatMap((address) =>
    (["udp", "tcp"] as const).map((protocol) => ({
      ...{ ...listen, address, protocol },
      for: { anyone: true } as const,
    })),
  );
}

/** Whoever is sent to a name server has to know where it is. */
function withNameServers(
  given: pulumi.Output<readonly DnsRecord[]>,
  names: readonly string[],
  hosts: readonly Host[],
): pulumi.Output<DnsRecord[]> {
  const addresses = hosts.map(({ address, publicAddress = address, address6 }) => ({
    ...{ publicAddress, address6 },
  }));
  return pulumi.all([given, addresses]).apply(([given, addresses]) => {
    const own = names.flatMap((name, place) => {
      const { publicAddress, address6 } = addresses[place] ?? {};
      const known = [publicAddress, address6].flatMap((one) => one ?? []);
      return addressRecords(name, known, stayingTtl);
    });
    return withGiven(own, given);
  });
}

interface ZoneParts {
  readonly zone: string;
  readonly nameServers: readonly string[];
  readonly records: pulumi.Output<DnsRecord[]>;
}

/** Of all hosts the same, with one serial. */
function zoneContent(
  parent: pulumi.Resource,
  name: string,
  { zone, nameServers, records }: ZoneParts,
): pulumi.Output<string> {
  const servers: DnsRecord = { name: zone, type: "NS", ttl: stayingTtl, values: nameServers };
  const all = records.apply((records) => [
    servers,
    ...records.filter((one) => isIn(one.name, zone)),
  ]);
  const keeper = all.apply((all) => createHash("sha256").update(renderRecords(all)).digest("hex"));
  const { serial } = new ZoneSerial(`${name}-${zone}-serial`, { keeper }, { parent });
  const [nameServer = ""] = nameServers;
  return pulumi
    .all([serial, all])
    .apply(([serial, records]) => renderZone({ zone, serial, nameServer, records }));
}

interface Parts {
  readonly args: NameServerArgs;
  /** Those of the zones. */
  readonly files: Readonly<Record<string, { readonly content: pulumi.Output<string> }>>;
  readonly before: Service | undefined;
}

function createService(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { args: { hosts, zones, packages: wanted, after = [] }, files, before }: Parts,
): Service {
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: "nsd-packages",
    packages: withDefaults({ nsd: "present" }, wanted),
  });
  const { config, zones: zonesConfig, dropIn, script } = nsdFiles;
  const { address, address6 } = host;
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: nsdUnit,
      files: {
        [config]: {
          content: pulumi.output({ address, address6 }).apply(renderNsdConfig),
          onChange: "restart",
        },
        [zonesConfig]: { content: renderNsdZones(zones) },
        ...files,
        [dropIn]: { content: renderNsdDropIn() },
        [script]: { content: renderNsdScript(), mode: "0755" },
      },
      runsWith: packages.versions,
      check: [...nsdCheck(zones)],
      onChange: "reload",
      reloadNote: "no question goes unanswered",
      restartNote:
        hosts.length > 1 ? "others answer meanwhile" : "nothing answers for its zones meanwhile",
      ready: { command: [script, address, ...zones] },
    },
    onHost(host, parent, [packages, ...after, ...(before ? [before] : [])]),
  );
}
