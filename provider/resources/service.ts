import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface FileArgs {
  /** The whole text. A secret is never shown: keep secrets in files of their own, so that the rest stays readable in a diff. */
  readonly content: pulumi.Input<string>;
  /** Octal, four or five digits. Default `0644`. */
  readonly mode?: pulumi.Input<string>;
  /** A user of the host, or one of the service's `users`. Default `root`. */
  readonly owner?: pulumi.Input<string>;
  /** A group of the host, or that of one of `users`. Default `root`. */
  readonly group?: pulumi.Input<string>;
  /** What the unit does when this file changes. Default: the service's `onChange`. */
  readonly onChange?: pulumi.Input<OnChange>;
  /** `environment`: a preview names the variables that change, and shows no value. Default: it counts lines. */
  readonly format?: pulumi.Input<"environment">;
}

/** What a unit does to take a changed file in. */
export type OnChange = "reload" | "restart" | "nothing";

/** When a unit counts as ready. With none of the four, when systemd calls it active. */
export interface ReadyArgs {
  /** Answers 200 to 299 to a GET: `http://127.0.0.1:3000/health`. Plain HTTP, seen from the host itself. A redirect is not ready. */
  readonly http?: pulumi.Input<string>;
  /** Sent with it: `{ Host: "www.example.com" }`. Default: `Host` with the address. */
  readonly headers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** A regular expression of Perl's that the answer has to match, `^` and `$` being those of a line. Default: any answer. */
  readonly matches?: pulumi.Input<string>;
  /** Accepts connections on this port of 127.0.0.1. */
  readonly tcp?: pulumi.Input<number>;
  /** Ends with status 0; run as root. */
  readonly command?: pulumi.Input<pulumi.Input<string>[]>;
  /** It was active for that long without a restart, 1 to 3600. It comes on top of `deadlineSeconds`. */
  readonly staySeconds?: pulumi.Input<number>;
  /** How long it may take, 1 to 3600; then all is put back. Default 30. */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/** A unit that changes together with the service's own: a worker of an application. */
export interface MoreUnitArgs {
  /** When it counts as ready. Default: when it was active for 5 seconds without a restart. */
  readonly ready?: pulumi.Input<ReadyArgs>;
}

/** How to know that a unit took a reload. By default it did when `systemctl reload` ends well and the unit's status names no failure. */
export interface ReloadedArgs {
  /** A process is made for the new configuration, as HAProxy and Nginx make workers. Without a new one the change is taken back. */
  readonly newWorker?: pulumi.Input<boolean>;
  /** Connections that are open end soon after it; the preview says so. Default false. */
  readonly endsConnections?: pulumi.Input<boolean>;
}

/** One question over plain HTTP, seen from the host itself. */
export interface HttpProbeArgs {
  /** Answers 200 to 299: `http://10.0.0.11:8404/;csv`. */
  readonly http: pulumi.Input<string>;
  /** Sent with it. Default: `Host` with the address. */
  readonly headers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** A regular expression of Perl's that the answer has to match, `^` and `$` being those of a line. Default: any answer. */
  readonly matches?: pulumi.Input<string>;
}

/** Two commands: what was set at run time, and how it is put back. */
export interface OverridesArgs {
  /** Prints what differs from the files. Each line is shown in the preview: `max_connections is 7, not 200`. */
  readonly find: pulumi.Input<pulumi.Input<string>[]>;
  /** Makes it as the files have it; run when `find` printed something. */
  readonly reset: pulumi.Input<pulumi.Input<string>[]>;
}

/** How to take a host out of the load balancer while its unit restarts. */
export interface DrainArgs {
  /** Exists while the host drains; the web server answers its health check with 404 then. */
  readonly file: pulumi.Input<string>;
  /** How long the load balancer may take to notice, each way. 1 to 600. */
  readonly seconds: pulumi.Input<number>;
  /**
   * Whether another server serves, as any of these says. Waited for, for 20 seconds; when none does, the unit restarts without
   * being drained, and that is said. Default: it is always drained.
   */
  readonly allowed?: pulumi.Input<pulumi.Input<HttpProbeArgs>[]>;
  /**
   * Run on the host after `seconds`: ends with 0 where another server took over. Where none did, the unit restarts without being
   * drained, and that is said. Default: that one serves is enough.
   */
  readonly takenCommand?: pulumi.Input<pulumi.Input<string>[]>;
  /** Whether the requests under way have ended: the unit is stopped then. Default: it is not asked. */
  readonly finished?: pulumi.Input<HttpProbeArgs>;
  /** The same, asked by a command on the host that ends with 0, instead of `finished`. */
  readonly finishedCommand?: pulumi.Input<pulumi.Input<string>[]>;
  /** How long they may take, 1 to 3600. Default 30. */
  readonly finishSeconds?: pulumi.Input<number>;
}

export interface ServiceArgs {
  /** Where it is. Another one is another resource. */
  readonly host: pulumi.Input<HostArgs>;
  /** Names it on its host, in the resource's id and in messages. Default: the unit without `.service`. Required without a unit. */
  readonly name?: pulumi.Input<string>;
  /** `haproxy.service`, or a socket, timer or target. Without one it is a set of users and files. */
  readonly unit?: pulumi.Input<string>;
  /**
   * Further units, name to what there is to say of each. They start, stop and change in the same transaction, after `unit`:
   * when any does not become ready, all is put back. A unit's own file (`/etc/systemd/system/NAME`) concerns that unit alone,
   * any other file of the service all of them. One that is taken out is stopped and disabled. Default none.
   */
  readonly moreUnits?: Readonly<Record<string, MoreUnitArgs>>;
  /** Default `running`, which also enables it at boot; `stopped` also disables it. */
  readonly state?: pulumi.Input<"running" | "stopped">;
  /** System users (no login, no password) to their home directory. */
  readonly users?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Absolute path to file. */
  readonly files?: pulumi.Input<Record<string, pulumi.Input<FileArgs>>>;
  /** Absolute paths of files and symbolic links that must not exist: `/etc/nginx/sites-enabled/default`. Kept beside as a backup. */
  readonly absent?: pulumi.Input<pulumi.Input<string>[]>;
  /** What the unit does when a file changes. Default `restart`. */
  readonly onChange?: pulumi.Input<OnChange>;
  /** Says with status 0 that the files are good, before the unit takes them in: `["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"]`. */
  readonly check?: pulumi.Input<pulumi.Input<string>[]>;
  /** When the unit counts as ready after a start, a restart or a reload. Default: when systemd calls it active. */
  readonly ready?: pulumi.Input<ReadyArgs>;
  /** How to know that the unit took a reload, rather than to go on with what it had. */
  readonly reloaded?: pulumi.Input<ReloadedArgs>;
  /** The daemon's own log: what it said there is shown, besides the journal, when it fails. Default: the journal alone. */
  readonly log?: pulumi.Input<string>;
  /**
   * Prints the configuration as the unit would load it, each file after a line `# configuration file PATH:`, as
   * `["nginx", "-T"]` does. What changes in files that are not the service's own is then told with its lines; `up` leaves
   * it as it is, and takes it for granted from then on. Drop-ins of the unit are told without it. With status 75 it says
   * that it cannot be asked at the moment.
   */
  readonly configurationCommand?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Files that the unit loads besides its own: absolute paths, `*` for any name in a folder. What changes in them is told
   * like that of `configurationCommand`, without what follows a word such as `password`.
   */
  readonly configurationFiles?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * For what can be set in the running daemon past its files. `find` prints a line for each such setting and nothing where
   * the files hold, `reset` puts all of them back; both run as root while the unit runs. Default: nothing is asked.
   */
  readonly overrides?: pulumi.Input<OverridesArgs>;
  /**
   * For what no file shows. Run as root for a preview and an `up` in which the unit starts, reloads, restarts or stops; each line that it
   * prints is told there as a warning: `closes TCP 9100 (node_exporter)`. Default: nothing is told.
   */
  readonly forewarningCommand?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * For what somebody did on the host on purpose and no change takes away, as a page of maintenance. Run as root by each preview and
   * `up`; each line that it prints is told there as a warning, and makes no difference. Default: nothing is told.
   */
  readonly noticeCommand?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * For what could lock everybody out, as a firewall or sshd: whatever the unit does is taken back by the host itself unless a new
   * SSH connection gets in within this time, in seconds, 5 to 120. A reload has to be over when `systemctl reload` ends: before that
   * it is the former configuration that lets a connection in. Default: it stays.
   */
  readonly confirmSeconds?: pulumi.Input<number>;
  /** What a reload does to what is open, in a few words for the preview: `WebSockets go on for 1 hour`. */
  readonly reloadNote?: pulumi.Input<string | undefined>;
  /** What a restart costs where the host is not drained: `the address moves to another host`. */
  readonly restartNote?: pulumi.Input<string | undefined>;
  /** Where others reach the unit: a preview says what another port costs. */
  readonly port?: pulumi.Input<number>;
  /** Takes the host out of the load balancer while the unit restarts. Default: it restarts at once. */
  readonly drain?: pulumi.Input<DrainArgs>;
  /**
   * Package to version, the `versions` of the `Packages` that the unit needs: when another version is installed than it
   * was started with, it restarts like for any other change. Default none.
   */
  readonly runsWith?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** What the unit does to take in another version of a package. Default `restart`. */
  readonly onUpgrade?: pulumi.Input<OnChange>;
}

/**
 * One systemd unit on one host with what makes it: users, files. Applied as one transaction: checked
 * before it is live, put back as it was when the check fails or the unit does not become ready.
 * It owns its unit, its files and its folder on the machine: another stack that wants one of them is refused, another
 * resource of the stack takes it over and says so. Destroying it removes what is still its own, puts back what stood there
 * before, and stops and disables the unit unless it ran before as well; users stay.
 */
export class Service extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: ServiceArgs, opts?: pulumi.CustomResourceOptions) {
    super("trilithon:index:Service", name, { ...args, plan: undefined }, withPackageVersion(opts));
  }
}
