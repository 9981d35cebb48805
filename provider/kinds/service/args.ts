/** What a Service is told, with every default filled in, and what is seen of it. Release shares all of it. */

import type { Host } from "../../kind";
import type { ForeignChange } from "./foreign";
import type { Overrides } from "./overrides";
import type { OwnedThing } from "./owner";
import type { HttpProbe } from "./probe";

export type OnChange = "reload" | "restart" | "nothing";

export interface File {
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly onChange: OnChange;
  /** A preview then names the variables that change, and no value. Default: it counts lines. */
  readonly format?: "environment";
}

export interface Ready {
  readonly http?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly matches?: string;
  readonly tcp?: number;
  readonly command?: readonly string[];
  /** It was active for that long without a restart. */
  readonly staySeconds?: number;
  readonly deadlineSeconds: number;
}

/** A further unit of a service, which changes together with its `unit`: see `units.ts`. */
export interface MoreUnit {
  readonly ready?: Ready;
  readonly state?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly configuration?: Configuration | undefined;
  // Outputs only, as those of a service.
  readonly masked?: string | undefined;
  readonly process?: string | undefined;
}

/** How to know that a unit took a reload: some daemons keep their former configuration. */
export interface Reloaded {
  /** A process is made for the new configuration, as HAProxy and Nginx make workers. */
  readonly newWorker?: boolean;
  readonly endsConnections?: boolean;
}

export interface Drain {
  readonly file: string;
  readonly seconds: number;
  /** Any of them says so. */
  readonly allowed?: readonly HttpProbe[];
  /** Whether another server took over. */
  readonly takenCommand?: readonly string[];
  readonly finished?: HttpProbe;
  readonly finishedCommand?: readonly string[];
  readonly finishSeconds?: number;
}

/** What is looked at while a new version serves, before the change is done. */
export interface Watch {
  readonly seconds: number;
  /** From 0 to 1. */
  readonly maxErrorRatio: number;
  /** Of the server in front of it: a JSON object a line, with `status` and `upstream_status`. */
  readonly accessLog: string;
  readonly share?: Share;
}

/** Which share of the requests comes to a host while it is watched. */
export interface Share {
  readonly percent: number;
  /** They pass requests on, each by itself. */
  readonly hosts: readonly Host[];
  /** Sets the share there, and prints one line about it: none where that host passes nothing to the watched one. */
  readonly begin: readonly string[];
  /** Sets all back to what it is without a share. */
  readonly end: readonly string[];
}

/** What is run once for each version: before anything is switched to it, or when all hosts have it. */
export interface ReleaseCommand {
  readonly command: readonly string[];
  /** The text of the oneshot unit that runs it; where its environment is, and its time limit, are added. */
  readonly unit: string;
  readonly environmentFiles: readonly string[];
  readonly deadlineSeconds: number;
  /** Hosts that may have run it before: for a version that had it there it is not run again. */
  readonly elsewhere?: readonly Host[];
}

/** Where a Service has the versions that had `releaseCommand`, and those that had `afterCommand`. */
export type RanOnce = "commanded" | "afterwards";

/** Away from which version, by whom (`ada@laptop`) and when. */
export interface RolledBack {
  readonly from: string;
  readonly by: string;
  readonly at: string;
}

/** Holds what an application writes, whatever its version. */
export interface PersistentFolder {
  readonly folder: string;
  /** The user to whom it belongs, with the group of the same name. */
  readonly owner: string;
  /** In outputs alone: four octal digits, where the owner cannot use the folder, or everybody can write to it. */
  readonly mode?: string;
}

/** What a version needs and is not sent: made on the host, and linked to each version that needs the same. */
export interface Dependencies {
  /** What is made from the same has the same key. In outputs that of the version in use. */
  readonly key: string;
  readonly command: readonly string[];
  /** The text of the oneshot unit that makes them, as for a release command. */
  readonly unit: string;
  readonly environmentFiles: readonly string[];
  readonly deadlineSeconds: number;
  /** Files of the version from which they are made. */
  readonly files: readonly string[];
  /** Files and folders that are taken along where the version has them. */
  readonly filesIfAny?: readonly string[] | undefined;
  /** What the command makes, and the version has links to. */
  readonly links: readonly string[];
  /** Who makes them. */
  readonly user: string;
  /** `version`: they are of one version alone, and what it has stands beside them. */
  readonly beside?: "version";
}

/** `loaded`: the unit runs with the files that are on the disk. */
export type Configuration = "loaded" | "reload needed" | "restart needed";

export interface Service {
  readonly host: Host;
  readonly name: string;
  readonly unit?: string;
  readonly state?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly configuration?: Configuration | undefined;
  readonly moreUnits?: Readonly<Record<string, MoreUnit>>;
  readonly users: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, File>>;
  readonly absent: readonly string[];
  readonly onChange: OnChange;
  readonly check?: readonly string[];
  readonly ready?: Ready;
  readonly reloaded?: Reloaded;
  /** Where the daemon says why it failed, besides the journal. */
  readonly log?: string;
  /** Prints the configuration as the unit would load it, with a line `# configuration file PATH:` before each file. */
  readonly configurationCommand?: readonly string[];
  /** What the unit loads besides its service's files: paths, `*` being any name. */
  readonly configurationFiles?: readonly string[];
  readonly overrides?: Overrides;
  readonly drain?: Drain;
  /** Prints a line for each thing that a start or reload of the unit does and no file shows. */
  readonly forewarningCommand?: readonly string[];
  /** Prints a line for each thing that somebody did on purpose, and that is told without being a difference. */
  readonly noticeCommand?: readonly string[];
  /** Whatever the unit does is taken back unless a new connection gets in within this time. */
  readonly confirmSeconds?: number;
  readonly reloadNote?: string;
  readonly restartNote?: string;
  readonly port?: number;
  /** Package to the version that is installed: another one than the unit was started with is taken in. */
  readonly runsWith?: Readonly<Record<string, string>> | undefined;
  /** How the unit takes in another version. */
  readonly onUpgrade?: OnChange;
  /** What the unit was started with, as far as that is known. Output only. */
  readonly startedWith?: Readonly<Record<string, string>> | undefined;
  readonly root?: string;
  readonly source?: string;
  readonly build?: string;
  readonly exclude?: readonly string[];
  readonly part?: string;
  readonly ahead?: string;
  readonly versionOf?: "content";
  readonly version?: string | undefined;
  readonly keep?: number;
  /** How many former versions have a link: `previous`, `previous-2` and so on. */
  readonly previous?: number;
  /** The versions on the host. Output only. */
  readonly releases?: readonly string[];
  /** Folders that are a link in each version, by their path in it. */
  readonly persistent?: Readonly<Record<string, PersistentFolder>>;
  readonly releaseCommand?: ReleaseCommand;
  /** Where this host is the last one to get a version. */
  readonly afterCommand?: ReleaseCommand;
  readonly watch?: Watch;
  /** The hosts that take another version while the site is closed: this one, and those with the same service. */
  readonly together?: { readonly hosts: readonly Host[] };
  readonly dependencies?: Dependencies | undefined;
  /** Keys of those that are on the host. Output only. */
  readonly madeDependencies?: readonly string[] | undefined;
  /** The versions for which `releaseCommand` ran. Output only. */
  readonly commanded?: readonly string[] | undefined;
  /** Which of them another host has of the version that is wanted. Output only. */
  readonly had?: readonly RanOnce[] | undefined;
  /** Those for which `afterCommand` ran. Output only. */
  readonly afterwards?: readonly string[] | undefined;
  /** The version that was switched to and for which it has not run yet. Output only. */
  readonly owed?: string | undefined;
  /** Where `npm run rollback` led to the version that is live. Output only. */
  readonly rolledBack?: RolledBack | undefined;
  /** Where a folder stands in place of a file or link. Output only: nothing is done before it is moved away by hand. */
  readonly folders?: readonly string[] | undefined;
  /** What other resources have on the machine of what this one has or wants. Output only. */
  readonly owners?: readonly OwnedThing[] | undefined;
  /** Paths of which what stood there before is kept, to be put back. Output only. */
  readonly originals?: readonly string[] | undefined;
  // What is wrong with the unit, each only where it is so. Outputs only.
  readonly masked?: string | undefined;
  /** `runs a former /usr/sbin/nginx`: the program or a library on the disk is another one by now. */
  readonly process?: string | undefined;
  /** Why it does not answer although it runs. */
  readonly answers?: string | undefined;
  /** Who of the same stack has its port. Only where a plan is to be made. */
  readonly portHolder?: string | undefined;
  /** What `forewarningCommand` printed. Only where a plan is to be made. */
  readonly forewarned?: readonly string[] | undefined;
  /** The drain file, where one was left behind. */
  readonly drained?: string | undefined;
  /** What was set at run time, past the files. */
  readonly overridden?: string | undefined;
  /** That systemd has not read the unit's files since they changed. */
  readonly definition?: string | undefined;
  /** What changed since the last `up` in configuration that the unit loads and that is not this service's. Output only. */
  readonly foreign?: readonly ForeignChange[] | undefined;
  /** Why that configuration cannot be loaded. Output only. */
  readonly unloadable?: string | undefined;
}
