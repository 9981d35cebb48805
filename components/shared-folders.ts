/** Folders of an application that have the same content on all of its hosts: Syncthing beside it on each of them. */
import * as pulumi from "@pulumi/pulumi";
import { Certificate, CertificateAuthority } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { type Fault, unexpected } from "./expectation";
import { type Host, onHost } from "./host";
import type { OwnListenArgs } from "./listens";
import { createPackages } from "./packages";
import { stateFolder } from "./persistent";
import { deviceId, renderSyncthing, renderSyncthingUnit } from "./render/syncthing";

interface SharedFoldersArgs {
  /** The application, and its user. */
  readonly name: string;
  readonly hosts: readonly Host[];
  /** As in `persistent`. */
  readonly paths: readonly string[];
  readonly port: number;
  /** Host name to what has to be there before: the user and the folders. */
  readonly after: Readonly<Record<string, pulumi.Resource>>;
}

/** The hosts of the application have the folders from each other. */
export function sharedFolderListens({
  name,
  hosts,
  port,
}: Omit<SharedFoldersArgs, "after">): readonly OwnListenArgs[] {
  const names = hosts.map((one) => one.name);
  return hosts.map(({ name: host, address }) => ({
    ...{ host, address, port, protocol: "tcp", what: "shared folders", unit: unitOf(name) },
    for: { hosts: names },
  }));
}

/** No process of any application has such a name. */
function unitOf(application: string): string {
  return `${application}.shared.service`;
}

export function createSharedFolders(
  parent: pulumi.Resource,
  name: string,
  { name: application, hosts, paths, port, after }: SharedFoldersArgs,
): readonly Service[] {
  const identities = createIdentities(parent, name, hosts);
  const devices = pulumi.all(
    identities.map(({ host, certificate }) =>
      pulumi
        .all([certificate.certificate, host.address])
        .apply(([text, address]) => ({ name: host.name, address, id: deviceId(text) })),
    ),
  );
  const folders = paths.map((path) => `${stateFolder(application)}/${path}`);
  const configFolder = `/etc/${application}/shared`;
  const unit = unitOf(application);
  return identities.map(({ host, certificate }) => {
    const packages = createPackages(parent, `${name}-${host.name}-shared-packages`, host, {
      name: `${application}-shared-packages`,
      packages: { syncthing: "present" },
    });
    const config = pulumi
      .all([devices, host.address])
      .apply(([known, address]) => renderSyncthing({ address, port, devices: known, folders }));
    const own = { owner: application, group: application, mode: "0600" };
    const release = after[host.name];
    return new Service(
      `${name}-${host.name}-shared`,
      {
        host: host.host,
        unit,
        runsWith: packages.versions,
        files: {
          [`/etc/systemd/system/${unit}`]: {
            content: renderSyncthingUnit({ name: application, configFolder, folders }),
          },
          [`${configFolder}/config.xml`]: { content: config },
          [`${configFolder}/cert.pem`]: { content: certificate.certificate },
          [`${configFolder}/key.pem`]: { ...own, content: certificate.privateKey },
        },
        onChange: "restart",
        port,
        ready: { command: shell(`${isMarked} || exit 1`, folders) },
        // Where two hosts changed one file, a preview tells of the content that did not win.
        configurationCommand: shell(listConflicts, folders),
        // With its mark a folder also loses its place in the exchange, until Syncthing is started again.
        overrides: {
          find: shell(
            `${isMarked} || echo "$folder is not shared, as its .stfolder is missing"`,
            folders,
          ),
          reset: shell(`${isMarked} || { systemctl restart ${unit} && ${untilMarked}; }`, folders),
        },
      },
      onHost(host, parent, [packages, ...(release ? [release] : [])]),
    );
  });
}

/** Each as a file that somebody else wrote. */
const listConflicts = `find "$folder" -name '*.sync-conflict-*' -type f | LC_ALL=C sort | while IFS= read -r path; do
    printf '# configuration file %s:\\nanother host changed the same file at the same time: this was its content\\n' "$path"
  done`;

const isMarked = '[ -d "$folder/.stfolder" ]';

/** It makes the mark a moment after its start. */
const untilMarked = `n=0; until ${isMarked}; do n=$((n + 1)); [ "$n" -lt 300 ] || exit 1; sleep 0.1; done`;

/** The command is run for each folder. */
function shell(command: string, folders: readonly string[]): string[] {
  return ["sh", "-c", `for folder; do ${command}; done`, "sh", ...folders];
}

/** Syncthing takes a peer for what it is by its certificate, and expects this name in it. */
const certificateName = "syncthing";

function createIdentities(parent: pulumi.Resource, name: string, hosts: readonly Host[]) {
  const authority = new CertificateAuthority(
    `${name}-shared-authority`,
    { name: "shared folders" },
    { parent },
  );
  return hosts.map((host) => {
    const certificate = new Certificate(
      `${name}-${host.name}-shared-certificate`,
      {
        name: certificateName,
        addresses: [host.address],
        authorityCertificate: authority.certificate,
        authorityPrivateKey: authority.privateKey,
      },
      { parent },
    );
    return { host, certificate };
  });
}

/** What is shared outlives versions, too. */
export function checkShared(args: {
  readonly shared?: unknown;
  readonly persistent?: unknown;
}): readonly Fault[] {
  const { shared, persistent } = args;
  const list =
    typeof shared === "object" && shared !== null && "folders" in shared ? shared.folders : [];
  const folders: unknown[] = Array.isArray(list) ? list : [];
  const kept: unknown[] = Array.isArray(persistent) ? persistent : [];
  return folders.flatMap((folder, index) =>
    kept.includes(folder) && folders.indexOf(folder) === index
      ? []
      : [
          {
            path: `shared.folders[${index}]`,
            message: unexpected("one of persistent, once", folder),
          },
        ],
  );
}
