/** Copies of databases and of folders in repositories of restic, which no machine can delete from, on backup hosts or elsewhere. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type CertificateAuthority, Password } from "../provider/resources/generated";
import type { Service } from "../provider/resources/service";
import { createBackupServer, type MachinePasswords } from "./backup-server";
import { type BackedUpMachine, type BackupPlace, createBackupTimers } from "./backup-timers";
import { checkArgs, checkUnique, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import type { Host } from "./host";
import { inTurn } from "./in-turn";
import { declareListens, type OwnListen } from "./listens";
import { backupOptions, defaultPorts } from "./options";
import { createOwnAuthority } from "./own-certificates";
import { backupServer, type Keep } from "./render/backup-server";
import { list, record, rule, text } from "./rule";
import { host, present } from "./rules";

/** A repository of restic's that the stack does not keep itself. */
export interface BackupRepositoryArgs {
  /** As restic has it: `s3:https://s3.example.com/shop`, `sftp:backup@10.0.9.1:/shop`, `rest:https://...`. Each machine has its own below it. */
  readonly repository: pulumi.Input<string>;
  /** A secret: it opens what is there. */
  readonly password: pulumi.Input<string>;
  /** Variables for restic, as `AWS_ACCESS_KEY_ID`. Give keys that may add and not delete. Default none. */
  readonly environment?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
}

export interface BackupArgs {
  /** Where the repositories are: restic's REST server runs there. May be none, with a `repository`. */
  readonly hosts: readonly Host[];
  /** Another repository, besides or instead of those. */
  readonly repository?: BackupRepositoryArgs;
  /** What is copied: all members of a database, and the hosts of folders. */
  readonly machines: readonly BackedUpMachine[];
  /** When full copies and those of folders are made, as systemd's `OnCalendar` has it. Default `*-*-* 02:30`. */
  readonly schedule?: pulumi.Input<string>;
  /** How fast a machine sends full copies and those of folders, to each place, 1 to 10000; the copy beside MySQL is made twice as fast. Default 5. */
  readonly megabytesPerSecond?: pulumi.Input<number>;
  /** How many copies stay on `hosts`. Default `{ daily: 7, weekly: 5, monthly: 12 }`. */
  readonly keep?: Partial<Keep>;
  /** Of the REST server. Default 8000. */
  readonly port?: number;
  /** Any text: another one than before makes a new authority for the servers' certificates. */
  readonly authorityKeeper?: pulumi.Input<string>;
  /** Versions of `restic` and `restic-rest-server`, and packages besides them: Debian package to `present`, a version or a pattern. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
}

/** How a repository of one machine is reached, by whoever restores. */
export interface BackupKey {
  readonly repository: string;
  readonly password: string;
  /** PEM. Left out where systems trust by themselves. */
  readonly ca?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/**
 * Backups: a full copy of the database each day from a member that takes no writes, its binary logs each minute, and folders. Each machine has a
 * repository of its own, to which it may add. Destroying it ends the copies and leaves the repositories.
 *
 *     new Backup("backup", { hosts: [hosts.c], machines: database.members.map((host) => ({ host, database: "member" })) });
 */
export class Backup extends pulumi.ComponentResource {
  readonly hosts: readonly Host[];
  readonly machines: readonly BackedUpMachine[];
  /** Where copies go, by name: the backup hosts, and `repository`. */
  readonly places: readonly string[];
  readonly port: number;
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  /** Machine to place to how it is reached. A secret: keep it where the stack's loss does not reach. */
  readonly keys: pulumi.Output<Readonly<Record<string, Readonly<Record<string, BackupKey>>>>>;
  readonly ready: readonly Service[];

  constructor(name: string, args: BackupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Backup", name, {}, opts);
    const check = { component: `Backup ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    const {
      hosts,
      machines,
      port = defaultPorts.backup,
      schedule = "*-*-* 02:30",
      megabytesPerSecond = 5,
    } = args;
    const known = whenKnown(check, { schedule, megabytesPerSecond });
    this.hosts = hosts;
    this.machines = machines;
    this.port = port;
    this.listens = declareListens(hosts.map((host) => listenOf(host, port, machines)));
    const authority = createOwnAuthority(name, args.authorityKeeper, this);
    const passwords = createPasswords(this, name, machines);
    const keep = { daily: 7, weekly: 5, monthly: 12, ...args.keep };
    const { packages } = args;
    const servers = inTurn(hosts, (host, before: Service | undefined) =>
      createBackupServer(this, `${name}-${host.name}`, host, {
        ...{ authority, passwords, keep, port, packages, before },
      }),
    );
    const places = machines.map(({ host }) =>
      placesOf(args, { authority, port, machine: host.name, password: passwords[host.name] }),
    );
    this.places = [...hosts.map((host) => host.name), ...(args.repository ? [elsewhere] : [])];
    const timers = machines.map((machine, index) =>
      createBackupTimers(this, `${name}-of-${machine.host.name}`, machine, {
        ...{ places: places[index] ?? [], members: membersOf(machines), packages, servers },
        ...known,
      }),
    );
    this.keys = keysOf(machines, places);
    this.ready = [...servers, ...timers];
    this.registerOutputs({});
  }
}

/** The name of a place that is no host: no host has it, as it has an underscore. */
const elsewhere = "other_repository";

const machineEntries = record("a machine with host", {
  host,
  database: v.optional(rule("member", (value): value is "member" => value === "member")),
  folders: v.optional(
    list(
      "a list of folders",
      text("an absolute path in one line", (value) => /^\/[^\n\r\0]*$/.test(value)),
    ),
  ),
  after: v.optional(list("a list of resources", present)),
});

const entries = {
  ...backupOptions,
  hosts: list("a list of hosts", host),
  machines: list("a list of machines", machineEntries, 1),
};

const plainArgs = [
  ...["hosts", "hosts.name", "machines", "machines.host", "machines.host.name"],
  ...["machines.database", "machines.folders", "machines.after", "keep", "port", "repository"],
];

function checkAgreement({ hosts, machines, repository }: BackupArgs): readonly Fault[] {
  const names = machines.map(({ host }) => host);
  const expected = "at least one host, or a repository";
  return [
    ...(hosts.length === 0 && repository === undefined
      ? [{ path: "hosts", message: unexpected(expected, hosts) }]
      : []),
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...checkUnique("machines", "a machine that is not in the list before", names, ".host"),
  ];
}

function listenOf(
  { name: host, address }: Host,
  port: number,
  machines: readonly BackedUpMachine[],
) {
  return {
    ...({
      host,
      address,
      port,
      protocol: "tcp",
      what: "backups",
      unit: backupServer.unit,
    } as const),
    for: { hosts: machines.map((machine) => machine.host.name) },
  };
}

function membersOf(machines: readonly BackedUpMachine[]): readonly Host[] {
  return machines.filter(({ database }) => database !== undefined).map(({ host }) => host);
}

function createPasswords(
  parent: pulumi.Resource,
  name: string,
  machines: readonly BackedUpMachine[],
): Readonly<Record<string, MachinePasswords>> {
  const make = (of: string) => pulumi.secret(new Password(`${name}-${of}`, {}, { parent }).value);
  return Object.fromEntries(
    machines.map(({ host }) => [
      host.name,
      { access: make(`${host.name}-access`), repository: make(`${host.name}-password`) },
    ]),
  );
}

function placesOf(
  { hosts, repository }: BackupArgs,
  of: {
    readonly authority: CertificateAuthority;
    readonly port: number;
    readonly machine: string;
    readonly password: MachinePasswords | undefined;
  },
): readonly BackupPlace[] {
  const { machine, password } = of;
  const own = hosts.flatMap((host) =>
    password === undefined
      ? []
      : {
          name: host.name,
          repository: pulumi.interpolate`rest:https://${machine}:${password.access}@${host.address}:${of.port}/${machine}/`,
          password: password.repository,
          ca: of.authority.trustedCertificates,
          makesRepository: false,
        },
  );
  const other = repository && {
    name: elsewhere,
    repository: pulumi
      .output(repository.repository)
      .apply((url) => `${url.replace(/\/$/, "")}/${machine}`),
    password: pulumi.secret(repository.password),
    ...(repository.environment && { environment: pulumi.secret(repository.environment) }),
    makesRepository: true,
  };
  return [...own, ...(other ? [other] : [])];
}

function keysOf(machines: readonly BackedUpMachine[], places: readonly (readonly BackupPlace[])[]) {
  const all = machines.map(({ host }, index) => {
    const own = (places[index] ?? []).map(({ name, repository, password, ca, environment }) => {
      const key = pulumi.output({
        ...{ repository, password },
        ...(ca && { ca }),
        ...(environment && { environment }),
      });
      return [name, key] as const;
    });
    return [host.name, Object.fromEntries(own)] as const;
  });
  return pulumi.secret(pulumi.output(Object.fromEntries(all)));
}
