/** Syncthing for the shared folders of one application on one host. */
import { createHash } from "node:crypto";
import { writtenByTrilithon } from "./application-unit";

export interface SyncthingConfig {
  /** Of this host. */
  readonly address: string;
  readonly port: number;
  /** All hosts, this one too. */
  readonly devices: readonly {
    readonly name: string;
    readonly address: string;
    readonly id: string;
  }[];
  readonly folders: readonly string[];
}

/** It talks to the hosts that are named here and to nobody else: no discovery, no relays, no reports, no upgrades by itself. */
export function renderSyncthing({ address, port, devices, folders }: SyncthingConfig): string {
  return `<!-- Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`. -->
<configuration version="35">
${folders.map((folder) => renderFolder(folder, devices)).join("\n")}
${devices.map((device) => renderDevice(device, port)).join("\n")}
    <gui enabled="false"></gui>
    <options>
        <listenAddress>tcp://${address}:${port}</listenAddress>
        <globalAnnounceEnabled>false</globalAnnounceEnabled>
        <localAnnounceEnabled>false</localAnnounceEnabled>
        <relaysEnabled>false</relaysEnabled>
        <natEnabled>false</natEnabled>
        <stunKeepaliveStartS>0</stunKeepaliveStartS>
        <stunKeepaliveMinS>0</stunKeepaliveMinS>
        <reconnectionIntervalS>2</reconnectionIntervalS>
        <urAccepted>-1</urAccepted>
        <crashReportingEnabled>false</crashReportingEnabled>
        <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
        <startBrowser>false</startBrowser>
    </options>
</configuration>
`;
}

/** What is written is told to the others a second later; what no notice came of is found within the hour. */
function renderFolder(path: string, devices: SyncthingConfig["devices"]): string {
  return `    <folder id="${path}" path="${path}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">
${devices.map(({ id }) => `        <device id="${id}"></device>`).join("\n")}
        <minDiskFree unit="%">1</minDiskFree>
        <maxConflicts>10</maxConflicts>
    </folder>`;
}

function renderDevice({ name, address, id }: SyncthingConfig["devices"][number], port: number) {
  return `    <device id="${id}" name="${name}" compression="metadata">
        <address>tcp://${address}:${port}</address>
    </device>`;
}

export interface SyncthingUnit {
  /** The application, and its user. */
  readonly name: string;
  /** Holds `config.xml`, `cert.pem` and `key.pem`. */
  readonly configFolder: string;
  readonly folders: readonly string[];
}

/** What Syncthing knows of the folders, apart from the application's own state. */
function indexFolder(name: string): string {
  return `/var/lib/${name}.shared`;
}

/**
 * A folder without Syncthing's mark was emptied or made anew: with its index it would tell the others that all was deleted there.
 * Without it, it gets all from them.
 */
export function renderSyncthingUnit({ name, configFolder, folders }: SyncthingUnit): string {
  const home = indexFolder(name);
  const checks = folders.map((folder) => `[ -d '${folder}/.stfolder' ]`).join(" && ");
  return `${writtenByTrilithon}
[Unit]
Description=${name}: shared folders
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=${name}
Group=${name}
# Its index says what was there: with an empty folder it would have all deleted on the other hosts.
ExecStartPre=/bin/sh -c "${checks} || rm -rf ${home}/index-*"
ExecStartPre=/usr/bin/install -m 0600 ${["config.xml", "cert.pem", "key.pem"].map((file) => `${configFolder}/${file}`).join(" ")} ${home}/
ExecStart=/usr/bin/syncthing serve --home=${home} --no-browser --no-restart
Environment=STNOUPGRADE=1
Restart=always
RestartSec=1
UMask=0022
StateDirectory=${name}.shared
StateDirectoryMode=0700
ReadWritePaths=${folders.join(" ")}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
Nice=10

[Install]
WantedBy=multi-user.target
`;
}

/** How Syncthing names who has a certificate: its SHA-256 in letters, with check digits. */
export function deviceId(certificate: string): string {
  const bytes = Buffer.from(certificate.replace(/-----[^-]*-----/g, ""), "base64");
  const digest = createHash("sha256").update(bytes).digest();
  const parts = base32(digest).match(/.{13}/g) ?? [];
  const whole = parts.map((part) => part + checkDigit(part)).join("");
  return (whole.match(/.{7}/g) ?? []).join("-");
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

/** By Luhn's algorithm, modulo 32. */
function checkDigit(text: string): string {
  const sum = [...text].reduce((sum, letter, at) => {
    const addend = (at % 2 === 0 ? 1 : 2) * alphabet.indexOf(letter);
    return sum + Math.floor(addend / 32) + (addend % 32);
  }, 0);
  return alphabet[(32 - (sum % 32)) % 32] ?? "";
}
