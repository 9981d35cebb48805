import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";
import type { ServiceArgs } from "./service";

/** A command that is run once for each version. */
export interface ReleaseCommandArgs {
  /** For the preview: what `unit` runs, as words. */
  readonly command: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * The text of the unit that runs it, with `Type=oneshot`; it is there only while it runs, as `NAME-release.service`. What
   * `environmentFiles` and `deadlineSeconds` say is added.
   */
  readonly unit: pulumi.Input<string>;
  /** Absolute paths, as for `EnvironmentFile=`. One that the same change writes is read as it will be. Default none. */
  readonly environmentFiles?: pulumi.Input<pulumi.Input<string>[]>;
  /** How long it may take, 1 to 86400. Default 600. */
  readonly deadlineSeconds?: pulumi.Input<number>;
  /** The hosts of the same application that may have run it before: a version that had it there does not get it again. Default none. */
  readonly elsewhere?: pulumi.Input<pulumi.Input<HostArgs>[]>;
}

/** What is looked at while a new version serves, before the change counts as done. */
export interface WatchArgs {
  /** For how long, 1 to 600. Default 300. */
  readonly seconds?: pulumi.Input<number>;
  /** More of its requests that fail than this ratio, 0 to 1, take it back. Default 0.01. */
  readonly maxErrorRatio?: pulumi.Input<number>;
  /**
   * The log of the server in front of it, an absolute path: a JSON object a line, with `status` and `upstream_status`. A request
   * that the application was to answer has failed with status 425, or 500 and more.
   */
  readonly accessLog: pulumi.Input<string>;
  /** Which share of the requests comes to the host meanwhile. Default: what comes to it otherwise. */
  readonly share?: pulumi.Input<ShareArgs>;
}

/** A share that is set on the hosts that pass requests on. */
export interface ShareArgs {
  /** For the preview: 1 to 99. */
  readonly percent: pulumi.Input<number>;
  /** On each of them both commands are run. */
  readonly hosts: pulumi.Input<pulumi.Input<HostArgs>[]>;
  /**
   * As words: sets the share before the release, and prints a line about it, or none where the host passes nothing to the watched one.
   * Where it fails, nothing is released.
   */
  readonly begin: pulumi.Input<pulumi.Input<string>[]>;
  /** As words: sets all back, whether the release went well or not. */
  readonly end: pulumi.Input<pulumi.Input<string>[]>;
}

/** Holds what an application writes, whatever its version. */
export interface PersistentFolderArgs {
  /** An absolute path outside of `root`: `/var/lib/guestbook/storage`. */
  readonly folder: string;
  /** One of `users`: it belongs to that one, with the group of the same name. */
  readonly owner: string;
}

/** What a version needs and is not sent, such as the packages that its lock file names. */
export interface DependenciesArgs {
  /** The same key is the same result: of the files that they are made from, of the command, and of what runs it. */
  readonly key: pulumi.Input<string>;
  /** For the preview: what `unit` runs, as words. */
  readonly command: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * The text of the unit that makes them in `ROOT/dependencies/KEY`, as for a release command; it is there only while it runs, as
   * `NAME-dependencies.service`.
   */
  readonly unit: pulumi.Input<string>;
  /** Absolute paths, as for `EnvironmentFile=`. Default none. */
  readonly environmentFiles?: pulumi.Input<pulumi.Input<string>[]>;
  /** How long it may take, 1 to 86400. Default 600. */
  readonly deadlineSeconds?: pulumi.Input<number>;
  /** Files of the version that are in that folder before. */
  readonly files: pulumi.Input<pulumi.Input<string>[]>;
  /** Files and folders that are as well, where the version has them. Default none. */
  readonly filesIfAny?: pulumi.Input<pulumi.Input<string>[]>;
  /** What it makes there: the version gets links to it at the same paths. */
  readonly links: pulumi.Input<pulumi.Input<string>[]>;
  /** Who makes them; afterwards they are root's. */
  readonly user: pulumi.Input<string>;
  /**
   * `version`: links to all else of the version stand in that folder as well, for tools that lead from what they make to what is
   * beside it, as Composer's autoloader. Then each version needs a key of its own. Default: only `files` are there.
   */
  readonly beside?: pulumi.Input<"version">;
}

export interface ReleaseArgs extends ServiceArgs {
  /** Where the versions live on the host: `/srv/guestbook`, which gets `releases/<version>` and the link `current`. */
  readonly root: pulumi.Input<string>;
  /** The folder on this machine that holds the files, relative to the project. Read only when a version has to be sent. */
  readonly source: pulumi.Input<string>;
  /**
   * Run in the project to make `source`, when a version has to be sent and `source` does not hold it: it is not there, is
   * another version's or was changed since.
   */
  readonly build?: pulumi.Input<string>;
  /** Names of files and folders, anywhere in `source`, that are not sent; `./NAME` is only the one in `source` itself. Default none. */
  readonly exclude?: pulumi.Input<pulumi.Input<string>[]>;
  /** A folder in `source`: only what is in it is sent, and it need not be there. Default all. */
  readonly part?: pulumi.Input<string>;
  /**
   * The `root` of a Release of the same `source` and `version` that comes to this host after this one: all its files are sent
   * with this one's. So all hosts get them at the same time, where that one goes from host to host. Default none.
   */
  readonly ahead?: pulumi.Input<string>;
  /** `content`: `version` is what `hashContent` says of `source`; another content is then refused. Default: it is not looked at. */
  readonly versionOf?: pulumi.Input<"content">;
  /** The content's address: another version is another content, and the same version is never sent twice. At most 128 letters, digits and `. _ -`. */
  readonly version: pulumi.Input<string>;
  /** How many former versions stay on the host for a roll-back, 0 to 100. Default 4. */
  readonly keep?: pulumi.Input<number>;
  /**
   * How many former versions have a link of their own, as `current` is one: `previous`, `previous-2` and so on, 1 to 20 and no more than
   * `keep`. They are renewed by each release. Default 1.
   */
  readonly previous?: pulumi.Input<number>;
  /**
   * Folders that outlive versions, by their path in each of them, where a link stands instead. A folder that is not there yet
   * is made of what the version has at that place; later versions change nothing in it. Destroying the release leaves them.
   * Default none.
   */
  readonly persistent?: Readonly<Record<string, PersistentFolderArgs>>;
  /**
   * Run once for each version that is switched to, after it was sent and before anything else of it is live: a migration.
   * Where it fails or takes too long, nothing is switched. The host remembers the last 200 versions that had it, also when
   * their files are gone: a switch back does not run it again.
   */
  readonly releaseCommand?: pulumi.Input<ReleaseCommandArgs>;
  /**
   * Run once for each version when this host has it, as the last of all: a cache that is filled, somebody who is told. Where it fails, `up`
   * fails and nothing is taken back; the next `up` runs it again.
   */
  readonly afterCommand?: pulumi.Input<ReleaseCommandArgs>;
  /**
   * After a switch from one version to another, as soon as it is ready: it is taken back, drained, if too many of its requests fail
   * or one of its units ends by itself. Default: it is not watched.
   */
  readonly watch?: pulumi.Input<WatchArgs>;
  /**
   * The hosts that take another version while the site is closed, this one among them: each has a Release with the same name, root
   * and `drain`, which come one after the other. All are drained before the first, and come back once all have the version; where
   * one fails, all return to the one before. Needs `drain`. Default: each host for itself.
   */
  readonly together?: pulumi.Input<{ readonly hosts: pulumi.Input<pulumi.Input<HostArgs>[]> }>;
  /**
   * Made on the host before anything of a version is live, unless they are there: all versions that need the same share them. Those
   * that no version needs any more are removed. Default none.
   */
  readonly dependencies?: pulumi.Input<DependenciesArgs>;
}

/**
 * One version of an application on one host, with the unit that runs it: a Service whose transaction also sends the
 * version's files and switches `current` to it. A version that does not become ready is taken back.
 * Destroying it also removes all versions.
 */
export class Release extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.CustomResourceOptions) {
    super("trilithon:index:Release", name, { ...args, plan: undefined }, withPackageVersion(opts));
  }
}
