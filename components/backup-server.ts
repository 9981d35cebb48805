/** A host that keeps backups: restic's REST server, and what prunes and checks beside it. */
import * as pulumi from "@pulumi/pulumi";
import { type CertificateAuthority, Password } from "../provider/resources/generated";
import { type FileArgs, Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import { createOwnCertificate } from "./own-certificates";
import { createPackages, type WantedPackages, withDefaults } from "./packages";
import {
  backupServer,
  type Keep,
  renderBackupServerUnit,
  renderBackupUsers,
  renderKeepScript,
  renderKeepService,
  renderKeepTimer,
} from "./render/backup-server";

/** Of one machine: what lets it in, and what opens its repository. */
export interface MachinePasswords {
  readonly access: pulumi.Output<string>;
  readonly repository: pulumi.Output<string>;
}

export interface BackupServerParts {
  readonly authority: CertificateAuthority;
  /** By machine. */
  readonly passwords: Readonly<Record<string, MachinePasswords>>;
  readonly keep: Keep;
  readonly port: number;
  readonly packages: WantedPackages;
  readonly before: Service | undefined;
}

export function createBackupServer(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { authority, passwords, keep, port, packages: wanted, before }: BackupServerParts,
): Service {
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: "backup-server-packages",
    packages: withDefaults({ restic: "present", "restic-rest-server": "present" }, wanted),
  });
  const { address } = host;
  const own = { name: host.name, addresses: [address, host.name] };
  const { chain, privateKey } = createOwnCertificate(parent, name, own, authority);
  const keeper = new Password(`${name}-keeper-password`, {}, { parent });
  const { user, home } = backupServer;
  const files: Record<string, FileArgs> = {
    [backupServer.unitPath]: {
      content: pulumi
        .output(address)
        .apply((known) => renderBackupServerUnit({ address: known, port })),
    },
    [backupServer.scriptPath]: { content: renderKeepScript(keep), mode: "0755" },
    [backupServer.keepServicePath]: { content: renderKeepService(), onChange: "nothing" },
    [backupServer.keepTimerPath]: { content: renderKeepTimer() },
    [backupServer.certificate]: { content: chain },
    [backupServer.privateKey]: { content: privateKey, mode: "0600", owner: user, group: user },
    [backupServer.users]: {
      content: usersOf(passwords),
      ...{ mode: "0600", owner: user, group: user },
    },
    [backupServer.keeperPassword]: { content: pulumi.secret(keeper.value), mode: "0600" },
  };
  for (const [machine, { repository }] of Object.entries(passwords)) {
    files[backupServer.machinePassword(machine)] = { content: repository, mode: "0600" };
  }
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: backupServer.unit,
      moreUnits: { [`${backupServer.keepUnit}.timer`]: { ready: { deadlineSeconds: 10 } } },
      users: { [user]: home },
      files,
      runsWith: packages.versions,
      // Another machine's repository is made as it starts.
      onChange: "restart",
      restartNote: "copies that are under way are made again",
      port,
      // Each machine's repository is made before.
      ready: {
        command: ["perl", "-MIO::Socket::INET", "-e", answers, address, String(port)],
        deadlineSeconds: 120,
      },
    },
    onHost(host, parent, [packages, ...(before ? [before] : [])]),
  );
}

/** That somebody answers there. */
const answers =
  "exit(IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 2) ? 0 : 1)";

function usersOf(passwords: BackupServerParts["passwords"]): pulumi.Output<string> {
  const access = Object.fromEntries(
    Object.entries(passwords).map(([machine, { access }]) => [machine, access] as const),
  );
  return pulumi.secret(pulumi.output(access).apply(renderBackupUsers));
}
